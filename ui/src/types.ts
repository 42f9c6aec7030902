// The answers of the server, as openapi.yaml describes them.

export const STATUSES = ["Running", "Pending", "Suspended", "Completed", "Failed", "Terminated", "Canceled", "ContinuedAsNew"] as const;
export type Status = (typeof STATUSES)[number];
/** Any JSON. Numbers that a double cannot hold are kept as they were written; see exact.ts. */
export type Json = unknown;

export interface Instance {
    name: string;
    instanceId: string;
    version?: string;
    runtimeStatus: Status;
    input: Json;
    customStatus: Json;
    output: Json;
    createdTime: string;
    lastUpdatedTime: string;
}
export interface Counts {
    total: number;
    byStatus: Record<Status, number>;
}
export interface Hub {
    name: string;
    default: boolean;
}
export interface Held {
    held: number;
    most: number;
}
export interface Worker {
    id: number;
    label: string;
    taskHub: string | null;
    embedded: boolean;
    connectedSince: string;
    orchestrations: Held;
    activities: Held;
    entities: Held;
    answered: number;
    serves: { orchestrations: string[]; activities: string[]; entities: string[] | null } | null;
}
export interface Queue {
    kind: "orchestration" | "activity" | "entity";
    name: string;
    version: string | null;
    waiting: number;
    more: boolean;
    served: boolean;
    /** Of a name with a limit: how much of it runs, and may. */
    limit: Held | null;
}
export interface FailureGroup {
    name: string;
    errorType: string;
    message: string;
    count: number;
    firstTime: string;
    lastTime: string;
    exampleInstanceId: string;
    /** How many in each part of the time from `from` to `to`. */
    times: number[];
}
export interface Failures {
    groups: FailureGroup[];
    from: string | null;
    to: string | null;
    lookedAt: number;
    more: boolean;
}
export interface Standing {
    state: string;
    worker: string | null;
    since: string | null;
    /** How many of its name may run at a time, and do. */
    limit: number | null;
    returns: number;
}
export interface Waiting {
    kind: "activity" | "timer" | "subOrchestration" | "entityCall" | "lock";
    id: number;
    name: string;
    since: string;
    due: string | null;
    instanceId: string | null;
    runtimeStatus: Status | null;
    delivery: Standing | null;
    backlog: number | null;
    lockedBy: string | null;
    /** Nothing that is stored will ever answer it. */
    lost: boolean;
}
export interface Explanation {
    summary: string;
    turn: Standing | null;
    waitsFor: Waiting[];
    lastError: { kind: Waiting["kind"]; name: string; errorType: string; message: string; time: string } | null;
    messages: { ready: number; later: number; nextDue: string | null };
    lockedBy: string | null;
    parked: Parking | null;
}
/** How, and since when, something is given to no worker any more. */
export interface Parking {
    since: string;
    cause: "deliveries" | "data" | "history";
    deliveries: number;
    reason: string;
}
export interface ParkedPage {
    parked: (Parking & { instanceId: string; name: string; version: string | null; runtimeStatus: Status })[];
    next: string | null;
}
export interface Revision {
    revision: number;
    rewoundTime: string;
    reason: string | null;
    events: number;
}
