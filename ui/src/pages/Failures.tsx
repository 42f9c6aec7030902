// What has failed, sorted by what went wrong, and what to do about all of one kind at once.
import { useState } from "preact/hooks";
import { failures, Problem, type Query } from "../api";
import { Loading, Refused, State } from "../components/basics";
import { BulkDialog } from "../components/BulkDialog";
import { FailureGroups, partOf } from "../components/FailureGroups";
import { FilterText } from "../components/FilterText";
import { ParkedList } from "../components/ParkedList";
import { RangeFields } from "../components/RangeFields";
import { toast } from "../components/Toasts";
import { count, plural, since } from "../format";
import { useLive } from "../live";
import { matchingIds } from "../matching";
import { change, params } from "../router";
import type { FailureGroup } from "../types";

export function Failures() {
    const of = (name: string) => params.value.get(name) ?? undefined;
    const range = params.value.get("range"), isCustom = range === "custom";
    const filter = () => ({
        name: of("name"), createdTimeFrom: isCustom ? of("from") : since(range), createdTimeTo: isCustom ? of("to") : undefined,
    });
    const { data, problem, stale, again } = useLive(`failures ${range} ${of("from")} ${of("to")} ${of("name")}`, (signal) => failures(filter(), signal));
    const [acting, setActing] = useState<string[]>();
    const act = async (group: FailureGroup) => {
        try {
            const { ids, more } = await idsOf(group, filter());
            if (more) toast(`Only the first ${count(ids.length)} of this kind are taken at once.`, true);
            setActing(ids);
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error), true);
        }
    };
    const isFiltered = Boolean(range || of("name"));
    return (
        <div class="page">
            <div class="top">
                <h1>Failures</h1>
                <span class="muted" role="status">{data && `${plural(data.groups.length, "cause")}, ${plural(data.lookedAt, "failed instance")}`}</span>
            </div>
            <ParkedList />
            <section class="card" aria-label="Failures by cause">
                <div class="filters"><div class="fields">
                    <FilterText label="Name" name="name" placeholder="exact name" />
                    <RangeFields label="Created" value={range ?? ""} any="at any time" />
                </div></div>
                {data?.more && <p class="note inset">There are more failures than the {plural(data.lookedAt, "latest one")} that were looked at. A shorter time shows all of it.</p>}
                {!data ? problem ? <Refused problem={problem} again={again} /> : <Loading what="failures" /> : data.groups.length > 0 ? (
                    <div class={stale ? "stale" : undefined}><FailureGroups groups={data.groups} act={(group) => void act(group)} /></div>
                ) : isFiltered ? (
                    <State icon="search" title="No failure matches">
                        <div class="row">
                            <button type="button" class="button" onClick={() => change({ name: undefined, range: undefined, from: undefined, to: undefined })}>Show all failures</button>
                        </div>
                    </State>
                ) : <State icon="check" title="Nothing has failed"><p>No instance in this hub has ended with an error.</p></State>}
            </section>
            {acting && <BulkDialog targets={{ instanceIds: acting }} action="rewind" close={() => setActing(undefined)} />}
        </div>
    );
}

/** The instances of a group and no others: the search finds a text also in other failures. */
const idsOf = (group: FailureGroup, filter: Query) =>
    matchingIds({ ...filter, runtimeStatus: "Failed", name: group.name, error: partOf(group) },
        ({ failure }) => failure?.errorType === group.errorType && failure.message === group.message);
