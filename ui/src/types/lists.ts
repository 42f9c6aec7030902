// What lists, charts and statistics are made of, as openapi.yaml describes it.
import type { InstanceRow, ShortFailure } from "./instance";

/** An instance as a list shows it: everything narrow. */
export interface Row extends InstanceRow {
    /** One line, shortened. */
    customStatus: string | null;
    failure: ShortFailure | null;
    /** Only if sizes were asked for. */
    historyEvents?: number;
    historyBytes?: number;
}
export interface Found {
    instances: Row[];
    next: string | null;
}
export interface Series {
    /** A status, a name, or "other". */
    key: string;
    counts: number[];
}
export interface Histogram {
    from: string;
    to: string;
    bucketMs: number;
    series: Series[];
    total: number;
}
export interface Durations {
    name: string;
    count: number;
    failed: number;
    p50Ms: number;
    p95Ms: number;
    p99Ms: number;
    maxMs: number;
}
export interface HourlyFailures {
    name: string;
    hours: { hour: string; count: number }[];
}
export interface Activities {
    name: string;
    count: number;
    failed: number;
    p50Ms: number;
    p99Ms: number;
    maxMs: number;
    exampleInstanceId: string;
}
export interface Statistics {
    durations: Durations[];
    failuresByHour: HourlyFailures[];
    activities: Activities[];
    /** Instances that were looked at, and whether there were more. */
    lookedAt: number;
    more: boolean;
    sampledHistories: number;
}
export interface EntityEntry {
    name: string;
    key: string;
    instanceId: string;
    lastOperationTime: string;
    /** Null without a state. */
    stateBytes: number | null;
    lockedBy: string | null;
    backlog: number;
}
export interface FoundEntities {
    entities: EntityEntry[];
    next: string | null;
}
