// How long orchestrations and their activities took.
import { share } from "../charts/scale";
import { count, duration, plural } from "../format";
import { href, stretchOf, type Params } from "../router";
import type { Activities, Durations } from "../types/lists";
import { IdLink, State } from "./basics";

const WIDTH = 150, HEIGHT = 14, INSET = 5;

/** From the median to 99 of 100, on a scale that all rows share and on which each step is ten times the one before. */
function Spread({ p50, p99, low, high }: { p50: number; p99: number; low: number; high: number }) {
    const x = (ms: number) => INSET + share(ms, low, high) * (WIDTH - 2 * INSET);
    return (
        <svg class="spread" width={WIDTH} height={HEIGHT} aria-hidden="true">
            <line class="track" x1={INSET} x2={WIDTH - INSET} y1={HEIGHT / 2} y2={HEIGHT / 2} />
            <line class="span" x1={x(p50)} x2={x(p99)} y1={HEIGHT / 2} y2={HEIGHT / 2} />
            <circle class="dot" cx={x(p50)} cy={HEIGHT / 2} r="4" />
        </svg>
    );
}

const ends = (rows: readonly { p50Ms: number; p99Ms: number }[]) => ({ low: Math.min(...rows.map((row) => row.p50Ms)), high: Math.max(...rows.map((row) => row.p99Ms)) });

export function DurationTable({ rows, range }: { rows: Durations[]; range: string }) {
    const scale = ends(rows);
    const list = (name: string, more: Params) => href("instances", { name, children: "1", ...stretchOf(), range, ...more });
    return (
        <section class="card" aria-labelledby="durations">
            <header><h2 id="durations">Duration by name</h2><span class="muted small">of those that have ended</span></header>
            {rows.length === 0 ? <State icon="clock" title="Nothing has ended yet" /> : (
                <div class="scroll" tabIndex={0} role="group" aria-label="Duration by name">
                    <table>
                        <thead><tr><th>Name</th><th class="number">Ended</th><th class="number">Failed</th><th>Median to 99 %</th><th class="number">Median</th><th class="number">95 %</th>
                            <th class="number">99 %</th><th class="number">Longest</th></tr></thead>
                        <tbody>
                            {rows.map((row) => (
                                <tr key={row.name}>
                                    <td><a class="line ellipsis" title={row.name} href={list(row.name, { order: "duration desc" })}>{row.name}</a></td>
                                    <td class="number">{count(row.count)}</td>
                                    <td class="number">{row.failed > 0 ? <a href={list(row.name, { status: "Failed" })}>{count(row.failed)}</a> : 0}</td>
                                    <td class="fit"><Spread p50={row.p50Ms} p99={row.p99Ms} {...scale} /></td>
                                    <td class="number fit">{duration(row.p50Ms)}</td><td class="number fit">{duration(row.p95Ms)}</td>
                                    <td class="number fit">{duration(row.p99Ms)}</td><td class="number fit">{duration(row.maxMs)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}

export function ActivityTable({ rows, histories }: { rows: Activities[]; histories: number }) {
    const scale = ends(rows);
    return (
        <section class="card" aria-labelledby="activities">
            <header><h2 id="activities">Slowest activities</h2><span class="muted small">in the {plural(histories, "latest history", "latest histories")}</span></header>
            {rows.length === 0 ? <State icon="clock" title="No activity has ended in these histories" /> : (
                <div class="scroll" tabIndex={0} role="group" aria-label="Slowest activities">
                    <table>
                        <thead><tr><th>Activity</th><th class="number">Ended</th><th class="number">Failed</th><th>Median to 99 %</th><th class="number">Median</th><th class="number">99 %</th>
                            <th class="number">Longest</th><th>For example in</th></tr></thead>
                        <tbody>
                            {[...rows].sort((a, b) => b.p99Ms - a.p99Ms).map((row) => (
                                <tr key={row.name}>
                                    <td><span class="line ellipsis" title={row.name}>{row.name}</span></td>
                                    <td class="number">{count(row.count)}</td><td class="number">{count(row.failed)}</td>
                                    <td class="fit"><Spread p50={row.p50Ms} p99={row.p99Ms} {...scale} /></td>
                                    <td class="number fit">{duration(row.p50Ms)}</td><td class="number fit">{duration(row.p99Ms)}</td><td class="number fit">{duration(row.maxMs)}</td>
                                    <td><IdLink id={row.exampleInstanceId} /></td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}
