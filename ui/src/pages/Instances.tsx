// The list of instances: found by filters that all stand in the address, looked at beside it.
import { counts, instances } from "../api";
import { Loading, Refused, State } from "../components/basics";
import { columns, ColumnMenu } from "../components/columns";
import { Filters } from "../components/Filters";
import { InstanceRows } from "../components/InstanceRows";
import { Pager } from "../components/Pager";
import { SidePanel } from "../components/SidePanel";
import { count, plural, since } from "../format";
import { useLive } from "../live";
import { change, href, params } from "../router";

export const ORDERS = [
    ["createdTime desc", "newest first"], ["createdTime", "oldest first"], ["lastUpdatedTime desc", "changed last"],
    ["lastUpdatedTime", "changed longest ago"], ["id", "id, A to Z"], ["id desc", "id, Z to A"],
] as const;
const SIZES = ["25", "50", "100", "500"];

/** What the address asks for, as the server's parameters, without the statuses. */
function asked() {
    const of = (name: string) => params.value.get(name) ?? undefined;
    const range = params.value.get("range");
    return {
        name: of("name"), version: of("version"), instanceIdPrefix: of("prefix"), tag: of("tag"),
        topLevel: of("children") ? undefined : true,
        entities: "false",
        createdTimeFrom: range === "custom" ? of("from") : since(range),
        createdTimeTo: range === "custom" ? of("to") : undefined,
    };
}

export function Instances() {
    const of = (name: string) => params.value.get(name) ?? "";
    const status = of("status"), after = of("after") || undefined, selected = of("selected");
    const order = ORDERS.find(([value]) => value === of("order"))?.[0] ?? ORDERS[0][0];
    const size = SIZES.includes(of("size")) ? of("size") : "50";
    const question = ["name", "version", "prefix", "tag", "children", "range", "from", "to"].map((name) => `${name}=${of(name)}`).join("&");
    const list = useLive(`list ${question} ${status} ${order} ${size} ${after}`, (signal) =>
        instances({ ...asked(), runtimeStatus: status, order, top: size }, after, signal));
    const numbers = useLive(`counts ${question}`, (signal) => counts(asked(), signal));
    const isFiltered = [...params.value.keys()].some((name) => ["status", "name", "version", "prefix", "tag", "range"].includes(name));
    const matching = numbers.data && (status ? status.split(",").reduce((sum, one) => sum + (numbers.data?.byStatus[one as never] ?? 0), 0) : numbers.data.total);
    return (
        <div class="page">
            <div class="top">
                <h1>Instances</h1>
                <span class="muted" role="status">{matching !== undefined && `${count(matching)} ${isFiltered || !of("children") ? "match" : "in all"}`}</span>
                <span class="push" />
                <div class="row">
                    <select aria-label="Order" value={order} onChange={(event) => change({ order: event.currentTarget.value, after: undefined })}>
                        {ORDERS.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
                    </select>
                    <select aria-label="Rows on a page" value={size} onChange={(event) => change({ size: event.currentTarget.value, after: undefined })}>
                        {SIZES.map((size) => <option key={size} value={size}>{size} rows</option>)}
                    </select>
                    <ColumnMenu />
                </div>
            </div>
            <div class={selected ? "beside open" : "beside"}>
                <section class="card" aria-label="List of instances">
                    <Filters counts={numbers.data} />
                    {list.problem && !list.data ? <Refused problem={list.problem} again={list.again} /> : !list.data ? <Loading what="instances" />
                        : list.data.rows.length === 0 ? <Nothing filtered={isFiltered} more={list.data.next} /> : (
                            <InstanceRows rows={list.data.rows} columns={columns()} selected={selected} stale={list.stale} />
                        )}
                    {list.data && list.data.rows.length > 0 && (
                        <Pager next={list.data.next} shown={`${plural(list.data.rows.length, "instance")}${list.data.next || after ? " on this page" : ""}`} />
                    )}
                </section>
                {selected && <SidePanel key={selected} id={selected} />}
            </div>
        </div>
    );
}

function Nothing({ filtered, more }: { filtered: boolean; more: string | undefined }) {
    if (more) {
        return (
            <State icon="search" title="Nothing found so far">
                <p>The server has looked through a part of the instances and found none that match.</p>
                <div class="row"><button type="button" class="button" onClick={() => change({ after: more })}>Look on</button></div>
            </State>
        );
    }
    return filtered ? (
        <State icon="search" title="No instance matches">
            <p>Sub-orchestrations are found only if they are not hidden.</p>
            <div class="row"><a class="button" href={href("instances")}>Clear all filters</a></div>
        </State>
    ) : (
        <State icon="flow" title="No instances in this hub">
            <p>What your programs start appears here. If it does not, they talk to another server or another task hub.</p>
            <div class="row"><a class="button main" href={href("start")}>Start one</a><a class="button" href={href("")}>How to connect</a></div>
        </State>
    );
}
