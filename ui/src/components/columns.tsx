// Which columns the list of instances has: the address says, else what was chosen last in this browser.
import { signal } from "@preact/signals";
import { change, params } from "../router";
import { Icon } from "./Icon";

export const COLUMNS = { name: "Name", version: "Version", created: "Created", updated: "Updated", duration: "Duration", custom: "Custom status", output: "Output" } as const;
export type Column = keyof typeof COLUMNS;
const ALL = Object.keys(COLUMNS) as Column[];
const STORED = "durahub.columns";

const known = (text: string) => ALL.filter((column) => text.split(",").includes(column));
const chosen = signal<Column[]>(known(localStorage.getItem(STORED) ?? "name,created,updated,duration,custom"));

export function columns(): Column[] {
    const told = params.value.get("columns");
    return told === null ? chosen.value : known(told);
}

export function ColumnMenu() {
    const shown = columns();
    const toggle = (column: Column) => {
        const next = ALL.filter((one) => shown.includes(one) !== (one === column));
        chosen.value = next;
        localStorage.setItem(STORED, next.join(","));
        change({ columns: next.join(",") || "none" }, true);
    };
    return (
        <details class="columns" onKeyDown={(event) => event.key === "Escape" && (event.currentTarget.open = false)}>
            <summary class="button"><Icon name="columns" />Columns</summary>
            <div class="menu">
                {ALL.map((column) => (
                    <label key={column} class="check"><input type="checkbox" checked={shown.includes(column)} onChange={() => toggle(column)} />{COLUMNS[column]}</label>
                ))}
            </div>
        </details>
    );
}
