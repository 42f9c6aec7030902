// Which names fail at which hours: a table whose cells are tinted, so it can be read as numbers, too.
import { heat, shade } from "../charts/heat";
import { tickLabel } from "../charts/scale";
import { ahead, count, moment, zoneName } from "../format";
import { href } from "../router";
import type { HourlyFailures } from "../types/lists";
import { State } from "./basics";

const HOUR = 3_600_000;
/** What the server calls those that have no row of their own: no list has just them. */
const OTHERS = "other";
const FAILED = { status: "Failed", children: "1", updated: "custom" };
/** The server tells of failures no older than this. */
const LONGEST = 7 * 24 * HOUR;

export function HeatTable({ failures, from, to }: { failures: HourlyFailures[]; from: number; to: number }) {
    // What was started in this time may have failed after it.
    const end = Math.max(to, ...failures.flatMap(({ hours }) => hours.map(({ hour }) => Date.parse(hour) + HOUR)));
    const { columns, step, rows, highest } = heat(failures, Math.max(from, Date.now() - LONGEST), end, ahead());
    const iso = (at: number) => new Date(at).toISOString();
    return (
        <section class="card" aria-labelledby="heat">
            <header><h2 id="heat">Failures by {step > HOUR ? "day" : "hour"}</h2><span class="muted small">{zoneName()}; at most the last seven days</span></header>
            {rows.length === 0 ? <State icon="check" title="Nothing has failed in this time" /> : (
                <div class="scroll inside" tabIndex={0} role="group" aria-label="Failures over time by name">
                    <table class="heat">
                        <thead><tr><th>Name</th>{columns.map((at) => <th key={at} class="hour" title={moment(iso(at))}>{tickLabel(at, step, ahead())}</th>)}</tr></thead>
                        <tbody>
                            {rows.map((row) => (
                                <tr key={row.name}>
                                    <th scope="row"><span class="line ellipsis" title={row.name}>{row.name}</span></th>
                                    {row.counts.map((many, column) => {
                                        const begins = columns[column] ?? from;
                                        return (
                                            <td key={begins} class="cell">
                                                {many === 0 ? <span class="shade-0" /> : row.name === OTHERS ? <span class={`shade-${shade(many, highest)}`}>{count(many)}</span> : (
                                                    <a class={`shade-${shade(many, highest)}`} aria-label={`${count(many)} failures of ${row.name} from ${moment(iso(begins))}`}
                                                        href={href("instances", { ...FAILED, name: row.name, updatedFrom: iso(begins), updatedTo: iso(begins + step - 1) })}>{count(many)}</a>
                                                )}
                                            </td>
                                        );
                                    })}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}
