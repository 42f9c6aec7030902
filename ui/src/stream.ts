// What the server tells as it happens: which instances have changed. One stream for the page, only while somebody looks at it and wants it to
// refresh. Without it the pages ask at the interval; with it they ask when there is something new.
import { effect, signal } from "@preact/signals";
import { openEvents, wanted } from "./api";
import { hub } from "./router";
import { interval, key } from "./settings";

export interface Change {
    /** Which have changed, as far as they were named. */
    ids: Set<string>;
    /** There are others. */
    more: boolean;
}

/** Whether changes are being told at this moment. */
export const streaming = signal(false);

/** A server that offers no stream is asked again this late, one that broke off soon. */
const REFUSED_MS = 30_000, BROKEN_MS = 3_000;
/** The server says something every 15 s; after this much silence it is gone. */
const SILENCE_MS = 40_000;

const listeners = new Set<(change: Change) => void>();

/** Calls `listener` for every change until the function that is returned is called. */
export function onChange(listener: (change: Change) => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
}

const hidden = signal(document.hidden);
document.addEventListener("visibilitychange", () => (hidden.value = document.hidden));

effect(() => {
    // Another hub or another key is another stream.
    void hub.value, key.value;
    if (hidden.value || interval.value === 0 || wanted.value !== undefined) return;
    const stop = new AbortController();
    void run(stop.signal);
    return () => {
        stop.abort();
        streaming.value = false;
    };
});

async function run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
        let pause = BROKEN_MS;
        const connection = new AbortController();
        const end = () => connection.abort();
        stop.addEventListener("abort", end);
        try {
            const body = await openEvents(connection.signal);
            if (body) await read(body, end);
            else pause = REFUSED_MS;
        } catch {
            // It broke off. Whoever asks the server next will see whether it is still there.
        }
        connection.abort();
        stop.removeEventListener("abort", end);
        if (stop.aborted) return;
        streaming.value = false;
        await new Promise((resolve) => setTimeout(resolve, pause));
    }
}

async function read(body: ReadableStream<Uint8Array>, end: () => void): Promise<void> {
    const reader = body.getReader(), decoder = new TextDecoder();
    let text = "", silence: ReturnType<typeof setTimeout> | undefined;
    try {
        for (;;) {
            clearTimeout(silence);
            silence = setTimeout(end, SILENCE_MS);
            const { done, value } = await reader.read();
            if (done) return;
            text += decoder.decode(value, { stream: true });
            const messages = text.split("\n\n");
            text = messages.pop() ?? "";
            for (const message of messages) tell(message);
        }
    } finally {
        clearTimeout(silence);
    }
}

function tell(message: string): void {
    // Whatever it is, the server speaks.
    streaming.value = true;
    const [event, data] = message.split("\n");
    if (event !== "event: changed" || !data?.startsWith("data: ")) return;
    const told = JSON.parse(data.slice("data: ".length)) as { instances: { instanceId: string }[]; more: boolean };
    const change = { ids: new Set(told.instances.map((row) => row.instanceId)), more: told.more };
    for (const listener of [...listeners]) listener(change);
}
