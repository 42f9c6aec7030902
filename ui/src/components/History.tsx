// The history of an instance, in pages of what a person can read. An activity that has ended is one row, with the time it took; other
// things that belong together lead to each other.
import { useState } from "preact/hooks";
import { history, revisions } from "../api";
import { moment, plural } from "../format";
import { useLive } from "../live";
import { change, params } from "../router";
import { hasEnded } from "../status";
import type { HistoryRow, Instance } from "../types";
import { Loading, Refused, State } from "./basics";
import { partners } from "../pairs";
import { HistoryLine } from "./HistoryLine";
import { Pager } from "./Pager";

const ROWS = 200;

export function History({ instance }: { instance: Instance }) {
    const id = instance.instanceId;
    const after = params.value.get("after") ?? undefined, revision = params.value.get("revision") ?? undefined;
    // What has ended does not change unless its status does, so nobody needs to look again.
    const resting = hasEnded(instance.runtimeStatus) || revision !== undefined;
    const version = resting ? instance.lastUpdatedTime : "";
    const { data, problem, stale, again } = useLive(`history ${id} ${after} ${revision} ${version}`, (signal) =>
        history(id, { showHistoryOutput: true, historyTop: ROWS, historyAfter: after, historyRevision: revision }, signal), resting);
    return (
        <section class="card history" aria-label="History">
            <Revisions id={id} version={version} />
            {!data ? (problem ? <Refused problem={problem} again={again} /> : <Loading what="the history" />)
                : data.rows.length === 0 ? <State icon="pending" title="Nothing has happened yet"><p>The history begins when a worker takes the instance.</p></State>
                    : <Table key={`${after} ${revision}`} rows={data.rows} stale={stale} />}
            {data && data.rows.length > 0 && <Pager next={data.next} shown={`${plural(data.rows.length, "event")}${data.next || after ? " on this page" : ""}`} />}
        </section>
    );
}

function Table({ rows, stale }: { rows: HistoryRow[]; stale: boolean }) {
    const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
    const [lit, setLit] = useState<number>();
    const toggle = (place: number) => {
        const next = new Set(open);
        if (!next.delete(place)) next.add(place);
        setOpen(next);
    };
    const jump = (place: number) => {
        setLit(place);
        const row = document.getElementById(`event-${place}`);
        row?.scrollIntoView({ block: "center" });
        row?.querySelector("button")?.focus({ preventScroll: true });
    };
    const pairs = partners(rows);
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Events">
            <table>
                <thead><tr><th class="open"><span class="hidden">Details</span></th><th>Time</th><th class="number">After</th><th>Event</th><th>What</th><th class="number">Took</th></tr></thead>
                <tbody class={stale ? "stale" : undefined}>
                    {rows.map((row, place) => (
                        <HistoryLine key={place} row={row} place={place} before={rows[place - 1]} partner={pairs.get(place)} rows={rows} open={open.has(place)}
                            lit={lit === place} toggle={() => toggle(place)} jump={jump} />
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** The way to histories that rewinding has put aside, if there are any. */
function Revisions({ id, version }: { id: string; version: string }) {
    const { data } = useLive(`revisions ${id} ${version}`, (signal) => revisions(id, signal), true);
    const chosen = params.value.get("revision") ?? "";
    if (!data || data.length === 0) return null;
    return (
        <header>
            <label class="field-in-bar">Show
                <select value={chosen} onChange={(event) => change({ revision: event.currentTarget.value, after: undefined })}>
                    <option value="">the history of now</option>
                    {data.map(({ revision, rewoundTime, reason }) => (
                        <option key={revision} value={String(revision)}>before rewind {revision}, {moment(rewoundTime)}{reason && ` (${reason.slice(0, 60)})`}</option>
                    ))}
                </select>
            </label>
        </header>
    );
}
