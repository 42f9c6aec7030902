// The list of instances: found by filters that all stand in the address, looked at beside it, marked to do something to many at once.
import { useEffect, useRef, useState } from "preact/hooks";
import { counts, search } from "../api";
import { Loading, Refused, State } from "../components/basics";
import { columns, ColumnMenu, COLUMNS } from "../components/columns";
import { ExportDialog } from "../components/ExportDialog";
import { Filters } from "../components/Filters";
import { Icon } from "../components/Icon";
import { InstanceRows, type Marks } from "../components/InstanceRows";
import { Pager } from "../components/Pager";
import { Selection } from "../components/Selection";
import { SidePanel } from "../components/SidePanel";
import { Views } from "../components/Views";
import { asked, isCountable, isFiltered, NO_FILTER, question } from "../filter";
import { count, plural } from "../format";
import { useLive } from "../live";
import { following, listPlace } from "../place";
import { change, href, params } from "../router";
import type { Counts, Status } from "../types";

const ORDERS = new Set(Object.values(COLUMNS).flatMap((column) => ("order" in column ? [column.order, `${column.order} desc`] : [])));
const NEWEST_FIRST = "createdTime desc";
const SIZES = ["25", "50", "100", "500"];

/** How many have one of the statuses that are asked for. */
function matching(counts: Counts | undefined, statuses: string): number | undefined {
    if (!counts || !statuses) return counts?.total;
    return statuses.split(",").reduce((sum, status) => sum + (counts.byStatus[status as Status] ?? 0), 0);
}

export function Instances() {
    const of = (name: string) => params.value.get(name) ?? "";
    const status = of("status"), after = of("after") || undefined, selected = of("selected");
    const order = ORDERS.has(of("order")) ? of("order") : NEWEST_FIRST;
    const size = SIZES.includes(of("size")) ? of("size") : "50";
    const shown = columns(), sizes = shown.includes("events") || shown.includes("bytes");
    const same = question();
    const list = useLive(`list ${same} ${order} ${size} ${sizes} ${after}`, async (signal) => {
        const place = listPlace();
        const { rows, next } = await search({ ...asked(place), order, top: size, sizes: sizes || undefined }, place.token, signal);
        return { rows, next: following(next, place) };
    });
    const countable = isCountable(asked());
    const numbers = useLive(`counts ${same.replace(/^status=[^&]*/, "")}`, (signal) =>
        countable ? counts({ ...asked(), runtimeStatus: undefined }, signal) : Promise.resolve(undefined));
    const total = matching(numbers.data, status);
    const [exporting, setExporting] = useState(false);
    const { marks, marked, clear } = useMarks(same);
    const rows = list.data?.rows ?? [];
    return (
        <div class="page">
            <div class="top">
                <h1>Instances</h1>
                <span class="muted" role="status">{total !== undefined && `${count(total)} ${isFiltered() || !of("children") ? "match" : "in all"}`}</span>
                <span class="push" />
                <div class="row">
                    <Views />
                    <select aria-label="Rows on a page" value={size} onChange={(event) => change({ size: event.currentTarget.value, after: undefined })}>
                        {SIZES.map((size) => <option key={size} value={size}>{size} rows</option>)}
                    </select>
                    <ColumnMenu />
                    <button type="button" class="button" onClick={() => setExporting(true)}><Icon name="download" />Export</button>
                </div>
            </div>
            <div class={selected ? "beside open" : "beside"}>
                <section class="card" aria-label="List of instances">
                    <Filters counts={numbers.data} />
                    {marked.size > 0 && <Selection marked={marked} filter={asked()} total={total} mark={(ids) => marks.set(ids, true)} clear={clear} />}
                    {list.problem && !list.data ? <Refused problem={list.problem} again={list.again} /> : !list.data ? <Loading what="instances" />
                        : rows.length === 0 ? <Nothing more={list.data.next} /> : (
                            <InstanceRows rows={rows} columns={shown} order={order} selected={selected} marks={marks} stale={list.stale} />
                        )}
                    {rows.length > 0 && <Pager next={list.data?.next} shown={`${plural(rows.length, "instance")}${list.data?.next || after ? " on this page" : ""}`} />}
                </section>
                {selected && <SidePanel key={selected} id={selected} />}
            </div>
            {exporting && <ExportDialog filter={{ ...asked(), order }} total={total} close={() => setExporting(false)} />}
        </div>
    );
}

/** Which instances are marked: kept from page to page, but not from one filter to another. */
function useMarks(same: string) {
    const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
    const last = useRef<string>();
    useEffect(() => setMarked(new Set()), [same]);
    const marks: Marks = {
        has: (id) => marked.has(id), last,
        set: (ids, on) => setMarked((before) => {
            const next = new Set(before);
            for (const id of ids) if (on) next.add(id); else next.delete(id);
            return next;
        }),
    };
    return { marks, marked, clear: () => setMarked(new Set()) };
}

function Nothing({ more }: { more: string | undefined }) {
    if (more) {
        return (
            <State icon="search" title="Nothing found so far">
                <p>The server has looked through a part of the instances and found none that match.</p>
                <div class="row"><button type="button" class="button" onClick={() => change({ after: more })}>Look on</button></div>
            </State>
        );
    }
    return isFiltered() ? (
        <State icon="search" title="No instance matches">
            <p>Sub-orchestrations are found only if they are not hidden.</p>
            <div class="row"><button type="button" class="button" onClick={() => change(NO_FILTER)}>Clear all filters</button></div>
        </State>
    ) : (
        <State icon="flow" title="No instances in this hub">
            <p>What your programs start appears here. If it does not, they talk to another server or another task hub.</p>
            <div class="row"><a class="button main" href={href("start")}>Start one</a><a class="button" href={href("")}>How to connect</a></div>
        </State>
    );
}
