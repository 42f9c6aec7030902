// The filters of the list of instances, all at once if wanted.
import { RANGES, count } from "../format";
import { change, params } from "../router";
import { zone } from "../settings";
import { IN_FLIGHT, LOOKS } from "../status";
import { STATUSES, type Counts, type Status } from "../types";
import { SelectField } from "./fields";
import { FilterText } from "./FilterText";
import { Icon } from "./Icon";

const anew = (entries: Record<string, string | undefined>) => change({ ...entries, after: undefined });

export function Filters({ counts }: { counts: Counts | undefined }) {
    const range = params.value.get("range") ?? "";
    return (
        <div class="filters">
            <Chips counts={counts} />
            <div class="fields">
                <FilterText label="Name" name="name" placeholder="exact name" />
                <FilterText label="Id begins with" name="prefix" placeholder="any" />
                <FilterText label="Version" name="version" placeholder="any" />
                <FilterText label="Tag" name="tag" placeholder="team or team:red" />
                <SelectField label="Created" value={range} options={[["", "at any time"], ...RANGES, ["custom", "between…"]]}
                    set={(value) => anew({ range: value, from: undefined, to: undefined })} />
                {range === "custom" && <><Bound label="From" name="from" /><Bound label="To" name="to" /></>}
                <label class="check">
                    <input type="checkbox" checked={!params.value.get("children")} onChange={(event) => anew({ children: event.currentTarget.checked ? undefined : "1" })} />
                    Hide sub-orchestrations
                </label>
            </div>
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

/** A moment in the chosen zone, as the server wants it: in UTC. */
function Bound({ label, name }: { label: string; name: "from" | "to" }) {
    const told = params.value.get(name);
    const utc = zone.value === "utc";
    const shown = () => {
        const date = new Date(told ?? "");
        if (Number.isNaN(date.getTime())) return "";
        return new Date(date.getTime() - (utc ? 0 : date.getTimezoneOffset() * 60_000)).toISOString().slice(0, 16);
    };
    const set = (value: string) => {
        const date = new Date(utc ? `${value}Z` : value);
        anew({ [name]: Number.isNaN(date.getTime()) ? undefined : date.toISOString() });
    };
    return (
        <div class="field">
            <label for={`bound-${name}`}>{label} ({utc ? "UTC" : "local"})</label>
            <input id={`bound-${name}`} type="datetime-local" value={shown()} onChange={(event) => set(event.currentTarget.value)} />
        </div>
    );
}
