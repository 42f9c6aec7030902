// The arithmetic of charts, without a page around it.

const NICE = [1, 2, 5, 10];

/** Whole numbers from 0 to at least `most`, about so many, at round distances. */
export function ticks(most: number, about = 4): number[] {
    const rough = Math.max(1, most / about);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = (NICE.find((nice) => nice * power >= rough) ?? 10) * power;
    const marks = [0];
    while ((marks.at(-1) ?? 0) < most) marks.push((marks.at(-1) ?? 0) + step);
    return marks.length > 1 ? marks : [0, step];
}

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [1000, 5000, 15_000, 30_000, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY];

export interface TimeTicks {
    step: number;
    at: number[];
}

/** Moments from `from` to `to`, at most so many, that are round in a zone so many milliseconds ahead of UTC. */
export function timeTicks(from: number, to: number, most: number, ahead = 0): TimeTicks {
    const step = STEPS.find((step) => (to - from) / step <= most) ?? Math.ceil((to - from) / most / DAY) * DAY;
    const at = [];
    for (let mark = Math.ceil((from + ahead) / step) * step - ahead; mark <= to; mark += step) at.push(mark);
    return { step, at };
}

/** Days are told by their date, shorter steps by the time of day. */
export function tickLabel(at: number, step: number, ahead = 0): string {
    const date = new Date(at + ahead), iso = date.toISOString();
    if (step >= DAY || (step >= HOUR && iso.slice(11, 16) === "00:00")) return iso.slice(5, 10);
    return step < MINUTE ? iso.slice(11, 19) : iso.slice(11, 16);
}

/** For each series and bucket, where its bar begins: on top of those before it. And the highest end of all. */
export function stacked(series: readonly (readonly number[])[]): { floors: number[][]; highest: number } {
    const heights: number[] = [];
    const floors = series.map((counts) => counts.map((count, bucket) => {
        const floor = heights[bucket] ?? 0;
        heights[bucket] = floor + count;
        return floor;
    }));
    return { floors, highest: heights.reduce((most, height) => Math.max(most, height), 0) };
}

/** The line through points, as an SVG path. */
export function line(points: readonly (readonly [x: number, y: number])[]): string {
    return points.map(([x, y], place) => `${place === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

/** The bucket of a place from 0 to 1 along the axis. */
export const bucketAt = (part: number, buckets: number) => Math.min(buckets - 1, Math.max(0, Math.floor(part * buckets)));

/** A length that has about so many buckets between two moments, round enough to be read. */
export function bucketCount(from: number, to: number, about: number): number {
    const step = STEPS.find((step) => (to - from) / step <= about) ?? (to - from) / about;
    return Math.max(1, Math.min(400, Math.ceil((to - from) / step)));
}

/** Where a value lies between two others, from 0 to 1, if each step is ten times the one before. */
export function share(value: number, low: number, high: number): number {
    const log = (one: number) => Math.log10(Math.max(one, 0.01));
    const width = log(high) - log(low);
    return width <= 0 ? 0.5 : Math.min(1, Math.max(0, (log(value) - log(low)) / width));
}
