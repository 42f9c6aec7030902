// What belongs to a chart beside the drawing: the legend, and its numbers as a table for whoever cannot or will not look at it.
import { useState } from "preact/hooks";
import { count, moment } from "../format";

export interface Drawn {
    key: string;
    label: string;
    /** A class that sets the colour. */
    colour: string;
    counts: number[];
    total: number;
}

export const drawn = (key: string, label: string, colour: string, counts: number[]): Drawn =>
    ({ key, label, colour, counts, total: counts.reduce((sum, one) => sum + one, 0) });

/** What a bucket holds, in words. */
export const tellOf = (series: readonly Drawn[]) => (bucket: number) =>
    series.filter((one) => one.counts[bucket]).map((one) => `${one.label} ${count(one.counts[bucket] ?? 0)}`).join(", ") || "nothing";

export function Legend({ series, lines }: { series: readonly Drawn[]; lines?: boolean }) {
    return (
        <ul class="legend">
            {series.map((one, place) => (
                <li key={one.key}>
                    <svg width="18" height="10" class={one.colour} aria-hidden="true">
                        {lines ? <path class={`line-of dash-${place} ${one.colour}`} d="M0 5H18" /> : <rect class="bar-of" x="3" width="12" height="10" rx="2" />}
                    </svg>
                    <span class="ellipsis" title={one.label}>{one.label}</span><span class="muted number">{count(one.total)}</span>
                </li>
            ))}
        </ul>
    );
}

export function Figures({ from, bucketMs, series }: { from: number; bucketMs: number; series: readonly Drawn[] }) {
    const [open, setOpen] = useState(false);
    const buckets = series[0]?.counts.length ?? 0;
    const filled = open ? Array.from({ length: buckets }, (_, bucket) => bucket).filter((bucket) => series.some((one) => one.counts[bucket])) : [];
    return (
        <details class="figures" onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary class="small">As a table</summary>
            {open && (filled.length === 0 ? <p class="muted small">Nothing in this time.</p> : (
                <div class="scroll" tabIndex={0} role="group" aria-label="The chart as a table">
                    <table>
                        <thead><tr><th>From</th>{series.map((one) => <th key={one.key} class="number">{one.label}</th>)}</tr></thead>
                        <tbody>
                            {filled.map((bucket) => (
                                <tr key={bucket}>
                                    <td class="time">{moment(new Date(from + bucket * bucketMs).toISOString())}</td>
                                    {series.map((one) => <td key={one.key} class="number">{count(one.counts[bucket] ?? 0)}</td>)}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            ))}
        </details>
    );
}
