// What of a history is shown. All of it stands in the address.
import { useEffect, useRef, useState } from "preact/hooks";
import { change, params } from "../../router";
import { Icon } from "../Icon";

/** What can be chosen, and the types of events that it means. */
const GROUPS: readonly (readonly [key: string, label: string, types: readonly string[]])[] = [
    ["activities", "Activities", ["TaskScheduled", "TaskCompleted", "TaskFailed"]],
    ["timers", "Timers", ["TimerCreated", "TimerFired"]],
    ["events", "Events", ["EventRaised", "EventSent"]],
    ["children", "Sub-orchestrations", ["SubOrchestrationInstanceCreated", "SubOrchestrationInstanceCompleted", "SubOrchestrationInstanceFailed"]],
    ["entities", "Entities", ["EntityOperationSignaled", "EntityOperationCalled", "EntityOperationCompleted", "EntityOperationFailed", "EntityLockRequested", "EntityLockGranted", "EntityUnlockSent"]],
    ["execution", "Execution", ["ExecutionStarted", "ExecutionCompleted", "ExecutionTerminated", "ExecutionSuspended", "ExecutionResumed", "ExecutionRewound", "ContinueAsNew"]],
    ["turns", "Turns", ["OrchestratorStarted", "OrchestratorCompleted"]],
];

/** The types of events that a choice means. */
export function types(choice: string | null): readonly string[] {
    if (!choice) return [];
    return GROUPS.find(([key]) => key === choice)?.[2] ?? [choice];
}

const PAUSE_MS = 300;

/** Another filter is another list: it begins at its beginning. */
const ask = (entries: Record<string, string | undefined>) => change({ ...entries, after: undefined, event: undefined }, true);

/** What is typed is asked for after a moment. */
function Typed({ label, name }: { label: string; name: string }) {
    const asked = params.value.get(name) ?? "";
    const [text, setText] = useState(asked);
    const timer = useRef<ReturnType<typeof setTimeout>>();
    useEffect(() => setText(asked), [asked]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const type = (text: string) => {
        setText(text);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => ask({ [name]: text.trim() || undefined }), PAUSE_MS);
    };
    return <label class="field-in-bar">{label}<input type="search" value={text} spellcheck={false} onInput={(event) => type(event.currentTarget.value)} /></label>;
}

export function HistoryFilters() {
    const asked = params.value, eventId = asked.get("eventid");
    const flag = (name: string) => asked.get(name) === "1";
    const type = asked.get("type") ?? "", own = type && !GROUPS.some(([key]) => key === type);
    return (
        <div class="bar-of-fields" role="group" aria-label="Filters of the history">
            <label class="field-in-bar">Type
                <select value={type} onChange={({ currentTarget: { value } }) => ask({ type: value, ...(value === "turns" && { turns: "1" }) })}>
                    <option value="">all</option>
                    {GROUPS.map(([key, label]) => <option key={key} value={key}>{label}</option>)}
                    {own && <option value={type}>{type}</option>}
                </select>
            </label>
            <Typed label="Name" name="name" />
            <Typed label="Text" name="text" />
            <label class="check"><input type="checkbox" checked={flag("failed")} onChange={(event) => ask({ failed: event.currentTarget.checked ? "1" : undefined })} />Failed only</label>
            <label class="check"><input type="checkbox" checked={flag("turns")} onChange={(event) => ask({ turns: event.currentTarget.checked ? "1" : undefined, ...(type === "turns" && { type: undefined }) })} />Turns</label>
            <label class="field-in-bar">Order
                <select value={asked.get("order") ?? ""} onChange={(event) => ask({ order: event.currentTarget.value })}>
                    <option value="">oldest first</option><option value="desc">newest first</option>
                </select>
            </label>
            {eventId && <button type="button" class="chip" aria-label={`Not only id ${eventId}`} onClick={() => ask({ eventid: undefined })}>only id {eventId}<Icon name="cross" size={12} /></button>}
        </div>
    );
}
