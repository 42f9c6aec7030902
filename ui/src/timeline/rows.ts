// From lines to the rows that are shown: what somebody looks for, with many alike as one row that can be unfolded. Pure.
import { took, type Kind, type Line } from "./lines";

/** So many alike become one row. */
export const FOLD = 10;

export interface LineRow {
    fold: undefined;
    line: Line;
    /** One of those that a folded row holds. */
    inner: boolean;
}
export interface FoldRow {
    fold: string;
    kind: Kind;
    name: string;
    lines: Line[];
    open: number;
    failed: number;
    dropped: number;
    unfolded: boolean;
}
export type Row = LineRow | FoldRow;

export interface Wanted {
    /** A part of the name, in any case. */
    name: string;
    failed: boolean;
}

/** Those that somebody looks for. The orchestration itself is shown only with all the others. */
export function wanted(lines: readonly Line[], { name, failed }: Wanted): Line[] {
    const part = name.trim().toLowerCase();
    if (!part && !failed) return [...lines];
    return lines.filter((line) => (!failed || line.outcome === "failed") && (!part || `${line.name} ${line.instanceId ?? ""}`.toLowerCase().includes(part)));
}

interface Group {
    key: string;
    lines: Line[];
}

/** Never in a folded row. */
const KEPT: readonly Kind[] = ["orchestration", "pause"];

/** Lines that belong together: those of one turn, kind and name, and whatever is the same in the turns right after. */
function groups(lines: readonly Line[]): Group[] {
    const found: Group[] = [];
    let turn: Map<string, Group> | undefined, number = -1, before: Group | undefined;
    for (const line of lines) {
        const key = `${line.kind} ${line.name}`;
        if (KEPT.includes(line.kind)) {
            found.push({ key, lines: [line] });
            continue;
        }
        if (line.turn !== number || turn === undefined) {
            before = turn?.size === 1 ? turn.values().next().value : undefined;
            turn = new Map();
            number = line.turn;
        }
        const own = turn.get(key) ?? (turn.size === 0 && before?.key === key ? before : undefined);
        if (own) {
            own.lines.push(line);
            turn.set(key, own);
        } else {
            const group = { key, lines: [line] };
            found.push(group);
            turn.set(key, group);
        }
    }
    return found;
}

/** The rows, in the order in which things began. `unfolded` names the folded rows that are open. */
export function rows(lines: readonly Line[], unfolded: ReadonlySet<string>): Row[] {
    const units: { first: number; rows: Row[] }[] = [];
    for (const { key, lines: alike } of groups(lines)) {
        const head = alike[0]!;
        if (alike.length < FOLD) {
            for (const line of alike) units.push({ first: line.first, rows: [{ fold: undefined, line, inner: false }] });
            continue;
        }
        const fold = `${head.first} ${key}`, isOpen = unfolded.has(fold);
        const count = (outcome: Line["outcome"]) => alike.reduce((sum, line) => sum + Number(line.outcome === outcome), 0);
        const row: FoldRow = {
            fold, kind: head.kind, name: head.name, lines: alike, open: count("open"), failed: count("failed"), dropped: count("dropped"), unfolded: isOpen,
        };
        const inner: Row[] = isOpen ? alike.map((line) => ({ fold: undefined, line, inner: true })) : [];
        units.push({ first: head.first, rows: [row, ...inner] });
    }
    units.sort((a, b) => a.first - b.first);
    return units.flatMap((unit) => unit.rows);
}

export interface Spread {
    min: number;
    median: number;
    max: number;
}

/** The shortest, the middle and the longest of those that have ended; undefined if none has. */
export function spread(lines: readonly Line[]): Spread | undefined {
    const lengths = lines.filter((line) => line.outcome === "done" || line.outcome === "failed").map((line) => took(line, 0)).sort((a, b) => a - b);
    if (lengths.length === 0) return undefined;
    const middle = lengths.length >> 1;
    const median = lengths.length % 2 === 1 ? lengths[middle]! : (lengths[middle - 1]! + lengths[middle]!) / 2;
    return { min: lengths[0]!, median, max: lengths.at(-1)! };
}

/** From when to when a row reaches; undefined: until now. */
export function reach(row: Row): { from: number; to: number | undefined } {
    if (row.fold === undefined) return { from: row.line.from, to: row.line.to };
    let from = Number.POSITIVE_INFINITY, to: number | undefined = Number.NEGATIVE_INFINITY;
    for (const line of row.lines) {
        from = Math.min(from, line.from);
        to = line.to === undefined || to === undefined ? undefined : Math.max(to, line.to);
    }
    return { from, to };
}

/** The place of the row that shows this event; -1 if it is in a folded row, or not there. */
export function placeOf(rows: readonly Row[], event: number): number {
    return rows.findIndex((row) => row.fold === undefined && (row.line.first === event || row.line.last === event));
}
