import { Sparkline } from "../charts/Sparkline";
import { count } from "../format";
import { href, stretchOf } from "../router";
import type { FailureGroup } from "../types";
import { IdLink, State, Time } from "./basics";

interface Props {
    groups: FailureGroup[];
    /** If given, something can be done to a whole group. */
    act?: (group: FailureGroup) => void;
}

/** A part of the message that the server finds again: one that it has shortened ends before its dots. */
export const partOf = ({ errorType, message }: FailureGroup) => message.replace(/…$/, "").trim() || errorType;

export function FailureGroups({ groups, act }: Props) {
    if (groups.length === 0) return <State icon="check" title="Nothing has failed" />;
    const list = (group: FailureGroup) =>
        href("instances", { status: "Failed", name: group.name, error: partOf(group), children: "1", ...stretchOf() });
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Failures by cause">
            <table>
                <thead><tr><th class="number">Times</th><th>Over time</th><th>Orchestration</th><th>Error</th><th>Latest</th><th>First seen</th><th>Last seen</th>
                    {act && <th><span class="hidden">Actions</span></th>}</tr></thead>
                <tbody>
                    {groups.map((group) => (
                        <tr class="group" key={`${group.name}\n${group.errorType}\n${group.message}`}>
                            <td class="number fit">
                                <a href={list(group)} aria-label={`${count(group.count)} times ${group.errorType || "an error"} in ${group.name}`}>{count(group.count)}</a>
                            </td>
                            <td class="fit"><Sparkline counts={group.times} what={`Failures of ${group.name}`} /></td>
                            <td><span class="line ellipsis" title={group.name}>{group.name}</span></td>
                            <td><strong>{group.errorType || "Error"}</strong><span class="message muted">{group.message}</span></td>
                            <td><IdLink id={group.exampleInstanceId} /></td>
                            <td class="time"><Time at={group.firstTime} /></td>
                            <td class="time"><Time at={group.lastTime} /></td>
                            {act && (
                                <td class="fit"><div class="acts"><a class="button small" href={list(group)}>List</a>
                                    <button type="button" class="button small" onClick={() => act(group)} title="Rewind or restart all of this kind">Run again…</button></div></td>
                            )}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
