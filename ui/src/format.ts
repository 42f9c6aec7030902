// Times and lengths as people read them.
import { zone } from "./settings";

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** Date and time in the chosen zone, to the second. */
export function moment(iso: string): string {
    const utc = zone.value === "utc";
    const date = new Date(iso);
    if (Number.isNaN(date.getTime())) return iso;
    const at = (local: number, universal: number) => String(utc ? universal : local).padStart(2, "0");
    const day = `${at(date.getFullYear(), date.getUTCFullYear())}-${at(date.getMonth() + 1, date.getUTCMonth() + 1)}-${at(date.getDate(), date.getUTCDate())}`;
    return `${day} ${clock(date)}`;
}

/** Time of day in the chosen zone. */
export function clock(date: Date): string {
    const utc = zone.value === "utc";
    const two = (number: number) => String(number).padStart(2, "0");
    return utc
        ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
        : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A sentence of the server, with its times in the chosen zone. */
export function sentence(text: string): string {
    const local = text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, moment);
    return local.charAt(0).toUpperCase() + local.slice(1);
}

export function zoneName(): string {
    return zone.value === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** How many milliseconds the chosen zone is ahead of UTC, now. */
export const ahead = () => (zone.value === "utc" ? 0 : -new Date().getTimezoneOffset() * MINUTE);

/** A length of time in its two largest units. */
export function duration(milliseconds: number): string {
    const ms = Math.max(0, milliseconds);
    if (ms < SECOND) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
    if (ms < 10 * SECOND) return `${Math.floor(ms / 10) / 100} s`;
    if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
    if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
    if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
    return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/** Milliseconds with their fraction: `Date` would drop microseconds. */
export function millis(iso: string): number {
    const fraction = /\.(\d+)/.exec(iso)?.[1] ?? "";
    return Math.floor(Date.parse(iso) / 1000) * 1000 + Number(`0.${fraction || "0"}`) * 1000;
}

export const between = (from: string, to: string) => duration(millis(to) - millis(from));
export const count = (number: number) => number.toLocaleString("en-US");
export const plural = (number: number, word: string, words = `${word}s`) => `${count(number)} ${number === 1 ? word : words}`;

export function bytes(length: number): string {
    if (length < 1024) return `${length} B`;
    return length < 1024 * 1024 ? `${(length / 1024).toFixed(1)} KiB` : `${(length / 1024 / 1024).toFixed(1)} MiB`;
}

/** Counts from a range on: the start of a range such as "24h" up to `now`, to the minute so that it asks the same for a while. */
export function since(range: string | null, now = Date.now()): string | undefined {
    const found = /^(\d+)(m|h|d)$/.exec(range ?? "");
    if (!found) return undefined;
    const unit = { m: MINUTE, h: HOUR, d: DAY }[found[2] as "m" | "h" | "d"];
    return new Date(Math.floor((now - Number(found[1]) * unit) / MINUTE) * MINUTE).toISOString();
}

const STEP = 5 * SECOND;
/** The end of a range that reaches to now: the next round moment, so that dashboards that look at about the same time ask the same. */
export const untilNow = () => new Date(Math.ceil(Date.now() / STEP) * STEP).toISOString();

export const RANGES = [["10m", "last 10 minutes"], ["1h", "last hour"], ["24h", "last 24 hours"], ["7d", "last 7 days"], ["30d", "last 30 days"]] as const;
