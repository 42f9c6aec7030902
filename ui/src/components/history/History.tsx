// The history of an instance as a table: filtered, turned round and cut into pages by the server.
import { useEffect, useState } from "preact/hooks";
import { eventPage, revisions } from "../../api";
import { moment, plural } from "../../format";
import { useLive } from "../../live";
import { change, params } from "../../router";
import { hasEnded } from "../../status";
import type { HistoryEvent, InstanceDetails } from "../../types/instance";
import { Loading, Refused, State } from "../basics";
import { Pager } from "../Pager";
import { HistoryFilters, types } from "./HistoryFilters";
import { HistoryLine } from "./HistoryLine";
import { partners } from "./partners";

const ROWS = 200;
/** The first page, also if the address names an event of another one. */
export const START = "start";
/** So many events before the one that an address names. */
const BEFORE = 20;

export function History({ instance }: { instance: InstanceDetails }) {
    const id = instance.instanceId, asked = params.value;
    const revision = asked.get("revision") ?? undefined, descending = asked.get("order") === "desc";
    const named = /^\d{1,9}$/.test(asked.get("event") ?? "") ? Number(asked.get("event")) : undefined;
    // The page that holds the event, unless somebody has turned the pages.
    const around = named === undefined ? undefined : descending ? named + BEFORE : named > BEFORE ? named - BEFORE : undefined;
    const place = asked.get("after") ?? (around === undefined ? undefined : String(around));
    const after = place === START ? undefined : place;
    const kinds = types(asked.get("type"));
    const query = {
        top: ROWS, after, payloads: "preview", revision, order: descending ? "desc" : undefined, turns: asked.get("turns") === "1" ? undefined : false,
        name: asked.get("name") ?? undefined, text: asked.get("text") ?? undefined, failed: asked.get("failed") === "1" || undefined, eventId: asked.get("eventid") ?? undefined,
    };
    // What has ended does not change unless its status does, so nobody needs to look again.
    const resting = hasEnded(instance.runtimeStatus) || revision !== undefined;
    const version = resting ? instance.lastUpdatedTime : "";
    const question = JSON.stringify([id, query, kinds, version]);
    const { data, problem, stale, again } = useLive(`history ${question}`, (signal) => eventPage(id, query, kinds, signal), resting);
    const filtered = kinds.length > 0 || query.name || query.text || query.failed || query.eventId;
    // Turns are hidden until somebody asks for them; an address that names one of their events asks.
    const hidden = named !== undefined && data && !stale && !filtered && query.turns === false && !asked.has("after") && named < data.total && !data.events.some(({ index }) => index === named);
    useEffect(() => {
        if (hidden) change({ turns: "1" }, true);
    }, [hidden]);
    return (
        <section class="card history" aria-label="History">
            <h2 class="hidden">History</h2>
            <Revisions id={id} version={version} />
            <HistoryFilters />
            {!data ? (problem ? <Refused problem={problem} again={again} /> : <Loading what="the history" />)
                : data.events.length === 0 ? <Nothing searching={data.next !== null} filtered={Boolean(filtered) || after !== undefined} total={data.total} />
                    : <Table id={id} revision={revision} events={data.events} stale={stale} named={named} descending={descending} place={after ?? START} />}
            {data && (data.events.length > 0 || data.next !== null || asked.has("after")) && (
                <Pager next={data.next ?? undefined} shown={`${plural(data.events.length, "event")}${data.next || after ? " on this page" : ""}, ${plural(data.total, "event")} in the history`} />
            )}
        </section>
    );
}

function Nothing({ searching, filtered, total }: { searching: boolean; filtered: boolean; total: number }) {
    if (searching) return <State icon="search" title="Nothing so far"><p>The history is long, and this part of it has nothing that matches. Go on with the next page.</p></State>;
    if (filtered && total > 0) return <State icon="search" title="No event matches"><p>{plural(total, "event")} {total === 1 ? "is" : "are"} in the history.</p></State>;
    return <State icon="pending" title="Nothing has happened yet"><p>The history begins when a worker takes the instance.</p></State>;
}

function Table({ id, revision, events, stale, named, descending, place: page }: { id: string; revision: string | undefined; events: HistoryEvent[]; stale: boolean; named: number | undefined; descending: boolean; place: string }) {
    const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
    const toggle = (index: number) => {
        const next = new Set(open);
        if (!next.delete(index)) next.add(index);
        setOpen(next);
    };
    const isThere = named !== undefined && events.some((event) => event.index === named);
    useEffect(() => {
        if (!isThere) return;
        const row = document.getElementById(`event-${named}`);
        row?.scrollIntoView({ block: "center" });
        row?.querySelector("button")?.focus({ preventScroll: true });
    }, [named, isThere]);
    const pairs = partners(events);
    const before = descending ? 1 : -1;
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Events">
            <table>
                <thead><tr><th class="open"><span class="hidden">Details</span></th><th class="number">#</th><th>Time</th><th class="number">After</th><th>Event</th><th class="number">Id</th><th>Name</th><th>Payload</th><th class="number">Took</th></tr></thead>
                <tbody class={stale ? "stale" : undefined}>
                    {events.map((event, place) => (
                        <HistoryLine key={event.index} id={id} revision={revision} event={event} before={events[place + before]} partner={pairs.get(event.index)} place={page} open={open.has(event.index)}
                            lit={event.index === named} toggle={() => toggle(event.index)} />
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
                <select value={chosen} onChange={(event) => change({ revision: event.currentTarget.value, after: undefined, event: undefined })}>
                    <option value="">the history of now</option>
                    {data.map(({ revision, rewoundTime, reason }) => (
                        <option key={revision} value={String(revision)}>before rewind {revision}, {moment(rewoundTime)}{reason && ` (${reason.slice(0, 60)})`}</option>
                    ))}
                </select>
            </label>
        </header>
    );
}
