// Entities, and what they hold.
import { entities } from "../api";
import { FilterText } from "../components/FilterText";
import { Loading, Refused, State, Time } from "../components/basics";
import { SelectField } from "../components/fields";
import { Pager } from "../components/Pager";
import { plural, RANGES, since } from "../format";
import { useLive } from "../live";
import { change, href, params } from "../router";

const SIZE = 50;

export function Entities() {
    const name = params.value.get("name") ?? "", range = params.value.get("range"), after = params.value.get("after") ?? undefined;
    const { data, problem, stale, again } = useLive(`entities ${name} ${range} ${after}`, (signal) =>
        entities(name, { top: SIZE, lastOperationTimeFrom: since(range) }, after, signal));
    const filtered = Boolean(name || range);
    return (
        <div class="page">
            <div class="top"><h1>Entities</h1></div>
            <section class="card">
                <div class="filters">
                    <div class="fields">
                        <FilterText label="Name" name="name" placeholder="any" />
                        <SelectField label="Last operation" value={range ?? ""} set={(value) => change({ range: value, after: undefined })}
                            options={[["", "at any time"], ...RANGES]} />
                    </div>
                </div>
                {problem && !data ? <Refused problem={problem} again={again} /> : !data ? <Loading what="entities" /> : data.rows.length === 0 ? (
                    filtered ? (
                        <State icon="search" title="No entity matches">
                            <div class="row"><a class="button" href={href("entities")}>Show all entities</a></div>
                        </State>
                    ) : (
                        <State icon="box" title="There are no entities in this hub">
                            <p>An entity comes to be with the first operation that it gets.</p>
                        </State>
                    )
                ) : (
                    <>
                        <div class="scroll" tabIndex={0} role="group" aria-label="Entities">
                            <table>
                                <thead><tr><th>Name</th><th>Key</th><th>State</th><th>Last operation</th></tr></thead>
                                <tbody class={stale ? "stale" : undefined}>
                                    {data.rows.map(({ entityId, state, lastOperationTime }) => {
                                        const id = `@${entityId.name}@${entityId.key}`, text = JSON.stringify(state) ?? "";
                                        return (
                                            <tr key={id}>
                                                <td class="fit">{entityId.name}</td>
                                                <td><a class="id ellipsis" href={href("entity", { id })} title={entityId.key}>{entityId.key || "(empty)"}</a></td>
                                                <td><span class="line ellipsis mono" title={text.slice(0, 500)}>{text.slice(0, 200)}</span></td>
                                                <td class="time"><Time at={lastOperationTime} /></td>
                                            </tr>
                                        );
                                    })}
                                </tbody>
                            </table>
                        </div>
                        <Pager next={data.next} shown={plural(data.rows.length, "entity", "entities") + (data.next || after ? " on this page" : "")} />
                    </>
                )}
            </section>
        </div>
    );
}
