import { useId } from "preact/hooks";
import { change, params } from "../router";
import { zone } from "../settings";

/** A moment in the chosen zone, as the server wants it: in UTC. It stands in the address under `name`. */
export function Bound({ label, name }: { label: string; name: string }) {
    const id = useId();
    const told = params.value.get(name);
    const utc = zone.value === "utc";
    const shown = () => {
        const date = new Date(told ?? "");
        if (Number.isNaN(date.getTime())) return "";
        return new Date(date.getTime() - (utc ? 0 : date.getTimezoneOffset() * 60_000)).toISOString().slice(0, 16);
    };
    const set = (value: string) => {
        const date = new Date(utc ? `${value}Z` : value);
        change({ [name]: Number.isNaN(date.getTime()) ? undefined : date.toISOString(), after: undefined });
    };
    return (
        <div class="field">
            <label for={id}>{label} ({utc ? "UTC" : "local"})</label>
            <input id={id} type="datetime-local" value={shown()} onChange={(event) => set(event.currentTarget.value)} />
        </div>
    );
}
