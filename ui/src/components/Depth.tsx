import { count } from "../format";
import type { Queue } from "../types";

const KINDS = [["orchestration", "orchestrations"], ["activity", "activities"], ["entity", "entities"]] as const;

/** How much waits, by kind. */
export function Depth({ queues }: { queues: Queue[] }) {
    const waiting = (kind: Queue["kind"]) => queues.filter((queue) => queue.kind === kind).reduce((sum, queue) => sum + queue.waiting, 0);
    return <span class="depth">{KINDS.map(([kind, label]) => <span key={kind}><strong>{count(waiting(kind))}</strong> {label}</span>)}</span>;
}
