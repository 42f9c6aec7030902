import { count } from "../format";
import type { Queue } from "../types";

const KINDS = { orchestration: "orchestrations", activity: "activities", entity: "entities" };

/** How much waits, by kind. */
export function Depth({ queues }: { queues: Queue[] }) {
    const waiting = (kind: Queue["kind"]) => queues.filter((queue) => queue.kind === kind).reduce((sum, queue) => sum + queue.waiting, 0);
    return (
        <span class="depth">
            {(Object.keys(KINDS) as Queue["kind"][]).map((kind) => {
                const many = waiting(kind);
                return <span key={kind}><strong>{count(many)}</strong> {many === 1 ? kind : KINDS[kind]}</span>;
            })}
        </span>
    );
}
