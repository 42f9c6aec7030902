// Which columns the list of instances has, and in which order: the address says, else what was chosen last in this browser.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { change, params } from "../router";
import { Icon } from "./Icon";
import { Pop } from "./Pop";

interface Look {
    label: string;
    /** What the server sorts by, and which way first. */
    order?: string;
    descends?: boolean;
    number?: boolean;
}

export const COLUMNS = {
    status: { label: "Status", order: "runtimeStatus" },
    id: { label: "Instance", order: "id" },
    name: { label: "Name", order: "name" },
    version: { label: "Version" },
    created: { label: "Created", order: "createdTime", descends: true },
    updated: { label: "Updated", order: "lastUpdatedTime", descends: true },
    scheduled: { label: "Scheduled start" },
    duration: { label: "Duration", order: "duration", descends: true, number: true },
    parent: { label: "Parent" },
    custom: { label: "Custom status" },
    tags: { label: "Tags" },
    events: { label: "History events", number: true },
    bytes: { label: "History size", number: true },
    error: { label: "Error" },
} satisfies Record<string, Look>;
export type Column = keyof typeof COLUMNS;

export const look = (column: Column): Look => COLUMNS[column];
const ALL = Object.keys(COLUMNS) as Column[];
const PRESET: Column[] = ["status", "id", "name", "created", "updated", "duration", "custom"];
const STORED = "durahub.columns";

/** The columns that a text names. The id is always there: it leads to the instance. */
function known(text: string): Column[] {
    const named = [...new Set(text.split(","))].filter((name): name is Column => (ALL as string[]).includes(name));
    return named.includes("id") ? named : ["id", ...named];
}

const chosen = signal<Column[]>(known(localStorage.getItem(STORED) ?? PRESET.join(",")));

export function columns(): Column[] {
    const told = params.value.get("columns");
    return told === null ? chosen.value : known(told);
}

function set(next: Column[]) {
    chosen.value = next;
    localStorage.setItem(STORED, next.join(","));
    change({ columns: next.join(",") }, true);
}

/** Puts a column where another one is. */
export function moveColumn(column: Column, to: Column): void {
    const shown = columns(), place = shown.indexOf(to);
    const next = shown.filter((one) => one !== column);
    next.splice(place, 0, column);
    set(next);
}

export function ColumnMenu() {
    const shown = columns();
    const [said, setSaid] = useState("");
    const toggle = (column: Column) => set(shown.includes(column) ? shown.filter((one) => one !== column) : [...shown, column]);
    const shift = (column: Column, by: 1 | -1) => {
        const to = shown[shown.indexOf(column) + by];
        if (!to) return;
        moveColumn(column, to);
        setSaid(`${look(column).label} is column ${shown.indexOf(to) + 1} of ${shown.length}.`);
    };
    return (
        <Pop icon="columns" label="Columns">
            <ul class="choices" aria-label="Columns, in their order">
                {[...shown, ...ALL.filter((column) => !shown.includes(column))].map((column) => {
                    const place = shown.indexOf(column), { label } = look(column);
                    return (
                        <li key={column}>
                            <label class="check">
                                <input type="checkbox" checked={place >= 0} disabled={column === "id"} onChange={() => toggle(column)} />{label}
                            </label>
                            {place >= 0 && (
                                <span class="shift">
                                    <Shift label={`Move ${label} to the left`} icon="up" disabled={place === 0} act={() => shift(column, -1)} />
                                    <Shift label={`Move ${label} to the right`} icon="down" disabled={place === shown.length - 1} act={() => shift(column, 1)} />
                                </span>
                            )}
                        </li>
                    );
                })}
            </ul>
            <button type="button" class="button small" onClick={() => set(PRESET)}>As at first</button>
            <span class="hidden" role="status">{said}</span>
        </Pop>
    );
}

function Shift({ label, icon, disabled, act }: { label: string; icon: "up" | "down"; disabled: boolean; act: () => void }) {
    return <button type="button" class="button plain small icon" aria-label={label} title={label} aria-disabled={disabled} onClick={act}><Icon name={icon} size={13} /></button>;
}
