import { RANGES } from "../format";
import { change, params } from "../router";
import { Bound } from "./Bound";
import { SelectField } from "./fields";

/** A stretch of time that the address names: a range up to now, or two bounds. */
export function RangeFields({ label, value, any }: { label: string; value: string; any?: string }) {
    const options = [...(any ? [["", any] as const] : []), ...RANGES, ["custom", "between…"] as const];
    return (
        <>
            <SelectField label={label} value={value} options={options}
                set={(range) => change({ range, from: undefined, to: undefined, after: undefined })} />
            {params.value.get("range") === "custom" && <><Bound label="From" name="from" /><Bound label="To" name="to" /></>}
        </>
    );
}
