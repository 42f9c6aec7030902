// What is given to no worker any more until somebody decides, and why. Nothing is shown where nothing is parked.
import { useState } from "preact/hooks";
import { parked } from "../api";
import { plural } from "../format";
import { useLive } from "../live";
import { Badge, IdLink, Refused, Time } from "./basics";
import { Icon } from "./Icon";
import { ParkedActs } from "./ParkedActs";

/** So many are shown; those behind them come up as these go. */
const MOST = 20;
const LOOK_AFTER_MS = [0, 300, 1500];

export function ParkedList() {
    const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
    const { data, problem, again } = useLive("parked", (signal) => parked(MOST, signal), false, "clock");
    if (!data) return problem ? <section class="card" aria-label="Parked"><Refused problem={problem} again={again} /></section> : null;
    const rows = data.parked.filter((row) => !gone.has(`${row.instanceId} ${row.since}`));
    if (rows.length === 0) return null;
    return (
        <section class="card" aria-labelledby="parked">
            <header><Icon name="alert" /><h2 id="parked">Parked</h2>
                <span class="muted small">{plural(rows.length, "instance")}{data.next && " and more"}: given to no worker until somebody decides</span></header>
            <div class="scroll" tabIndex={0} role="group" aria-label="Parked instances">
                <table>
                    <thead><tr><th>Instance</th><th>Name</th><th>Status</th><th>Since</th><th>Why</th><th><span class="hidden">Actions</span></th></tr></thead>
                    <tbody>
                        {rows.map((row) => (
                            <tr key={row.instanceId}>
                                <td><IdLink id={row.instanceId} /></td>
                                <td><span class="line ellipsis" title={row.name}>{row.name}</span></td>
                                <td class="fit"><Badge status={row.runtimeStatus} /></td>
                                <td class="time"><Time at={row.since} /></td>
                                <td><span class="message">{row.reason}</span></td>
                                <td class="fit"><ParkedActs id={row.instanceId} done={() => {
                                    setGone(new Set([...gone, `${row.instanceId} ${row.since}`]));
                                    LOOK_AFTER_MS.forEach((pause) => setTimeout(again, pause));
                                }} /></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}
