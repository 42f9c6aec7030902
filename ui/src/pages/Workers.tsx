// Who is connected, what they can do, and what nobody does.
import { queues, workers } from "../api";
import { Loading, Refused, State, Time } from "../components/basics";
import { Icon } from "../components/Icon";
import { QueueTable } from "../components/QueueTable";
import { count, plural } from "../format";
import { useLive } from "../live";
import { href } from "../router";
import type { Held, Queue, Worker } from "../types";

export function Workers() {
    const staff = useLive("workers", workers, false, "clock");
    const work = useLive("queues", queues, false, "clock");
    const lonely = work.data?.filter((queue) => !queue.served) ?? [];
    return (
        <div class="page">
            <div class="top"><h1>Workers</h1>{staff.data && <span class="muted">{plural(staff.data.length, "connected worker")}</span>}</div>
            {lonely.length > 0 && <Unserved queues={lonely} />}
            {staff.data ? <Cards workers={staff.data} /> : (
                <section class="card">{staff.problem ? <Refused problem={staff.problem} again={staff.again} /> : <Loading what="workers" />}</section>
            )}
            <section class="card" aria-labelledby="queues">
                <header><h2 id="queues">Waiting for a worker</h2></header>
                {work.data ? <QueueTable queues={work.data} /> : work.problem ? <Refused problem={work.problem} again={work.again} /> : <Loading what="queues" />}
            </section>
        </div>
    );
}

/** More names than these are in the table below. */
const MOST_NAMED = 12;

function Unserved({ queues }: { queues: Queue[] }) {
    const items = queues.reduce((sum, queue) => sum + queue.waiting, 0);
    const more = queues.some((queue) => queue.more);
    return (
        <section class="note warn unserved" aria-label="Names that nobody serves">
            <p class="row"><Icon name="alert" /><strong>{more && "At least "}{plural(items, "item waits", "items wait")}, and no connected worker serves {items === 1 ? "it" : "them"}.</strong></p>
            <div class="names">
                {queues.slice(0, MOST_NAMED).map(({ kind, name, version, waiting, more }) => (
                    <span key={`${kind} ${version} ${name}`} class="name">{kind} {name}{version && ` ${version}`}: {count(waiting)}{more && "+"}</span>
                ))}
                {queues.length > MOST_NAMED && <span class="name">and {plural(queues.length - MOST_NAMED, "other name")}</span>}
            </div>
            <p class="small">Connect a worker that registers these names, with the same version, to this task hub.</p>
        </section>
    );
}

function Cards({ workers }: { workers: Worker[] }) {
    if (workers.length === 0) {
        return (
            <section class="card">
                <State icon="gear" title="No worker is connected">
                    <p>What is started waits until a worker connects that serves it. How an SDK connects stands on the <a href={href("")}>overview</a> of an
                        empty server and in the README.</p>
                </State>
            </section>
        );
    }
    return <div class="workers">{workers.map((worker) => <Card key={worker.id} worker={worker} />)}</div>;
}

function Card({ worker }: { worker: Worker }) {
    const { serves } = worker;
    return (
        <section class="card worker" aria-labelledby={`worker-${worker.id}`}>
            <header>
                <Icon name={worker.embedded ? "box" : "gear"} />
                <h2 id={`worker-${worker.id}`} class="ellipsis" title={worker.label}>{worker.embedded ? "In the server itself" : worker.label}</h2>
                <span class="push muted small">since <Time at={worker.connectedSince} /></span>
            </header>
            <div class="inside">
                <div class="load">
                    <Load what="Orchestrations" held={worker.orchestrations} />
                    <Load what="Activities" held={worker.activities} />
                    <Load what="Entities" held={worker.entities} />
                </div>
                <p class="muted small">{plural(worker.answered, "item")} answered · {worker.taskHub ? `hub ${worker.taskHub}` : "all hubs"} · number {worker.id}</p>
                {serves ? (
                    <>
                        <Names what="Orchestrations" names={serves.orchestrations} link />
                        <Names what="Activities" names={serves.activities} />
                        {serves.entities ? <Names what="Entities" names={serves.entities} /> : <p class="small muted">All entities</p>}
                    </>
                ) : <p class="small">It names nothing, so it takes whatever no other worker names.</p>}
            </div>
        </section>
    );
}

function Load({ what, held: { held, most } }: { what: string; held: Held }) {
    return (
        <>
            <span>{what}</span>
            <progress value={held} max={Math.max(most, 1)} aria-label={`${what}: ${held} of ${most} in hand`} />
            <span class="number muted">{count(held)} of {count(most)}</span>
        </>
    );
}

function Names({ what, names, link }: { what: string; names: string[]; link?: boolean }) {
    if (names.length === 0) return null;
    return (
        <div class="field"><h3>{what}</h3>
            <div class="names">
                {names.map((name) => (link
                    ? <a key={name} class="name" href={href("instances", { name, children: "1" })} title={`Instances of ${name}`}>{name}</a>
                    : <span key={name} class="name">{name}</span>))}
            </div>
        </div>
    );
}
