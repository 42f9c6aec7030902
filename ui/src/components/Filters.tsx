// The filters of the list of instances, all at once if wanted.
import { useState } from "preact/hooks";
import { isFiltered, NO_FILTER, RARE } from "../filter";
import { RANGES, count } from "../format";
import { whyNoLength } from "../lengths";
import { change, params } from "../router";
import { IN_FLIGHT, LOOKS } from "../status";
import { STATUSES, type Counts, type Status } from "../types";
import { Bound } from "./Bound";
import { SelectField } from "./fields";
import { FilterText } from "./FilterText";
import { Icon } from "./Icon";
import { RangeFields } from "./RangeFields";

const anew = (entries: Record<string, string | undefined>) => change({ ...entries, after: undefined });
const WHEN = [["", "at any time"], ...RANGES, ["custom", "between…"]] as const;

export function Filters({ counts }: { counts: Counts | undefined }) {
    const of = (name: string) => params.value.get(name) ?? "";
    /** Stays so when the last of them is cleared: perhaps another one is to be typed. */
    const [unfolded, setUnfolded] = useState(false);
    const rare = RARE.filter((name) => of(name)).length;
    return (
        <div class="filters">
            <Chips counts={counts} />
            <div class="fields">
                <FilterText label="Name" name="name" placeholder="exact name" />
                <FilterText label="Id begins with" name="prefix" placeholder="any" />
                <RangeFields label="Created" value={of("range")} any="at any time" />
                <label class="check">
                    <input type="checkbox" checked={!of("children") && !of("parent")} disabled={Boolean(of("parent"))}
                        onChange={(event) => anew({ children: event.currentTarget.checked ? undefined : "1" })} />
                    Hide sub-orchestrations
                </label>
            </div>
            <details class="rare" open={unfolded || rare > 0} onToggle={(event) => setUnfolded(event.currentTarget.open)}>
                <summary class="small">More filters{rare > 0 && <span class="muted"> · {rare} in use</span>}</summary>
                <div class="fields">
                    <FilterText label="Version" name="version" placeholder="any" />
                    <FilterText label="Tag" name="tag" placeholder="team or team:red" />
                    <FilterText label="Parent id" name="parent" placeholder="any" />
                    <FilterText label="Error" name="error" placeholder="part of its text" />
                    <FilterText label="Custom status" name="custom" placeholder="part of its text" />
                    <FilterText label="Took at least" name="over" placeholder="2m 30s" whyNot={whyNoLength} />
                    <FilterText label="Took at most" name="under" placeholder="500ms" whyNot={whyNoLength} />
                    <SelectField label="Updated" value={of("updated")} options={WHEN} set={(value) => anew({ updated: value, updatedFrom: undefined, updatedTo: undefined })} />
                    {of("updated") === "custom" && <><Bound label="Updated from" name="updatedFrom" /><Bound label="Updated to" name="updatedTo" /></>}
                </div>
            </details>
            {isFiltered() && <button type="button" class="button link clear" onClick={() => change(NO_FILTER)}>Clear all filters</button>}
        </div>
    );
}

function Chips({ counts }: { counts: Counts | undefined }) {
    const chosen = (params.value.get("status") ?? "").split(",").filter(Boolean);
    const set = (statuses: string[]) => anew({ status: STATUSES.filter((status) => statuses.includes(status)).join(",") });
    const toggle = (status: Status) => set(chosen.includes(status) ? chosen.filter((one) => one !== status) : [...chosen, status]);
    const isFlight = chosen.length === IN_FLIGHT.length && IN_FLIGHT.every((status) => chosen.includes(status));
    return (
        <div class="chips" role="group" aria-label="Status">
            <button type="button" class="chip" aria-pressed={chosen.length === 0} onClick={() => set([])}>All</button>
            <button type="button" class="chip" aria-pressed={isFlight} onClick={() => set(isFlight ? [] : IN_FLIGHT)}>In flight</button>
            {STATUSES.map((status) => (
                <button key={status} type="button" class={`chip tone-${status}`} aria-pressed={chosen.includes(status)} onClick={() => toggle(status)}>
                    <Icon name={LOOKS[status].icon} size={13} />{LOOKS[status].label}
                    {counts && <span class="many">{count(counts.byStatus[status])}</span>}
                </button>
            ))}
        </div>
    );
}
