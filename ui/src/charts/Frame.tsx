// What every chart over time has around it: axes, a cursor that mouse and keyboard move, and a stretch that they choose.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ahead, count, moment } from "../format";
import { bucketAt, tickLabel, ticks, timeTicks } from "./scale";

const LEFT = 46, RIGHT = 10, TOP = 8, BOTTOM = 24;
/** A time label needs so much room. */
const LABEL_WIDTH = 84;

export interface Plot {
    x: (bucket: number) => number;
    y: (value: number) => number;
    /** The width of a bucket. */
    width: number;
    height: number;
}

interface Props {
    label: string;
    from: number;
    bucketMs: number;
    buckets: number;
    highest: number;
    height?: number;
    /** What is said of a bucket. */
    tell: (bucket: number) => string;
    /** If given, a stretch of buckets can be chosen, from the first to the one after the last. */
    choose?: (from: number, to: number) => void;
    children: (plot: Plot) => ComponentChildren;
}

/** The width that an element has on the page. */
function useWidth() {
    const own = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(0);
    useEffect(() => {
        if (!own.current) return;
        const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
        watch.observe(own.current);
        return () => watch.disconnect();
    }, []);
    return [own, width] as const;
}

export function Frame({ label, from, bucketMs, buckets, highest, height = 220, tell, choose, children }: Props) {
    const [own, width] = useWidth();
    const [cursor, setCursor] = useState<number>();
    /** Where a choice began; it ends at the cursor. */
    const [anchor, setAnchor] = useState<number>();
    const inner = Math.max(1, width - LEFT - RIGHT), high = height - TOP - BOTTOM;
    const marks = ticks(highest);
    const top = marks.at(-1) ?? 1;
    const plot: Plot = {
        x: (bucket) => LEFT + (inner * bucket) / buckets, y: (value) => TOP + high * (1 - value / top), width: inner / buckets, height: high,
    };
    const times = timeTicks(from, from + buckets * bucketMs, Math.max(2, Math.floor(inner / LABEL_WIDTH)), ahead());
    const at = (event: PointerEvent) => bucketAt((event.clientX - (own.current?.getBoundingClientRect().left ?? 0) - LEFT) / inner, buckets);
    const chosen = anchor !== undefined && cursor !== undefined ? [Math.min(anchor, cursor), Math.max(anchor, cursor) + 1] as const : undefined;
    const finish = () => {
        setAnchor(undefined);
        if (chosen) choose?.(from + chosen[0] * bucketMs, from + chosen[1] * bucketMs);
    };
    const onKey = (event: KeyboardEvent) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -buckets, End: buckets }[event.key];
        if (step !== undefined) {
            event.preventDefault();
            if (choose && event.shiftKey) setAnchor(anchor ?? cursor ?? 0);
            else setAnchor(undefined);
            setCursor(Math.min(buckets - 1, Math.max(0, (cursor ?? (step < 0 ? buckets : -1)) + step)));
        } else if (event.key === "Enter" && cursor !== undefined && choose) {
            event.preventDefault();
            choose(from + (chosen?.[0] ?? cursor) * bucketMs, from + (chosen?.[1] ?? cursor + 1) * bucketMs);
            setAnchor(undefined);
        } else if (event.key === "Escape") {
            setAnchor(undefined);
            setCursor(undefined);
        }
    };
    const said = chosen && chosen[1] - chosen[0] > 1
        ? `${moment(new Date(from + chosen[0] * bucketMs).toISOString())} to ${moment(new Date(from + chosen[1] * bucketMs).toISOString())}`
        : cursor !== undefined ? `${moment(new Date(from + cursor * bucketMs).toISOString())}: ${tell(cursor)}` : undefined;
    const hint = choose ? "Drag to look closer; with the keyboard: arrows, Shift and arrows, Enter." : "Point at it, or use the arrow keys, for the numbers.";
    return (
        <div class="chart">
            <div ref={own} class={choose ? "plot zooms" : "plot"} tabIndex={0} role="group" aria-label={`${label}. ${hint}`} onKeyDown={onKey} onBlur={() => setAnchor(undefined)}
                onPointerMove={(event) => setCursor(at(event))} onPointerLeave={() => anchor === undefined && setCursor(undefined)}
                onPointerDown={(event) => {
                    if (!choose || event.button !== 0) return;
                    event.currentTarget.setPointerCapture(event.pointerId);
                    setCursor(at(event));
                    setAnchor(at(event));
                }}
                onPointerUp={() => (chosen && chosen[1] - chosen[0] > 1 ? finish() : setAnchor(undefined))} onPointerCancel={() => setAnchor(undefined)}>
                {width > 0 && (
                    <svg width={width} height={height} aria-hidden="true">
                        {marks.map((mark) => (
                            <g key={mark}>
                                <line class={mark === 0 ? "axis" : "grid"} x1={LEFT} x2={width - RIGHT} y1={plot.y(mark)} y2={plot.y(mark)} />
                                <text class="tick" x={LEFT - 8} y={plot.y(mark) + 4} text-anchor="end">{mark >= 10_000 ? `${count(mark / 1000)}k` : count(mark)}</text>
                            </g>
                        ))}
                        {times.at.map((time) => {
                            const x = LEFT + (inner * (time - from)) / (buckets * bucketMs);
                            return (
                                <g key={time}>
                                    <line class="axis" x1={x} x2={x} y1={TOP + high} y2={TOP + high + 5} />
                                    <text class="tick" x={Math.min(Math.max(x, LEFT), width - 24)} y={height - 5} text-anchor="middle">{tickLabel(time, times.step, ahead())}</text>
                                </g>
                            );
                        })}
                        {cursor !== undefined && !chosen && <rect class="cursor" x={plot.x(cursor)} y={TOP} width={Math.max(1, plot.width)} height={high} />}
                        {children(plot)}
                        {chosen && <rect class="chosen" x={plot.x(chosen[0])} y={TOP} width={plot.x(chosen[1]) - plot.x(chosen[0])} height={high} />}
                    </svg>
                )}
            </div>
            <p class="told muted small" aria-live="polite">{said ?? hint}</p>
        </div>
    );
}
