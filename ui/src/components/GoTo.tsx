// The box that leads to an instance by its id, with those that begin like it.
import { useEffect, useState } from "preact/hooks";
import { search } from "../api";
import { go, hub, instanceHref } from "../router";
import { Icon } from "./Icon";

const PAUSE_MS = 200;
const SHORTEST = 2;

export function GoTo() {
    const [typed, setTyped] = useState("");
    const [found, setFound] = useState<string[]>([]);
    useEffect(() => {
        if (typed.length < SHORTEST) return setFound([]);
        const stop = new AbortController();
        const timer = setTimeout(async () => {
            try {
                const { rows } = await search({ instanceIdPrefix: typed, order: "id", top: 8 }, undefined, stop.signal);
                setFound(rows.map((row) => row.instanceId));
            } catch {
                // Suggestions are a courtesy: without them the box still leads where the id says.
                if (!stop.signal.aborted) setFound([]);
            }
        }, PAUSE_MS);
        return () => {
            clearTimeout(timer);
            stop.abort();
        };
    }, [typed, hub.value]);
    const leave = (event: Event) => {
        event.preventDefault();
        const id = typed.trim();
        if (!id) return;
        setTyped("");
        go(instanceHref(id));
    };
    return (
        <form class="goto" role="search" onSubmit={leave}>
            <Icon name="search" />
            <input aria-label="Go to instance id" placeholder="Go to instance id" list="goto-list" spellcheck={false} autocomplete="off" value={typed}
                onInput={(event) => setTyped(event.currentTarget.value)} />
            <datalist id="goto-list">{found.map((id) => <option key={id} value={id} />)}</datalist>
        </form>
    );
}
