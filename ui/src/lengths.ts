// Lengths of time as people type them.

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of "250ms", "1.5 s", "2m 30s"; without a unit it is seconds. Undefined if it is no length. */
export function lengthOf(text: string): number | undefined {
    const trimmed = text.trim().toLowerCase();
    if (!/^(\d+(\.\d+)?\s*(ms|s|min|m|h|d)?\s*)+$/.test(trimmed)) return undefined;
    let sum = 0;
    for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)?/g)) sum += Number(number) * (UNITS[unit ?? "s"] ?? 1000);
    return Math.round(sum);
}

export const whyNoLength = (text: string) => (text.trim() === "" || lengthOf(text) !== undefined ? undefined : "A length such as 250ms, 1.5s or 2m 30s.");
