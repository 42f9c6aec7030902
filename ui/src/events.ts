// All events of a history, without their payloads, for the pictures that are drawn of it. What is there stays: of a history that grows only
// what is new is read.
import { useRef } from "preact/hooks";
import { eventPage } from "./api";
import { useLive, type Live } from "./live";
import { hasEnded } from "./status";
import type { HistoryEvent, InstanceDetails } from "./types/instance";

const PAGE = 5_000;

export interface Known {
    executionId: string;
    events: HistoryEvent[];
}

async function readOn(id: string, known: Known | undefined, signal: AbortSignal): Promise<Known> {
    let { executionId, events } = known ?? { executionId: "", events: [] as HistoryEvent[] };
    for (;;) {
        const last = events.at(-1)?.index;
        const page = await eventPage(id, { top: PAGE, after: last, payloads: "none" }, [], signal);
        // Another execution, or a rewind: what is known is of the past.
        const isOther = last !== undefined && (page.executionId !== executionId || page.total <= last);
        if (isOther) {
            events = [];
            continue;
        }
        executionId = page.executionId;
        if (page.events.length > 0) events = [...events, ...page.events];
        if (page.next === null) return { executionId, events };
    }
}

export function useEvents(instance: InstanceDetails): Live<Known> {
    const { instanceId: id, runtimeStatus, lastUpdatedTime } = instance;
    const resting = hasEnded(runtimeStatus);
    const kept = useRef<{ life: string; known: Known }>();
    // What has ended can only change by living again, and then its history may be another one.
    const life = resting ? lastUpdatedTime : "";
    return useLive(`events ${id} ${life}`, async (signal) => {
        const before = kept.current && (kept.current.life === "" || kept.current.life === life) ? kept.current.known : undefined;
        const known = await readOn(id, before, signal);
        kept.current = { life, known };
        return known;
    }, resting);
}
