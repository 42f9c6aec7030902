// What a page shows is looked up again and again, as often as the top bar says, and never while nobody looks. Old data stays until new
// data is there, so nothing jumps: rows keep their place, panels stay open and typed text stays typed.
import { computed, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { lostSince, Problem } from "./api";
import { moment } from "./format";
import { hub } from "./router";
import { interval, key } from "./settings";

/** Goes up when everything is to be looked up now. */
const demands = signal(0);
export const refreshNow = () => void demands.value++;

/** A server that does not answer is asked again this often, whatever the interval. */
const RETRY_SECONDS = 3;

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

/** Asks with `load` now, whenever `question` changes, and then at the interval. */
export function useLive<T>(question: string, load: (signal: AbortSignal) => Promise<T>, resting = false): Live<T> {
    const asked = `${hub.value ?? ""}\n${key.value}\n${question}`;
    const [seen, setSeen] = useState<Seen<T>>({ question: asked, data: undefined, problem: undefined });
    const [wish, setWish] = useState(0);
    const latest = useRef(load);
    latest.current = load;
    const every = interval.value, demand = demands.value;

    useEffect(() => {
        const stop = new AbortController();
        let timer: ReturnType<typeof setTimeout> | undefined;
        const look = async () => {
            clearTimeout(timer);
            let problem: Problem | undefined;
            try {
                const data = await latest.current(stop.signal);
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
            const pause = problem?.status === 0 ? RETRY_SECONDS : resting ? 0 : every;
            if (!stop.signal.aborted && pause > 0 && !document.hidden) timer = setTimeout(look, pause * 1000);
        };
        const onShow = () => {
            if (!document.hidden && (every > 0 || lostSince.value !== undefined)) void look();
            else clearTimeout(timer);
        };
        document.addEventListener("visibilitychange", onShow);
        void look();
        return () => {
            stop.abort();
            clearTimeout(timer);
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
