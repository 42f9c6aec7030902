// Answers about the server itself and the work it does on its own: bulk jobs, hubs, what it is.
import type { Counts } from "../types";

export const BULK_ACTIONS = ["terminate", "suspend", "resume", "rewind", "restart", "raiseEvent", "purge"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];
export type JobState = "running" | "completed" | "stopped" | "failed";

export interface Job {
    id: string;
    action: BulkAction;
    taskHub: string;
    state: JobState;
    createdTime: string;
    endedTime: string | null;
    by: string | null;
    filter: string | null;
    reason: string | null;
    total: number | null;
    done: number;
    skipped: number;
    failed: number;
    error: string | null;
}
export interface JobFailure {
    instanceId: string;
    why: string;
}
/** One job, with the failures that are kept of it. */
export interface JobDetails extends Job {
    failures: JobFailure[];
}
/** What is asked of a new job: a list of ids, or a filter as the list of instances takes it in its query. */
export interface NewJob {
    action: BulkAction;
    instanceIds?: string[];
    filter?: string;
    reason?: string;
    eventName?: string;
    /** JSON text. */
    eventJson?: string;
    recursive?: boolean;
    restartWithNewInstanceId?: boolean;
}

export interface HubRow {
    name: string;
    default: boolean;
    removable: boolean;
    instances?: Counts;
}

/** What a caller may do; the words of `about.caller.permits`. */
export const PERMISSIONS = ["read", "start", "signal", "raiseEvent", "terminate", "suspend", "resume", "restart", "rewind", "purge", "purgeMany", "administer"] as const;
export type Permission = (typeof PERMISSIONS)[number];

export interface About {
    version: string;
    startedTime: string;
    uptimeMs: number;
    store: { kind: string; path: string | null; bytes: number | null; walBytes: number | null };
    endpoints: Record<string, string>;
    /** Absent for a key that is for some task hubs only. */
    settings?: Record<string, Record<string, unknown>>;
    readOnly: boolean;
    /** `taskHubs`: those that the key is for; absent for all. */
    caller: { name: string | null; role: string; taskHubs?: string[]; permits: Permission[] };
}
