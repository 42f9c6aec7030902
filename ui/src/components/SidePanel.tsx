// One instance beside the list.
import { useEffect, useRef } from "preact/hooks";
import { instance } from "../api";
import { useLive } from "../live";
import { change, instanceHref } from "../router";
import { hasEnded } from "../status";
import { Badge, Elapsed, Loading, Refused, State, Time } from "./basics";
import { Icon } from "./Icon";
import { JsonView } from "./JsonView";

export function SidePanel({ id }: { id: string }) {
    const { data, problem, again } = useLive(`instance ${id}`, (signal) => instance(id, signal), false, [id]);
    const own = useRef<HTMLElement>(null);
    useEffect(() => {
        const onKey = (event: KeyboardEvent) => {
            if (event.key === "Escape" && !document.querySelector("dialog[open]")) change({ selected: undefined }, true);
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, []);
    return (
        <aside ref={own} class="card side" aria-label={`Instance ${id}`}>
            <header>
                <a class="id ellipsis" style={{ flex: "1 1 0" }} href={instanceHref(id)} title={id}>{id}</a>
                <a class="button small" href={instanceHref(id)}>Open</a>
                <button type="button" class="button plain small icon" aria-label="Close the panel" title="Close (Escape)" onClick={() => change({ selected: undefined }, true)}>
                    <Icon name="cross" size={15} />
                </button>
            </header>
            {problem?.status === 404 ? <State icon="search" title="It is not there any more"><p>It has been purged, or replaced.</p></State>
                : problem && !data ? <Refused problem={problem} again={again} /> : !data ? <Loading what="the instance" /> : (
                    <div class="inside">
                        <dl class="facts">
                            <div><dt>Status</dt><dd><Badge status={data.runtimeStatus} /></dd></div>
                            <div><dt>Name</dt><dd>{data.name}</dd></div>
                            <div><dt>Created</dt><dd><Time at={data.createdTime} /></dd></div>
                            <div><dt>{hasEnded(data.runtimeStatus) ? "Took" : "Since then"}</dt>
                                <dd><Elapsed from={data.createdTime} to={hasEnded(data.runtimeStatus) ? data.lastUpdatedTime : undefined} /></dd></div>
                        </dl>
                        <JsonView title="Custom status" file={`${id}-custom-status`} value={data.customStatus} none="None." />
                        <JsonView title="Output" file={`${id}-output`} value={data.output} none={hasEnded(data.runtimeStatus) ? "None." : "Not before the end."} />
                        <JsonView title="Input" file={`${id}-input`} value={data.input} none="None." />
                    </div>
                )}
        </aside>
    );
}
