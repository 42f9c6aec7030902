// How events are called and drawn.
import type { HistoryEvent } from "../../types/instance";
import type { Kind, Outcome } from "../../timeline/lines";
import type { IconName } from "../Icon";

export const LOOKS: Record<string, readonly [IconName, string]> = {
    ExecutionStarted: ["play", "Started"], ExecutionCompleted: ["check", "Ended"], ExecutionTerminated: ["stop", "Terminated"],
    ExecutionSuspended: ["pause", "Suspended"], ExecutionResumed: ["play", "Resumed"], ExecutionRewound: ["rewind", "Rewound"], ContinueAsNew: ["again", "Continued as new"],
    TaskScheduled: ["gear", "Activity scheduled"], TaskCompleted: ["gear", "Activity done"], TaskFailed: ["cross", "Activity failed"],
    SubOrchestrationInstanceCreated: ["flow", "Sub-orchestration started"], SubOrchestrationInstanceCompleted: ["flow", "Sub-orchestration done"],
    SubOrchestrationInstanceFailed: ["cross", "Sub-orchestration failed"], TimerCreated: ["clock", "Timer set"], TimerFired: ["clock", "Timer fired"],
    EventRaised: ["bolt", "Event received"], EventSent: ["send", "Event sent"],
    EntityOperationSignaled: ["box", "Entity signalled"], EntityOperationCalled: ["box", "Entity called"], EntityOperationCompleted: ["box", "Entity answered"],
    EntityOperationFailed: ["cross", "Entity failed"], EntityLockRequested: ["lock", "Lock asked for"], EntityLockGranted: ["lock", "Lock taken"], EntityUnlockSent: ["lock", "Lock given back"],
    OrchestratorStarted: ["right", "Turn begun"], OrchestratorCompleted: ["right", "Turn ended"],
};

export function look(event: Pick<HistoryEvent, "type" | "runtimeStatus">): readonly [IconName, string] {
    if (event.runtimeStatus && event.runtimeStatus !== "Completed") return [event.runtimeStatus === "Failed" ? "cross" : "stop", `Ended: ${event.runtimeStatus}`];
    return LOOKS[event.type] ?? ["info", event.type];
}

export const isBad = (event: HistoryEvent) => event.failure !== null || event.type.endsWith("Failed");

export const KINDS: Record<Kind, readonly [IconName, string]> = {
    orchestration: ["running", "Orchestration"], pause: ["pause", "Suspended"], activity: ["gear", "Activity"], timer: ["clock", "Timer"], event: ["bolt", "Event received"],
    sent: ["send", "Event sent"], child: ["flow", "Sub-orchestration"], call: ["box", "Entity call"], signal: ["box", "Entity signal"], section: ["lock", "Critical section"],
};

/** A word for how it stands, where the bar alone does not tell. */
export function outcome(kind: Kind, outcome: Outcome): string {
    switch (outcome) {
        case "open": return "not ended";
        case "failed": return "failed";
        case "dropped": return kind === "timer" ? "never fired" : "cut off";
        case "done": return "";
    }
}
