// The bars of the rows that are in sight, and the axis above them, as SVG.
import { duration } from "../../format";
import { took, type Line } from "../../timeline/lines";
import { reach, spread, type Row } from "../../timeline/rows";
import { place, ticks, type Span } from "../../timeline/scale";
import { outcome } from "../history/looks";

export const ROW = 28;
const BAR = 16;
/** Shorter bars would not be seen. */
const LEAST_WIDTH = 2;
const AXIS = 26;
const TICK_WIDTH = 90;

/** Where something lies, in pixels, cut to what is in sight; undefined: beyond it. */
function stretch(view: Span, width: number, from: number, to: number): { x: number; wide: number } | undefined {
    const left = place(view, from) * width, right = Math.max(place(view, to) * width, left + LEAST_WIDTH);
    if (right < 0 || left > width) return undefined;
    const x = Math.max(left, -4), end = Math.min(right, width + 4);
    return { x, wide: Math.max(end - x, LEAST_WIDTH) };
}

export function Axis({ view, width, start }: { view: Span; width: number; start: number }) {
    return (
        <svg class="tl-axis" width={width} height={AXIS} aria-hidden="true">
            {ticks(view, start, width / TICK_WIDTH).map(({ time, label }) => {
                const x = place(view, time) * width;
                return <g key={time}><line x1={x} x2={x} y1={AXIS - 6} y2={AXIS} class="tl-tick" /><text x={x} y={AXIS - 10} class="tl-label" text-anchor={x < 24 ? "start" : x > width - 24 ? "end" : "middle"}>{label}</text></g>;
            })}
        </svg>
    );
}

interface Props {
    rows: readonly Row[];
    /** The place of the first of them among all. */
    first: number;
    view: Span;
    width: number;
    start: number;
    now: number;
}

export function Bars({ rows, first, view, width, start, now }: Props) {
    const high = rows.length * ROW;
    return (
        <svg class="tl-bars" width={width} height={high} style={{ top: `${first * ROW}px` }} aria-hidden="true">
            {ticks(view, start, width / TICK_WIDTH).map(({ time }) => {
                const x = place(view, time) * width;
                return <line key={time} x1={x} x2={x} y1={0} y2={high} class="tl-grid" />;
            })}
            {rows.map((row, number) => <Bar key={row.fold ?? row.line.first} row={row} top={number * ROW} view={view} width={width} now={now} />)}
        </svg>
    );
}

function Bar({ row, top, view, width, now }: { row: Row; top: number; view: Span; width: number; now: number }) {
    const { from, to } = reach(row), found = stretch(view, width, from, to ?? now);
    const y = top + (ROW - BAR) / 2;
    if (!found) return <text x={place(view, from) > 0.5 ? width - 6 : 6} y={top + ROW / 2 + 4} text-anchor={place(view, from) > 0.5 ? "end" : "start"} class="tl-label">{place(view, from) > 0.5 ? "→" : "←"}</text>;
    const { x, wide } = found, end = x + wide;
    const text = row.fold === undefined ? said(row.line, now) : row.lines.length === 0 ? "" : folded(row.lines);
    const room = text.length * 6.6 + 10;
    const label = end + room < width ? { x: end + 6, anchor: "start" } : x > room ? { x: x - 6, anchor: "end" } : { x: Math.max(x, 0) + 6, anchor: "start" };
    const isInside = label.x > x && label.x < end;
    return (
        <g>
            {row.fold === undefined ? <LineBar line={row.line} x={x} y={y} wide={wide} view={view} width={width} now={now} />
                : <rect x={x} y={y} width={wide} height={BAR} rx={2} class={`tl-bar fold ${row.failed > 0 ? "failed" : row.open > 0 ? "open" : "done"}`} />}
            <text x={label.x} y={top + ROW / 2 + 4} text-anchor={label.anchor} class={!isInside ? "tl-label" : isPale(row) ? "tl-label on-pale" : "tl-label inside"}>{text}</text>
        </g>
    );
}

/** Whether text on its bar is read as on the page. */
const isPale = (row: Row) => row.fold !== undefined || row.line.outcome === "dropped" || row.line.granted !== undefined || row.line.kind === "pause";

function LineBar({ line, x, y, wide, view, width, now }: { line: Line; x: number; y: number; wide: number; view: Span; width: number; now: number }) {
    const kind = `tl-bar ${line.outcome} k-${line.kind}`;
    const isPoint = line.to === line.from && line.last === line.first;
    if (isPoint) return <path d={`M${x} ${y + BAR / 2 - 5} l5 5 l-5 5 l-5 -5 z`} class={kind} />;
    const waited = line.granted === undefined ? undefined : stretch(view, width, line.from, line.granted);
    const due = line.outcome === "open" && line.due !== undefined && line.due > now ? place(view, line.due) * width : undefined;
    return (
        <>
            {due !== undefined && <line x1={x + wide} x2={Math.min(due, width)} y1={y + BAR / 2} y2={y + BAR / 2} class="tl-due" />}
            <rect x={x} y={y} width={wide} height={BAR} rx={2} class={kind} />
            {waited && <rect x={waited.x} y={y} width={waited.wide} height={BAR} rx={2} class="tl-bar waiting" />}
            {line.outcome === "dropped" && <line x1={x - 2} x2={x + wide + 2} y1={y + BAR / 2} y2={y + BAR / 2} class="tl-strike" />}
        </>
    );
}

/** What stands beside the bar. */
export function said(line: Line, now: number): string {
    const word = outcome(line.kind, line.outcome);
    if (line.to === line.from && line.last === line.first) return "";
    const parts = [duration(took(line, now)), word];
    if (line.outcome === "open" && line.due !== undefined) parts.push(line.due > now ? `due in ${duration(line.due - now)}` : "due");
    if (line.granted !== undefined) parts.push(`${duration(line.granted - line.from)} waiting`);
    return parts.filter(Boolean).join(", ");
}

export function folded(lines: readonly Line[]): string {
    const found = spread(lines);
    return found ? `min ${duration(found.min)}, median ${duration(found.median)}, max ${duration(found.max)}` : "none has ended";
}
