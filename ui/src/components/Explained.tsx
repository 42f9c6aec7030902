// What an instance waits for, in a sentence and one by one.
import { sentence } from "../format";
import type { Explanation, Standing, Waiting } from "../types";
import { Badge, Elapsed, IdLink, Time } from "./basics";
import { Icon } from "./Icon";
import { ParkedActs } from "./ParkedActs";

const KINDS: Record<Waiting["kind"], string> = {
    activity: "Activity", timer: "Timer", subOrchestration: "Sub-orchestration", entityCall: "Entity", lock: "Lock of",
};
const STATES: Record<string, string> = {
    unserved: "no connected worker serves it", queued: "in the queue", held: "in the hands of", resting: "put back, soon tried again", underWay: "being stored",
    limited: "waits for its turn", parked: "parked",
};

/** With more, the sentence says enough. */
const MOST = 12;

interface Props {
    id: string;
    explanation: Explanation;
    /** Asks anew. */
    again: () => void;
}

export function Explained({ id, explanation: { summary, turn, waitsFor, lastError, messages, parked }, again }: Props) {
    const alone = parked !== null || turn?.state === "unserved" || waitsFor.some((wait) => wait.lost || wait.delivery?.state === "unserved");
    return (
        <section class={alone ? "note warn explain" : "note explain"} aria-label="What it waits for">
            <div class="says"><Icon name={alone ? "alert" : "info"} /><p><strong>{sentence(summary)}.</strong>
                {messages.ready > 0 && <span class="muted"> {messages.ready} {messages.ready === 1 ? "message is" : "messages are"} ready for it.</span>}</p></div>
            {parked && <ParkedActs id={id} done={again} />}
            {waitsFor.length > 0 && (
                <ul>
                    {waitsFor.slice(0, MOST).map((wait) => <li key={`${wait.kind} ${wait.id}`}><One wait={wait} /></li>)}
                    {waitsFor.length > MOST && <li class="muted">and {waitsFor.length - MOST} more</li>}
                </ul>
            )}
            {lastError && (
                <p class="muted">{KINDS[lastError.kind]} <strong>{lastError.name}</strong> failed at <Time at={lastError.time} />: {lastError.errorType}: {lastError.message}</p>
            )}
        </section>
    );
}

function One({ wait }: { wait: Waiting }) {
    return (
        <span class="row">
            <span>{KINDS[wait.kind]}</span>
            {wait.kind !== "lock" && wait.name && <strong>{wait.name}</strong>}
            {wait.instanceId && <IdLink id={wait.instanceId} />}
            {wait.runtimeStatus && <Badge status={wait.runtimeStatus} />}
            <span>for <Elapsed from={wait.since} />{wait.due && <>, due <Time at={wait.due} /></>}</span>
            {wait.delivery && <Stand standing={wait.delivery} />}
            {wait.lost && <strong>lost: nothing will answer it</strong>}
            {wait.lockedBy && <span>locked by <IdLink id={wait.lockedBy} /></span>}
            {wait.backlog !== null && wait.backlog > 0 && <span>{wait.backlog} before it</span>}
        </span>
    );
}

function Stand({ standing: { state, worker, since, limit, returns } }: { standing: Standing }) {
    return (
        <span>{STATES[state] ?? state}{limit !== null && `: ${limit} of ${limit} at a time are running`}{worker && ` ${worker}`}{since && <> for <Elapsed from={since} /></>}
            {returns > 0 && `, came back ${returns} ${returns === 1 ? "time" : "times"}`}</span>
    );
}
