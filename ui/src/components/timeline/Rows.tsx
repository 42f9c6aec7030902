// The rows that are in sight, with their names on the left and their bars on the right; moved by mouse, wheel and keys.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { plural } from "../../format";
import type { Row } from "../../timeline/rows";
import type { Span } from "../../timeline/scale";
import { KINDS } from "../history/looks";
import { Icon } from "../Icon";
import { Bars, folded, ROW, said } from "./Bars";

/** Rows that are drawn beyond each edge. */
const MARGIN = 6;
const MOST_HIGH = 620;
/** A shorter way is a click. */
const DRAG = 4;
const WHEEL = 0.0025;

interface Props {
    rows: readonly Row[];
    view: Span;
    start: number;
    now: number;
    width: number;
    setWidth: (width: number) => void;
    chosen: string | undefined;
    keyOf: (row: Row) => string;
    choose: (row: Row) => void;
    open: (row: Row) => void;
    /** `place`: from 0 (left) to 1 (right), what is to stay where it is. */
    zoom: (factor: number, place?: number) => void;
    pan: (part: number) => void;
    fit: () => void;
    /** A row that is to be in sight; -1: none. */
    wish: number;
}

export function Rows(props: Props) {
    const { rows, view, start, now, width, setWidth, chosen, keyOf, choose, open, zoom, pan, fit, wish } = props;
    const box = useRef<HTMLDivElement>(null), names = useRef<HTMLDivElement>(null);
    const [top, setTop] = useState(0);
    const high = Math.min(rows.length * ROW, MOST_HIGH) + 2;
    useLayoutEffect(() => {
        const own = box.current, left = names.current;
        if (!own || !left) return;
        const measure = () => setWidth(Math.max(80, own.clientWidth - left.offsetWidth));
        const observer = new ResizeObserver(measure);
        observer.observe(own);
        measure();
        return () => observer.disconnect();
    }, []);
    // The browser takes a wheel with Ctrl for itself unless it is told at once.
    const latest = useRef(props);
    latest.current = props;
    useEffect(() => {
        const own = box.current;
        if (!own) return;
        const onWheel = (event: WheelEvent) => {
            const { zoom, pan, width } = latest.current;
            const left = names.current?.offsetWidth ?? 0;
            if (event.ctrlKey || event.metaKey) {
                event.preventDefault();
                const place = (event.clientX - own.getBoundingClientRect().left - left) / width;
                zoom(Math.exp(-event.deltaY * WHEEL), Math.min(Math.max(place, 0), 1));
            } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
                event.preventDefault();
                pan((event.deltaX || event.deltaY) / width);
            }
        };
        own.addEventListener("wheel", onWheel, { passive: false });
        return () => own.removeEventListener("wheel", onWheel);
    }, []);
    const reveal = (place: number) => {
        const own = box.current;
        if (!own || place < 0) return;
        if (place * ROW < own.scrollTop) own.scrollTop = place * ROW;
        else if ((place + 1) * ROW > own.scrollTop + own.clientHeight) own.scrollTop = (place + 1) * ROW - own.clientHeight;
    };
    useEffect(() => reveal(wish), [wish]);

    const first = Math.max(0, Math.min(Math.floor(top / ROW) - MARGIN, rows.length - 1));
    const drawn = rows.slice(first, Math.ceil((top + high) / ROW) + MARGIN);
    const place = rows.findIndex((row) => keyOf(row) === chosen);
    const go = (to: number) => {
        const there = Math.min(Math.max(to, 0), rows.length - 1), row = rows[there];
        if (!row) return;
        choose(row);
        reveal(there);
    };
    const page = Math.floor(high / ROW) - 1;
    const onKey = (event: KeyboardEvent) => {
        if (event.altKey || event.metaKey || event.ctrlKey) return;
        const row = rows[place];
        const act: Record<string, () => void> = {
            ArrowDown: () => go(place + 1), ArrowUp: () => go(place < 0 ? 0 : place - 1), Home: () => go(0), End: () => go(rows.length - 1), PageDown: () => go(place + page), PageUp: () => go(place - page),
            Enter: () => row && open(row), " ": () => row && open(row),
            ArrowRight: () => (event.shiftKey ? pan(0.2) : row?.fold !== undefined && !row.unfolded && open(row)),
            ArrowLeft: () => (event.shiftKey ? pan(-0.2) : row?.fold !== undefined && row.unfolded && open(row)),
            "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), "0": fit,
        };
        const found = act[event.key];
        if (!found) return;
        event.preventDefault();
        found();
    };
    const drag = useDrag(width, pan);
    return (
        <div ref={box} class="tl-scroll" role="tree" tabIndex={0} aria-label="What happened, in the order in which it began. Arrow keys move, Enter opens, plus, minus and 0 zoom." style={{ height: `${high}px` }}
            aria-activedescendant={place >= first && place < first + drawn.length ? `tl-${place}` : undefined} onScroll={(event) => setTop(event.currentTarget.scrollTop)} onKeyDown={onKey}
            onFocus={() => { if (place < 0 && rows[0]) choose(rows[0]); }}>
            <div class="tl-space" role="none" style={{ height: `${rows.length * ROW}px` }} onPointerDown={drag.down} onPointerMove={drag.move} onPointerUp={drag.up} onPointerCancel={drag.up}
                onClick={(event) => {
                    if (drag.moved()) return;
                    const own = box.current!, there = Math.floor((event.clientY - own.getBoundingClientRect().top + own.scrollTop) / ROW), row = rows[there];
                    if (row) open(row);
                }}>
                <div ref={names} class="tl-names" role="none">
                    {drawn.map((row, number) => (
                        <Name key={keyOf(row)} row={row} place={first + number} all={rows.length} chosen={keyOf(row) === chosen} now={now} />
                    ))}
                </div>
                {place >= 0 && <div class="tl-chosen" role="none" style={{ top: `${place * ROW}px`, height: `${ROW}px` }} />}
                <Bars rows={drawn} first={first} view={view} width={width} start={start} now={now} />
            </div>
        </div>
    );
}

function Name({ row, place, all, chosen, now }: { row: Row; place: number; all: number; chosen: boolean; now: number }) {
    const isFold = row.fold !== undefined;
    const kind = isFold ? row.kind : row.line.kind, [icon, word] = KINDS[kind];
    const name = (isFold ? row.name : row.line.name) || word;
    const note = isFold
        ? [row.failed > 0 && `${row.failed} failed`, row.open > 0 && `${row.open} not ended`, row.dropped > 0 && `${row.dropped} ${kind === "timer" ? "never fired" : "cut off"}`].filter(Boolean).join(", ")
        : row.line.attempt > 1 ? `attempt ${row.line.attempt}` : "";
    const bad = isFold ? row.failed > 0 : row.line.outcome === "failed";
    const label = [word, name !== word && name, isFold && plural(row.lines.length, "time"), note, isFold ? folded(row.lines) : said(row.line, now)].filter(Boolean).join(", ");
    return (
        <div id={`tl-${place}`} role="treeitem" aria-level={!isFold && row.inner ? 2 : 1} aria-posinset={place + 1} aria-setsize={all} aria-selected={chosen} aria-expanded={isFold ? row.unfolded : undefined}
            aria-label={label} class={["tl-name", !isFold && row.inner && "inner", bad && "bad", !isFold && row.line.outcome === "dropped" && "dropped"].filter(Boolean).join(" ")}
            style={{ top: `${place * ROW}px`, height: `${ROW}px` }} title={label}>
            <Icon name={isFold ? (row.unfolded ? "down" : "right") : bad ? "cross" : icon} size={13} />
            <span class="ellipsis">{name}</span>
            {isFold && <span class="many">× {row.lines.length.toLocaleString("en-US")}</span>}
            {note && <span class="muted small ellipsis">{note}</span>}
        </div>
    );
}

/** Moves what is looked at with the pointer. */
function useDrag(width: number, pan: (part: number) => void) {
    const state = useRef<{ x: number; pointer: number; far: boolean }>();
    const wasFar = useRef(false);
    return {
        down: (event: PointerEvent) => {
            wasFar.current = false;
            if (event.button === 0 && event.pointerType !== "touch") state.current = { x: event.clientX, pointer: event.pointerId, far: false };
        },
        move: (event: PointerEvent) => {
            const own = state.current;
            if (!own || own.pointer !== event.pointerId) return;
            const by = event.clientX - own.x;
            if (!own.far && Math.abs(by) < DRAG) return;
            if (!own.far) (event.currentTarget as Element).setPointerCapture(event.pointerId);
            own.far = wasFar.current = true;
            own.x = event.clientX;
            pan(-by / width);
        },
        up: () => void (state.current = undefined),
        moved: () => wasFar.current,
    };
}
