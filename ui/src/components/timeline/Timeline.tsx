// What an instance did and when: a row for each thing, however many there are. Only the rows that are in sight are drawn.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useEvents } from "../../events";
import { millis, moment, plural } from "../../format";
import { now } from "../../live";
import { change, params } from "../../router";
import { timeline } from "../../timeline/lines";
import { placeOf, rows as rowsOf, wanted, type Row } from "../../timeline/rows";
import { all, moved, within, zoomed, type Span } from "../../timeline/scale";
import type { InstanceDetails } from "../../types/instance";
import { Loading, Refused, State } from "../basics";
import { Icon } from "../Icon";
import { Axis } from "./Bars";
import { EventPanel } from "./EventPanel";
import { Rows } from "./Rows";

export function Timeline({ instance }: { instance: InstanceDetails }) {
    const { data, problem, again } = useEvents(instance);
    const line = useMemo(() => data && timeline(data.events), [data]);
    if (!line) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the timeline" />}</section>;
    if (line.lines.length === 0) {
        return <section class="card"><State icon="pending" title="Nothing has happened yet"><p>The timeline begins when a worker takes the instance.</p></State></section>;
    }
    // Later generations begin later than the instance was made.
    const later = line.from - millis(instance.createdTime) > 1 && !instance.scheduledStartTime;
    return <Shown id={instance.instanceId} line={line} generation={later} />;
}

const clean = (text: string | null) => (/^\d{1,9}$/.test(text ?? "") ? Number(text) : undefined);

/** The part of the time that the address names, as milliseconds since the start. */
function asked(text: string | null, start: number): Span | undefined {
    const found = /^(-?[\d.]+)_([\d.]+)$/.exec(text ?? "");
    const [from, to] = [Number(found?.[1]), Number(found?.[2])];
    return found && to > from ? { from: start + from, to: start + to } : undefined;
}

const key = (row: Row) => row.fold ?? `${row.line.first}`;

function Shown({ id, line, generation }: { id: string; line: ReturnType<typeof timeline>; generation: boolean }) {
    const name = params.value.get("q") ?? "", failed = params.value.get("failed") === "1", event = clean(params.value.get("event"));
    const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
    const [chosen, setChosen] = useState<string>();
    const [width, setWidth] = useState(600);
    // What has ended stands still.
    const time = line.ended ? line.to : Math.max(now.value, line.to);
    const whole = all(line.from, time);
    const [view, setView] = useState<Span | undefined>(() => asked(params.value.get("view"), line.from));
    const seen = view ? within(whole, view) : whole;

    const found = useMemo(() => wanted(line.lines, { name, failed }), [line, name, failed]);
    const rows = useMemo(() => rowsOf(found, unfolded), [found, unfolded]);
    // An event that the address names is shown, also if it is in a folded row.
    useEffect(() => {
        if (event === undefined || placeOf(rows, event) >= 0) return;
        const holder = rows.find((row) => row.fold !== undefined && row.lines.some((one) => one.first === event || one.last === event));
        if (holder?.fold !== undefined) setUnfolded(new Set([...unfolded, holder.fold]));
    }, [event, rows]);
    const named = event === undefined ? -1 : placeOf(rows, event);
    const namedRow = rows[named];
    useEffect(() => {
        if (namedRow) setChosen(key(namedRow));
    }, [event, namedRow === undefined]);

    const show = (next: Span | undefined) => {
        setView(next);
        later.current(next);
    };
    const later = useAddress(line.from);
    const zoom = (factor: number, place?: number) => show(zoomed(whole, seen, factor, place));
    const close = useRef(() => change({ event: undefined }, true)).current;
    const panel = namedRow?.fold === undefined ? namedRow?.line : undefined;
    const toggle = (fold: string) => {
        const next = new Set(unfolded);
        if (!next.delete(fold)) next.add(fold);
        setUnfolded(next);
    };
    return (
        <div class={panel ? "beside open" : "beside"}>
            <section class="card timeline" aria-label="Timeline">
                <div class="bar-of-fields" role="group" aria-label="Filters and zoom of the timeline">
                    <label class="field-in-bar">Name<input type="search" value={name} spellcheck={false} onInput={(input) => change({ q: input.currentTarget.value || undefined }, true)} /></label>
                    <label class="check"><input type="checkbox" checked={failed} onChange={(input) => change({ failed: input.currentTarget.checked ? "1" : undefined }, true)} />Failed only</label>
                    <span class="muted small" role="status">{found.length === line.lines.length ? plural(found.length, "line") : `${plural(found.length, "line")} of ${line.lines.length}`}</span>
                    <span class="push" />
                    <button type="button" class="button small icon" aria-label="Zoom in" title="Zoom in (+, or Ctrl and wheel)" onClick={() => zoom(2)}>+</button>
                    <button type="button" class="button small icon" aria-label="Zoom out" title="Zoom out (-)" onClick={() => zoom(0.5)}>−</button>
                    <button type="button" class="button small" title="All of it (0)" onClick={() => show(undefined)}>Fit</button>
                </div>
                {generation && <p class="note inside-note small row"><Icon name="again" size={14} />It has continued as new: this is the history of its present generation. Those before it are not kept.</p>}
                <div class="tl-head"><span class="muted small" title={new Date(line.from).toISOString()}>from {moment(new Date(line.from).toISOString())}</span><Axis view={seen} width={width} start={line.from} /></div>
                {rows.length === 0 ? <State icon="search" title="No line matches"><p>Nothing in this history has such a name{failed && " and failed"}.</p></State>
                    : <Rows rows={rows} view={seen} start={line.from} now={time} width={width} setWidth={setWidth} chosen={chosen} keyOf={key}
                        choose={(row) => setChosen(key(row))} zoom={zoom} fit={() => show(undefined)} pan={(part) => show(moved(whole, seen, part))}
                        open={(row) => {
                            setChosen(key(row));
                            if (row.fold === undefined) change({ event: String(row.line.first) }, true);
                            else toggle(row.fold);
                        }} wish={named} />}
            </section>
            {panel && <EventPanel id={id} line={panel} close={close} />}
        </div>
    );
}

const ADDRESS_PAUSE_MS = 300;

/** Writes what is looked at into the address, when it has come to rest. */
function useAddress(start: number) {
    const timer = useRef<ReturnType<typeof setTimeout>>();
    useEffect(() => () => clearTimeout(timer.current), []);
    const later = useRef((view: Span | undefined) => {
        clearTimeout(timer.current);
        const round = (time: number) => String(Math.round((time - start) * 1000) / 1000);
        timer.current = setTimeout(() => change({ view: view && `${round(view.from)}_${round(view.to)}` }, true), ADDRESS_PAUSE_MS);
    });
    return later;
}
