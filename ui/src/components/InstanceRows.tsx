// Instances as rows, for the list and for children.
import { bytes, count, duration } from "../format";
import { change } from "../router";
import { hasEnded } from "../status";
import type { Row } from "../types/lists";
import { Badge, Elapsed, IdLink, Time } from "./basics";
import { look, moveColumn, type Column } from "./columns";
import { ErrorLine } from "./ErrorLine";
import { Icon } from "./Icon";

export interface Marks {
    has: (id: string) => boolean;
    /** Marks or unmarks some, as somebody asked for at one of them. */
    set: (ids: string[], on: boolean) => void;
    /** The row from which Shift and a click marks all up to the next. */
    last: { current: string | undefined };
}

interface Props {
    rows: Row[];
    columns: Column[];
    /** What the rows are sorted by, such as "createdTime desc"; without it the headers do not sort. */
    order?: string;
    /** The one that is looked at beside the list; undefined where there is no such place. */
    selected?: string;
    marks?: Marks;
    stale?: boolean;
}

const TIMES: Column[] = ["created", "updated", "scheduled"];

export function InstanceRows({ rows, columns, order, selected, marks, stale }: Props) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Instances">
            <table>
                <thead>
                    <tr>
                        {marks && <th class="mark"><MarkAll rows={rows} marks={marks} /></th>}
                        {selected !== undefined && <th class="open"><span class="hidden">Beside the list</span></th>}
                        {columns.map((column) => <Head key={column} column={column} order={order} />)}
                    </tr>
                </thead>
                <tbody class={stale ? "stale" : undefined}>
                    {rows.map((row) => (
                        <tr key={row.instanceId} class={row.instanceId === selected || marks?.has(row.instanceId) ? "chosen" : undefined}>
                            {marks && <td class="mark"><Mark row={row} rows={rows} marks={marks} /></td>}
                            {selected !== undefined && <td class="open"><Peek row={row} open={row.instanceId === selected} /></td>}
                            {columns.map((column) => (
                                <td key={column} class={TIMES.includes(column) ? "time" : look(column).number ? "fit number" : column === "status" ? "fit" : undefined}>{cell(row, column)}</td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** A click sorts, another one the other way round; a header dropped on another one takes its place. */
function Head({ column, order }: { column: Column; order: string | undefined }) {
    const { label, order: field, descends, number } = look(column);
    if (order === undefined) return <th class={number ? "number" : undefined}>{label}</th>;
    const sorted = field !== undefined && order.split(" ")[0] === field, down = order.endsWith(" desc");
    const next = `${field}${(sorted ? !down : descends) ? " desc" : ""}`;
    return (
        <th class={number ? "number" : undefined} aria-sort={sorted ? (down ? "descending" : "ascending") : undefined} draggable
            onDragStart={(event) => event.dataTransfer?.setData("text/x-column", column)} onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
                const dropped = event.dataTransfer?.getData("text/x-column");
                if (dropped && dropped !== column) moveColumn(dropped as Column, column);
                event.preventDefault();
            }}>
            {field ? (
                <button type="button" class="sort" onClick={() => change({ order: next, after: undefined })} title={`Sort by ${label.toLowerCase()}`}>
                    {label}<span class="arrow">{sorted && <Icon name={down ? "down" : "up"} size={13} />}</span>
                </button>
            ) : label}
        </th>
    );
}

function MarkAll({ rows, marks }: { rows: Row[]; marks: Marks }) {
    const marked = rows.filter((row) => marks.has(row.instanceId)).length;
    return (
        <input type="checkbox" aria-label="Select all on this page" checked={rows.length > 0 && marked === rows.length} 
            ref={(own) => { if (own) own.indeterminate = marked > 0 && marked < rows.length; }}
            onChange={(event) => marks.set(rows.map((row) => row.instanceId), event.currentTarget.checked)} />
    );
}

function Mark({ row, rows, marks }: { row: Row; rows: Row[]; marks: Marks }) {
    const id = row.instanceId;
    const click = (event: MouseEvent & { currentTarget: HTMLInputElement }) => {
        const on = event.currentTarget.checked;
        const here = rows.findIndex((one) => one.instanceId === id), there = rows.findIndex((one) => one.instanceId === marks.last.current);
        const some = event.shiftKey && there >= 0 ? rows.slice(Math.min(here, there), Math.max(here, there) + 1).map((one) => one.instanceId) : [id];
        marks.last.current = id;
        marks.set(some, on);
    };
    return <input type="checkbox" aria-label={`Select ${id}`} checked={marks.has(id)} onClick={click} />;
}

function Peek({ row, open }: { row: Row; open: boolean }) {
    return (
        <button type="button" class="button plain small icon" aria-pressed={open} aria-label={`Look at ${row.instanceId} beside the list`} title="Look at it beside the list"
            onClick={() => change({ selected: open ? undefined : row.instanceId }, true)}><Icon name="right" size={14} /></button>
    );
}

const text = (whole: string) => <span class="line ellipsis" title={whole.slice(0, 1000)}>{whole.slice(0, 200)}</span>;

function cell(row: Row, column: Column) {
    switch (column) {
        case "status": return row.instanceId.startsWith("@") ? <span class="badge"><Icon name="box" size={13} />Entity</span> : <Badge status={row.runtimeStatus} />;
        case "id": return <IdLink id={row.instanceId} />;
        case "name": return text(row.name);
        case "version": return row.version && text(row.version);
        case "created": return <Time at={row.createdTime} />;
        case "updated": return <Time at={row.lastUpdatedTime} />;
        case "scheduled": return row.scheduledStartTime && <Time at={row.scheduledStartTime} />;
        case "duration": return row.durationMs !== null ? duration(row.durationMs)
            : !hasEnded(row.runtimeStatus) && !row.instanceId.startsWith("@") && <Elapsed from={row.createdTime} />;
        case "parent": return row.parentInstanceId && <IdLink id={row.parentInstanceId} />;
        case "custom": return row.customStatus && text(row.customStatus);
        case "tags": return <Tags tags={row.tags} />;
        case "events": return row.historyEvents !== undefined && count(row.historyEvents);
        case "bytes": return row.historyBytes !== undefined && bytes(row.historyBytes);
        case "error": return <ErrorLine failure={row.failure} />;
    }
}

function Tags({ tags }: { tags: Record<string, string> }) {
    return <span class="tags">{Object.entries(tags).map(([key, value]) => <span key={key} class="name">{key}{value && `:${value}`}</span>)}</span>;
}
