import { count } from "../format";
import type { Queue } from "../types";

const KINDS = { orchestration: "orchestrations", activity: "activities", entity: "entities" };

/** How much waits, by kind. */
export function Depth({ queues }: { queues: Queue[] }) {
    const of = (kind: Queue["kind"]) => queues.filter((queue) => queue.kind === kind);
    return (
        <span class="depth">
            {(Object.keys(KINDS) as Queue["kind"][]).map((kind) => {
                const many = of(kind).reduce((sum, queue) => sum + queue.waiting, 0);
                const more = of(kind).some((queue) => queue.more);
                return <span key={kind}><strong>{count(many)}{more && "+"}</strong> {many === 1 ? kind : KINDS[kind]}</span>;
            })}
        </span>
    );
}
