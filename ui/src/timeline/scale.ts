// What part of the time is looked at, and where a time lies in it. Pure.

export interface Span {
    from: number;
    to: number;
}

/** The least that can be looked at, in milliseconds. */
const LEAST = 0.01;

export const length = ({ from, to }: Span): number => to - from;

/** All of it, with a little room at the end, and never nothing. */
export function all(from: number, to: number): Span {
    const wide = Math.max(to - from, 1);
    return { from, to: from + wide * 1.03 };
}

/** Within `whole`, as long as it was if that is possible. */
export function within(whole: Span, view: Span): Span {
    const wide = Math.min(Math.max(length(view), LEAST), length(whole));
    const from = Math.min(Math.max(view.from, whole.from), whole.to - wide);
    return { from, to: from + wide };
}

/** `factor` 2 shows half as much. What is at `place` (0 left, 1 right) stays there. */
export function zoomed(whole: Span, view: Span, factor: number, place = 0.5): Span {
    const fixed = view.from + length(view) * place, wide = Math.max(length(view) / factor, LEAST);
    return within(whole, { from: fixed - wide * place, to: fixed + wide * (1 - place) });
}

/** Moved by a part of what is shown. */
export function moved(whole: Span, view: Span, part: number): Span {
    const by = length(view) * part;
    return within(whole, { from: view.from + by, to: view.to + by });
}

/** Where a time lies, from 0 (left) to 1 (right); beyond if it is not in sight. */
export const place = (view: Span, time: number): number => (time - view.from) / length(view);

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY];

/** A round step that makes at most `most` of them in `wide` milliseconds. */
export function step(wide: number, most: number): number {
    const least = wide / Math.max(1, most);
    if (least < SECOND) {
        const ten = 10 ** Math.floor(Math.log10(least));
        return [1, 2, 5, 10].map((part) => part * ten).find((size) => size >= least * 0.999)!;
    }
    return STEPS.find((size) => size >= least) ?? Math.ceil(least / DAY) * DAY;
}

export interface Tick {
    time: number;
    label: string;
}

/** Marks of the axis, told as the time since `start`. */
export function ticks(view: Span, start: number, most: number): Tick[] {
    const size = step(length(view), most), found: Tick[] = [];
    for (let number = Math.ceil((view.from - start) / size); start + number * size <= view.to; number++) {
        found.push({ time: start + number * size, label: since(number * size, size) });
    }
    return found;
}

/** A time since the start, as exact as steps of `size` need it. */
export function since(ms: number, size: number): string {
    if (ms === 0) return "0";
    if (size < SECOND / 10 && Math.abs(ms) < 10 * SECOND) return `${digits(ms, size)} ms`;
    if (Math.abs(ms) < 2 * MINUTE) return `${digits(ms / SECOND, size / SECOND)} s`;
    const days = Math.floor(ms / DAY), hours = Math.floor((ms % DAY) / HOUR), minutes = Math.floor((ms % HOUR) / MINUTE), seconds = (ms % MINUTE) / SECOND;
    const parts = [days && `${days} d`, hours && `${hours} h`, minutes && `${minutes} min`, size < MINUTE && seconds > 0 && `${digits(seconds, size / SECOND)} s`];
    return parts.filter(Boolean).join(" ");
}

function digits(value: number, size: number): string {
    return value.toFixed(Math.max(0, Math.ceil(-Math.log10(size) - 1e-9)));
}
