import { useRef } from "preact/hooks";
import { search } from "../api";
import { plural } from "../format";
import { useLive } from "../live";
import { params } from "../router";
import { Loading, Refused, State } from "./basics";
import { InstanceRows } from "./InstanceRows";
import { Pager } from "./Pager";

/** The sub-orchestrations of an instance. */
export function Children({ id }: { id: string }) {
    const after = params.value.get("after") ?? undefined;
    // A new child shows in its parent, which has scheduled it; later changes are the child's own.
    const shown = useRef<string[]>([]);
    const { data, problem, stale, again } = useLive(`children ${id} ${after}`, (signal) => search({ parentInstanceId: id, order: "createdTime", top: 50 }, after, signal),
        false, [id, ...shown.current]);
    shown.current = data?.rows.map((row) => row.instanceId) ?? [];
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="sub-orchestrations" />}</section>;
    if (data.rows.length === 0) return <section class="card"><State icon="flow" title="No sub-orchestrations"><p>It has not started any, or they have been purged.</p></State></section>;
    return (
        <section class="card" aria-label="Sub-orchestrations">
            <InstanceRows rows={data.rows} columns={["status", "id", "name", "created", "updated", "duration", "custom"]} stale={stale} />
            <Pager next={data.next} shown={plural(data.rows.length, "sub-orchestration") + (data.next || after ? " on this page" : "")} />
        </section>
    );
}
