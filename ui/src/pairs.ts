// Which rows of a history belong together.
import type { HistoryRow } from "./types";

const BEGINS = ["TimerCreated", "EntityOperationCalled", "EntityLockRequested"];
const ENDS = ["TimerFired", "EntityOperationCompleted", "EntityOperationFailed", "EntityLockGranted"];

/** What a beginning and its end have in common. */
function common(row: HistoryRow): string | undefined {
    if (row.EventType.startsWith("Timer")) return row.FireAt ? `timer ${row.FireAt}` : undefined;
    if (row.EventType.startsWith("EntityLock")) return `lock ${row.CriticalSectionId}`;
    return row.RequestId && `call ${row.RequestId}`;
}

/** For each row with a partner among `rows`, the partner's place. Equal timers are matched in their order. */
export function partners(rows: HistoryRow[]): Map<number, number> {
    const open = new Map<string, number[]>(), pairs = new Map<number, number>();
    rows.forEach((row, place) => {
        const mark = common(row);
        if (mark === undefined) return;
        if (BEGINS.includes(row.EventType)) {
            open.set(mark, [...(open.get(mark) ?? []), place]);
        } else if (ENDS.includes(row.EventType)) {
            const begun = open.get(mark)?.shift();
            if (begun === undefined) return;
            pairs.set(begun, place);
            pairs.set(place, begun);
        }
    });
    return pairs;
}
