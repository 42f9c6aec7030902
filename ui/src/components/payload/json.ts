// A JSON text as a tree that can be walked, searched and shown in part. Numbers stay as they were written. Pure.
import { parse } from "../../exact";

export type Path = readonly (string | number)[];
export interface Leaf {
    kind: "text" | "number" | "word";
    text: string;
}

interface RawNumber {
    rawJSON: string;
}
const isRaw = (value: object): value is RawNumber => (JSON as { isRawJSON?: (value: unknown) => boolean }).isRawJSON?.(value) ?? false;

export type Parsed = { value: unknown } | undefined;

/** Undefined: it is no JSON. */
export function parsed(text: string): Parsed {
    try {
        return { value: parse(text) };
    } catch {
        return undefined;
    }
}

/** What stands for itself; undefined: an object or an array. */
export function leaf(value: unknown): Leaf | undefined {
    if (typeof value === "string") return { kind: "text", text: JSON.stringify(value) };
    if (typeof value === "number") return { kind: "number", text: String(value) };
    if (value === null || typeof value !== "object") return { kind: "word", text: String(value) };
    return isRaw(value) ? { kind: "number", text: value.rawJSON } : undefined;
}

/** The entries of an object or an array. */
export function entries(value: unknown): [string | number, unknown][] {
    if (Array.isArray(value)) return value.map((one, place) => [place, one]);
    return value !== null && typeof value === "object" ? Object.entries(value) : [];
}

/** How an object or an array is told in short. */
export function short(value: unknown): string {
    const count = entries(value).length, isArray = Array.isArray(value);
    if (count === 0) return isArray ? "[]" : "{}";
    return isArray ? `[${count} ${count === 1 ? "item" : "items"}]` : `{${count} ${count === 1 ? "field" : "fields"}}`;
}

export const keyOf = (path: Path) => JSON.stringify(path);

/** Where a text occurs, in any case, in names or values; at most `most` places. */
export function search(value: unknown, text: string, most: number): Path[] {
    const part = text.toLowerCase(), found: Path[] = [];
    if (!part) return found;
    const look = (one: unknown, path: Path): void => {
        if (found.length >= most) return;
        const name = path.at(-1), own = leaf(one);
        const text = typeof one === "string" ? one : own?.text;
        if ((typeof name === "string" && name.toLowerCase().includes(part)) || text?.toLowerCase().includes(part)) found.push(path);
        if (!own) for (const [key, below] of entries(one)) look(below, [...path, key]);
    };
    look(value, []);
    return found;
}

/** What is open at first: as much as fits on a screen, the outer before the inner. */
export function openAtFirst(value: unknown, most = 60): Set<string> {
    const open = new Set<string>();
    let shown = 0, level: [Path, unknown][] = [[[], value]];
    while (level.length > 0) {
        const next: [Path, unknown][] = [];
        for (const [path, one] of level) {
            const below = leaf(one) ? [] : entries(one);
            if (below.length === 0 || shown + below.length > most) continue;
            open.add(keyOf(path));
            shown += below.length;
            for (const [key, inner] of below) next.push([[...path, key], inner]);
        }
        level = next;
    }
    if (open.size === 0) open.add(keyOf([]));
    return open;
}
