// What began and what ended something, beside the timeline.
import { useEffect } from "preact/hooks";
import { duration } from "../../format";
import { now } from "../../live";
import { instanceHref } from "../../router";
import { took, type Line } from "../../timeline/lines";
import { EventDetails } from "../history/EventDetails";
import { KINDS, outcome } from "../history/looks";
import { Icon } from "../Icon";

export function EventPanel({ id, line, close }: { id: string; line: Line; close: () => void }) {
    useEffect(() => {
        const onKey = (event: KeyboardEvent) => {
            if (event.key === "Escape" && !document.querySelector("dialog[open]")) close();
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, [close]);
    const [icon, kind] = KINDS[line.kind], said = outcome(line.kind, line.outcome);
    const isTwo = line.last !== undefined && line.last !== line.first;
    return (
        <aside class="card side" aria-label={`${kind} ${line.name}`}>
            <header>
                <Icon name={icon} /><h2 class="ellipsis" title={line.name}>{line.name || kind}</h2><span class="push" />
                <a class="button small" href={instanceHref(id, { tab: "history", event: String(line.first) })}>In the history</a>
                <button type="button" class="button plain small icon" aria-label="Close the panel" title="Close (Escape)" onClick={close}><Icon name="cross" size={15} /></button>
            </header>
            <div class="inside">
                <p class="muted">{kind}{line.attempt > 1 && `, attempt ${line.attempt}`}, {line.outcome === "open" ? "so far" : "took"} {duration(took(line, now.value))}{said && `, ${said}`}
                    {line.granted !== undefined && `, waited ${duration(line.granted - line.from)} for its locks`}</p>
                {isTwo && <h3>Begun</h3>}
                <EventDetails id={id} index={line.first} revision={undefined} />
                {isTwo && <><h3>{line.outcome === "failed" ? "Failed" : "Ended"}</h3><EventDetails id={id} index={line.last!} revision={undefined} /></>}
            </div>
        </aside>
    );
}
