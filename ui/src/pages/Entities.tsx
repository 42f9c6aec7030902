// Entities: what there is, how large it is, and where work piles up.
import { entityList } from "../api";
import { FilterText } from "../components/FilterText";
import { IdLink, Loading, Refused, State, Time } from "../components/basics";
import { SelectField } from "../components/fields";
import { Pager } from "../components/Pager";
import { RangeFields } from "../components/RangeFields";
import { bytes, count, plural, since } from "../format";
import { useLive } from "../live";
import { following, listPlace } from "../place";
import { change, href, params } from "../router";
import type { EntityEntry } from "../types/lists";

const SIZES = ["25", "50", "100", "500"], PRESET_SIZE = "50";
const FILTERS = ["name", "key", "range", "from", "to", "state"];
const NO_FILTER = Object.fromEntries([...FILTERS, "after"].map((name) => [name, undefined]));

export function Entities() {
    const of = (name: string) => params.value.get(name) ?? "";
    const range = of("range"), isCustom = range === "custom", after = of("after") || undefined;
    const size = SIZES.includes(of("size")) ? of("size") : PRESET_SIZE;
    const question = FILTERS.map((name) => `${name}=${of(name)}`).join("&");
    const { data, problem, stale, again } = useLive(`entities ${question} ${size} ${after}`, async (signal) => {
        const place = listPlace();
        const { rows, next } = await entityList({
            name: of("name"), keyPrefix: of("key"), hasState: of("state"), top: size,
            lastOperationTimeFrom: isCustom ? of("from") : since(range, place.now), lastOperationTimeTo: isCustom ? of("to") : undefined,
        }, place.token, signal);
        return { rows, next: following(next, place) };
    });
    return (
        <div class="page">
            <div class="top"><h1>Entities</h1><span class="push" />
                <select aria-label="Rows on a page" value={size} onChange={(event) => change({ size: event.currentTarget.value, after: undefined })}>
                    {SIZES.map((size) => <option key={size} value={size}>{size} rows</option>)}
                </select>
            </div>
            <section class="card" aria-label="List of entities">
                <div class="filters">
                    <div class="fields">
                        <FilterText label="Name" name="name" placeholder="exact name" />
                        <FilterText label="Key begins with" name="key" placeholder="any" />
                        <RangeFields label="Last operation" value={range} any="at any time" />
                        <SelectField label="State" value={of("state")} set={(value) => change({ state: value, after: undefined })}
                            options={[["", "with or without"], ["true", "with a state"], ["false", "without a state"]]} />
                    </div>
                </div>
                {!data ? problem ? <Refused problem={problem} again={again} /> : <Loading what="entities" />
                    : data.rows.length === 0 ? <Nothing filtered={FILTERS.some((name) => of(name))} more={data.next} /> : (
                        <>
                            <Rows rows={data.rows} stale={stale} />
                            <Pager next={data.next} shown={plural(data.rows.length, "entity", "entities") + (data.next || after ? " on this page" : "")} />
                        </>
                    )}
            </section>
        </div>
    );
}

function Rows({ rows, stale }: { rows: EntityEntry[]; stale: boolean }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Entities">
            <table>
                <thead><tr><th>Name</th><th>Key</th><th>Last operation</th><th class="number">State</th><th>Locked by</th><th class="number">Waiting operations</th></tr></thead>
                <tbody class={stale ? "stale" : undefined}>
                    {rows.map((row) => (
                        <tr key={row.instanceId}>
                            <td><span class="line ellipsis" title={row.name}>{row.name}</span></td>
                            <td><a class="id ellipsis" href={href("entity", { id: row.instanceId })} title={row.key}>{row.key || "(empty)"}</a></td>
                            <td class="time"><Time at={row.lastOperationTime} /></td>
                            <td class="number fit">{row.stateBytes === null ? <span class="muted">none</span> : bytes(row.stateBytes)}</td>
                            <td>{row.lockedBy && <IdLink id={row.lockedBy} />}</td>
                            <td class="number">{row.backlog > 0 ? <strong>{count(row.backlog)}</strong> : <span class="muted">0</span>}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Nothing({ filtered, more }: { filtered: boolean; more: string | undefined }) {
    if (more) {
        return (
            <State icon="search" title="Nothing found so far">
                <p>The server has looked through a part of the entities and found none that match.</p>
                <div class="row"><button type="button" class="button" onClick={() => change({ after: more })}>Look on</button></div>
            </State>
        );
    }
    return filtered ? (
        <State icon="search" title="No entity matches">
            <div class="row"><button type="button" class="button" onClick={() => change(NO_FILTER)}>Show all entities</button></div>
        </State>
    ) : (
        <State icon="box" title="There are no entities in this hub">
            <p>An entity comes to be with the first operation that it gets.</p>
        </State>
    );
}
