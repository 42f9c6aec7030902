// The answers of /api/v1/instances/{id} and what is below it.
import type { Json, Status } from "../types";

/** The beginning of a payload. */
export interface Payload {
    bytes: number;
    text: string;
    whole: boolean;
}
/** A failure where it is one of many. */
export interface ShortFailure {
    errorType: string;
    message: string;
}
export interface FailureInfo extends ShortFailure {
    /** The rest is there only where a failure is shown in full. */
    stackTrace?: string | null;
    innerFailure?: FailureInfo | null;
    isNonRetriable?: boolean;
    properties?: Record<string, Json> | null;
}
/** What every answer about an instance has. */
export interface InstanceRow {
    instanceId: string;
    name: string;
    version: string | null;
    runtimeStatus: Status;
    createdTime: string;
    lastUpdatedTime: string;
    scheduledStartTime: string | null;
    completedTime: string | null;
    /** Of those that have ended. */
    durationMs: number | null;
    parentInstanceId: string | null;
    tags: Record<string, string>;
}
export interface InstanceDetails extends InstanceRow {
    executionId: string;
    input: Payload | null;
    output: Payload | null;
    customStatus: Payload | null;
    failure: FailureInfo | null;
    historyEvents: number;
    historyBytes: number;
    traceParent: string | null;
    lastEvent: { type: string; name: string | null; time: string | null } | null;
}
export interface HistoryEvent {
    index: number;
    eventId: number;
    type: string;
    time: string | null;
    name: string | null;
    taskId: number | null;
    fireAt: string | null;
    instanceId: string | null;
    version?: string;
    runtimeStatus?: Status;
    requestId?: string;
    criticalSectionId?: string;
    lockSet?: string[];
    tags?: Record<string, string>;
    payload: Payload | null;
    failure: FailureInfo | null;
}
export interface EventPage {
    events: HistoryEvent[];
    next: string | null;
    total: number;
    executionId: string;
}
export interface TreeNode extends InstanceRow {
    failure: ShortFailure | null;
    children: TreeNode[];
    more: boolean;
}
export interface Tree {
    ancestors: TreeNode[];
    node: TreeNode;
}
