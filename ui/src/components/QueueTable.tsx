import { count } from "../format";
import { href } from "../router";
import type { Queue } from "../types";
import { State } from "./basics";
import { Icon } from "./Icon";

/** Work that nobody connected can take stands first, and says so. */
export function QueueTable({ queues }: { queues: Queue[] }) {
    if (queues.length === 0) return <State icon="check" title="Nothing waits" ><p>Whatever can be done now is in a worker's hands.</p></State>;
    const rows = [...queues].sort((a, b) => Number(a.served) - Number(b.served) || b.waiting - a.waiting);
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Queues">
            <table>
                <thead><tr><th>Kind</th><th>Name</th><th class="number">Waiting</th><th>Worker</th></tr></thead>
                <tbody>
                    {rows.map(({ kind, name, version, waiting, more, served, limit }) => (
                        <tr key={`${kind} ${version} ${name}`}>
                            <td class="fit">{kind}</td>
                            <td>
                                <span class="line ellipsis" title={name}>
                                    {kind === "orchestration" ? <a href={href("instances", { name, status: "Running,Pending", children: "1" })}>{name}</a> : name}
                                    {version && <span class="muted"> {version}</span>}
                                </span>
                            </td>
                            <td class="number">{count(waiting)}{more && "+"}</td>
                            <td class="fit">
                                {served ? (limit && limit.held >= limit.most ? `${limit.held} of ${limit.most} at a time are running` : "served") : <span class="badge tone-Suspended"><Icon name="alert" size={13} />nobody serves it</span>}
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
