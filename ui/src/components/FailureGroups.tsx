import { count } from "../format";
import { href } from "../router";
import type { FailureGroup } from "../types";
import { IdLink, State, Time } from "./basics";

export function FailureGroups({ groups, range }: { groups: FailureGroup[]; range: string | null }) {
    if (groups.length === 0) return <State icon="check" title="Nothing has failed" />;
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Failures by cause">
            <table>
                <thead><tr><th class="number">Times</th><th>Orchestration</th><th>Error</th><th>Latest</th><th>Last seen</th></tr></thead>
                <tbody>
                    {groups.map((group) => (
                        <tr class="group" key={`${group.name}\n${group.errorType}\n${group.message}`}>
                            <td class="number fit">
                                <a href={href("instances", { status: "Failed", name: group.name, children: "1", range: range ?? undefined })}>{count(group.count)}</a>
                            </td>
                            <td class="fit">{group.name}</td>
                            <td><strong>{group.errorType || "Error"}</strong><span class="message muted">{group.message}</span></td>
                            <td><IdLink id={group.exampleInstanceId} /></td>
                            <td class="time"><Time at={group.lastTime} /></td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
