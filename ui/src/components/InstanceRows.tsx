// Instances as rows, for the list and for children.
import { pretty } from "../exact";
import { change, instanceHref } from "../router";
import { hasEnded } from "../status";
import type { Instance, Json } from "../types";
import { Badge, Elapsed, Time } from "./basics";
import { COLUMNS, type Column } from "./columns";
import { Icon } from "./Icon";

interface Props {
    rows: Instance[];
    columns: Column[];
    /** The one that is looked at beside the list; undefined where there is no such place. */
    selected?: string;
    stale?: boolean;
}

const TIMES: Column[] = ["created", "updated"];

export function InstanceRows({ rows, columns, selected, stale }: Props) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Instances">
            <table>
                <thead>
                    <tr>
                        {selected !== undefined && <th class="open"><span class="hidden">Beside the list</span></th>}
                        <th>Status</th><th>Instance</th>
                        {columns.map((column) => <th key={column} class={column === "duration" ? "number" : undefined}>{COLUMNS[column]}</th>)}
                    </tr>
                </thead>
                <tbody class={stale ? "stale" : undefined}>
                    {rows.map((row) => (
                        <tr key={row.instanceId} class={row.instanceId === selected ? "chosen" : undefined}>
                            {selected !== undefined && <td class="open"><Peek row={row} open={row.instanceId === selected} /></td>}
                            <td class="fit">{row.instanceId.startsWith("@") ? <span class="badge"><Icon name="box" size={13} />Entity</span> : <Badge status={row.runtimeStatus} />}</td>
                            <td><a class="id ellipsis" href={instanceHref(row.instanceId)} title={row.instanceId}>{row.instanceId}</a></td>
                            {columns.map((column) => (
                                <td key={column} class={TIMES.includes(column) ? "time" : column === "duration" ? "fit number" : undefined}>{cell(row, column)}</td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Peek({ row, open }: { row: Instance; open: boolean }) {
    return (
        <button type="button" class="button plain small icon" aria-pressed={open} aria-label={`Look at ${row.instanceId} beside the list`} title="Look at it beside the list"
            onClick={() => change({ selected: open ? undefined : row.instanceId }, true)}><Icon name="right" size={14} /></button>
    );
}

const line = (text: string) => <span class="line ellipsis" title={text.slice(0, 1000)}>{text.slice(0, 200)}</span>;
const short = (value: Json) => (value === null ? "" : typeof value === "string" ? value : pretty(value).replace(/\s*\n\s*/g, " "));

function cell(row: Instance, column: Column) {
    switch (column) {
        case "name": return line(row.name);
        case "version": return row.version && line(row.version);
        case "created": return <Time at={row.createdTime} />;
        case "updated": return <Time at={row.lastUpdatedTime} />;
        case "duration": return row.instanceId.startsWith("@") ? "" : <Elapsed from={row.createdTime} to={hasEnded(row.runtimeStatus) ? row.lastUpdatedTime : undefined} />;
        case "custom": return line(short(row.customStatus));
        case "output": return line(short(row.output));
    }
}
