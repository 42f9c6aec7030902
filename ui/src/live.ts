// What a page shows is looked up again when it has changed, and never while nobody looks. The server tells what has changed (stream.ts);
// if it does not, the page asks as often as the top bar says. Old data stays until new data is there, so nothing jumps: rows keep their
// place, panels stay open and typed text stays typed.
import { computed, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { lostSince, Problem } from "./api";
import { moment } from "./format";
import { hub, page, params } from "./router";
import { interval, key } from "./settings";
import { onChange, streaming } from "./stream";

/** Goes up when everything is to be looked up now. */
const demands = signal(0);
export const refreshNow = () => void demands.value++;

/** A server that does not answer is asked again this often, whatever the interval. */
const RETRY_MS = 3_000;
/** What is told is believed, but not for ever: some things change because time goes by. */
const BELIEVED_MS = 60_000;
/** What is about a few instances is looked up this soon after they changed. */
const SOON_MS = 1_000;

/**
 * When an answer may have become another one: "hub", when anything in the hub changed; a list, when one of these instances did; "clock", at
 * the interval in any case, for what is not about instances.
 */
export type About = "hub" | "clock" | readonly string[];

export interface Live<T> {
    data: T | undefined;
    problem: Problem | undefined;
    /** Another question has been asked, and what is shown answers the one before. */
    stale: boolean;
    again: () => void;
}

interface Seen<T> {
    question: string;
    data: T | undefined;
    problem: Problem | undefined;
}

/** What a page of its own is about: the one instance that its address names, else the hub. */
function aboutPage(): About {
    return page.value === "instance" || page.value === "entity" ? [params.value.get("id") ?? ""] : "hub";
}

/** Asks with `load` now, whenever `question` changes, and then whenever the answer may be another one; if `resting`, only when told to. */
export function useLive<T>(question: string, load: (signal: AbortSignal) => Promise<T>, resting = false, about: About = aboutPage()): Live<T> {
    const asked = `${hub.value ?? ""}\n${key.value}\n${question}`;
    const [seen, setSeen] = useState<Seen<T>>({ question: asked, data: undefined, problem: undefined });
    const [wish, setWish] = useState(0);
    const latest = useRef({ load, about });
    latest.current = { load, about };
    const every = interval.value, demand = demands.value;

    useEffect(() => {
        const stop = new AbortController();
        let timer: ReturnType<typeof setTimeout> | undefined;
        let due = Infinity, began = 0, looking = false, changed = false;
        const lookIn = (pause: number) => {
            if (stop.signal.aborted || document.hidden || Date.now() + pause >= due) return;
            clearTimeout(timer);
            due = Date.now() + pause;
            timer = setTimeout(look, pause);
        };
        const look = async () => {
            clearTimeout(timer);
            due = Infinity;
            [looking, changed, began] = [true, false, Date.now()];
            let problem: Problem | undefined;
            try {
                const data = await latest.current.load(stop.signal);
                setSeen((before) => (stop.signal.aborted ? before : { question: asked, data, problem: undefined }));
            } catch (error) {
                if (stop.signal.aborted) return;
                problem = error instanceof Problem ? error : new Problem(0, String(error));
                // Whatever is shown stays while the connection is lost; a refusal takes its place.
                setSeen((before) => {
                    const kept = problem?.status === 0 && before.question === asked ? before.data : undefined;
                    return { question: asked, data: kept, problem };
                });
            }
            looking = false;
            if (problem?.status === 0) lookIn(RETRY_MS);
            else if (!resting && every > 0) {
                lookIn(streaming.peek() && latest.current.about !== "clock" ? BELIEVED_MS : every * 1000);
                if (changed) lookSoon();
            }
        };
        /** As soon as it is not too soon after the last time. */
        const lookSoon = () => {
            const pause = typeof latest.current.about === "string" ? every * 1000 : SOON_MS;
            lookIn(Math.max(0, began + pause - Date.now()));
        };
        const mayHaveChanged = () => {
            if (resting || every === 0) return;
            if (looking) changed = true;
            else lookSoon();
        };
        const forget = onChange(({ ids, more }) => {
            const { about } = latest.current;
            if (about === "hub" || (about !== "clock" && (more || about.some((id) => ids.has(id))))) mayHaveChanged();
        });
        // What happened before the stream began was not told, and once it has ended nothing is.
        const leave = streaming.subscribe(() => began > 0 && latest.current.about !== "clock" && mayHaveChanged());
        const onShow = () => {
            clearTimeout(timer);
            due = Infinity;
            if (!document.hidden && ((every > 0 && !resting) || lostSince.value !== undefined)) void look();
        };
        document.addEventListener("visibilitychange", onShow);
        void look();
        return () => {
            stop.abort();
            clearTimeout(timer);
            forget();
            leave();
            document.removeEventListener("visibilitychange", onShow);
        };
    }, [asked, every, demand, wish, resting]);

    return { data: seen.data, problem: seen.problem, stale: seen.question !== asked, again: () => setWish((count) => count + 1) };
}

/** The time of day, every second, for what grows with the clock. */
export const now = signal(Date.now());
setInterval(() => {
    if (!document.hidden) now.value = Date.now();
}, 1000);

/** The date in the chosen zone: what only depends on it is not drawn anew each second. */
export const today = computed(() => moment(new Date(now.value).toISOString()).slice(0, 10));
