// Failures by name and hour, as rows of a table: by the hour as long as that can be read, by the day beyond.
import type { HourlyFailures } from "../types/lists";

const HOUR = 3_600_000, DAY = 24 * HOUR;
/** More columns than this are taken together to days. */
const MOST_HOURS = 48;

export interface HeatRow {
    name: string;
    counts: number[];
    total: number;
}
export interface Heat {
    /** When each column begins. */
    columns: number[];
    step: number;
    rows: HeatRow[];
    highest: number;
}

export function heat(failures: readonly HourlyFailures[], from: number, to: number, ahead = 0): Heat {
    const step = to - from > MOST_HOURS * HOUR ? DAY : HOUR;
    const place = (at: number) => Math.floor((at + ahead) / step);
    const first = place(from), many = Math.max(1, place(to - 1) - first + 1);
    const columns = Array.from({ length: many }, (_, column) => (first + column) * step - ahead);
    let highest = 0;
    const rows = failures.map(({ name, hours }) => {
        const counts = new Array<number>(many).fill(0);
        for (const { hour, count } of hours) {
            const column = place(Date.parse(hour)) - first;
            if (column < 0 || column >= many) continue;
            counts[column] = (counts[column] ?? 0) + count;
            highest = Math.max(highest, counts[column]);
        }
        return { name, counts, total: counts.reduce((sum, count) => sum + count, 0) };
    });
    return { columns, step, highest, rows: rows.filter((row) => row.total > 0).sort((a, b) => b.total - a.total) };
}

/** From 0 for nothing to 4 for as much as there is anywhere; one in a thousand can still be seen. */
export const shade = (count: number, highest: number) => (count === 0 ? 0 : Math.max(1, Math.ceil((Math.sqrt(count) / Math.sqrt(highest)) * 4)));
