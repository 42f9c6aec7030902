// Which events of a page belong together.
import type { HistoryEvent } from "../../types/instance";

const BEGINS: Record<string, string> = {
    TaskScheduled: "task", SubOrchestrationInstanceCreated: "child", TimerCreated: "timer", EntityOperationCalled: "call", EntityLockRequested: "lock",
};
const ENDS: Record<string, string> = {
    TaskCompleted: "task", TaskFailed: "task", SubOrchestrationInstanceCompleted: "child", SubOrchestrationInstanceFailed: "child", TimerFired: "timer",
    EntityOperationCompleted: "call", EntityOperationFailed: "call", EntityLockGranted: "lock",
};

/** What a beginning and its end have in common. */
function mark(event: HistoryEvent): string | undefined {
    const begins = BEGINS[event.type], ends = ENDS[event.type];
    const common = event.requestId ?? event.criticalSectionId ?? (begins ? event.eventId : event.taskId);
    const kind = begins ?? ends;
    return kind === undefined || common === null ? undefined : `${kind} ${common}`;
}

/** What is asked for to see an event together with the one it belongs to. */
export function both(event: HistoryEvent): Record<string, string | undefined> | undefined {
    if (mark(event) === undefined) return undefined;
    const text = event.requestId ?? event.criticalSectionId;
    if (text !== undefined) return { text, eventid: undefined };
    return { eventid: String(event.taskId ?? event.eventId), text: undefined };
}

/** For each event with a partner among `events`, that partner. An id that is used again belongs to the newest beginning. */
export function partners(events: readonly HistoryEvent[]): Map<number, HistoryEvent> {
    const open = new Map<string, HistoryEvent>(), pairs = new Map<number, HistoryEvent>();
    for (const event of events.toSorted((a, b) => a.index - b.index)) {
        const common = mark(event);
        if (common === undefined) continue;
        if (BEGINS[event.type]) {
            open.set(common, event);
            continue;
        }
        const begun = open.get(common);
        if (!begun) continue;
        open.delete(common);
        pairs.set(begun.index, event);
        pairs.set(event.index, begun);
    }
    return pairs;
}
