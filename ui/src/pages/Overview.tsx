// What there is, what waits, who works, and what went wrong.
import { counts, failures, queues, search, workers } from "../api";
import { Activity } from "../components/Activity";
import { Badge, IdLink, Loading, Refused, State, Time } from "../components/basics";
import { FirstRun } from "../components/FirstRun";
import { Icon } from "../components/Icon";
import { FailureGroups } from "../components/FailureGroups";
import { ErrorLine } from "../components/ErrorLine";
import { Depth } from "../components/Depth";
import { Standing } from "../components/Standing";
import { ParkedList } from "../components/ParkedList";
import { QueueTable } from "../components/QueueTable";
import { count, plural, RANGES, since } from "../format";
import { useLive } from "../live";
import { change, href, params } from "../router";
import { LOOKS } from "../status";
import { STATUSES, type Counts, type Worker } from "../types";

export function Overview() {
    const range = params.value.get("range");
    const filter = () => ({ createdTimeFrom: since(range), entities: "false" });
    const numbers = useLive(`counts ${range}`, (signal) => counts(filter(), signal));
    const staff = useLive("workers", workers, false, "clock");
    const isNew = !range && numbers.data?.total === 0 && staff.data?.every((worker) => worker.embedded);
    return (
        <div class="page">
            <div class="top">
                <h1>Overview</h1><span class="push" />
                {!isNew && (
                    <label class="field-in-bar">Created
                        <select value={range ?? ""} onChange={(event) => change({ range: event.currentTarget.value })}>
                            <option value="">at any time</option>
                            {RANGES.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
                        </select>
                    </label>
                )}
            </div>
            {numbers.problem && !numbers.data
                ? <section class="card"><Refused problem={numbers.problem} again={numbers.again} /></section>
                : !isNew && <Cards counts={numbers.data} range={range} stale={numbers.stale} />}
            {isNew ? <FirstRun workers={staff.data ?? []} /> : <Details range={range} workers={staff.data} />}
        </div>
    );
}

function Cards({ counts, range, stale }: { counts: Counts | undefined; range: string | null; stale: boolean }) {
    return (
        <div class={stale ? "cards stale" : "cards"}>
            {STATUSES.map((status) => {
                const many = counts?.byStatus[status];
                return (
                    <a key={status} class={`count tone-${status}${many ? "" : " zero"}`} href={href("instances", { status, children: "1", range: range ?? undefined })}>
                        <span class="what"><Icon name={LOOKS[status].icon} size={14} />{LOOKS[status].label}</span>
                        <span class="many">{many === undefined ? "–" : count(many)}</span>
                    </a>
                );
            })}
        </div>
    );
}

function Details({ range, workers }: { range: string | null; workers: Worker[] | undefined }) {
    return (
        <>
            <Activity range={range} />
            <Standing />
            <div class="two">
                <Waiting />
                <Working workers={workers} />
            </div>
            <ParkedList />
            <Groups range={range} />
            <LastFailed range={range} />
        </>
    );
}

function Waiting() {
    const { data, problem, again } = useLive("queues", queues, false, "clock");
    return (
        <section class="card" aria-labelledby="waiting">
            <header><h2 id="waiting">Waiting for a worker</h2><span class="push" />{data && <Depth queues={data} />}</header>
            {data ? <QueueTable queues={data} /> : problem ? <Refused problem={problem} again={again} /> : <Loading what="queues" />}
        </section>
    );
}

function Working({ workers }: { workers: Worker[] | undefined }) {
    return (
        <section class="card" aria-labelledby="working">
            <header><h2 id="working">Workers</h2><span class="push" /><a class="small" href={href("workers")}>All about them</a></header>
            {!workers ? <Loading what="workers" /> : workers.length === 0 ? (
                <State icon="gear" title="No worker is connected"><p>What is started waits until one is.</p></State>
            ) : (
                <div class="scroll" tabIndex={0} role="group" aria-label="Workers">
                    <table>
                        <thead><tr><th>Worker</th><th class="number">In hand</th><th class="number">Answered</th><th>Since</th></tr></thead>
                        <tbody>
                            {workers.map((worker) => (
                                <tr key={worker.id}>
                                    <td><span class="line ellipsis" title={worker.label}>{worker.embedded ? "In the server itself" : worker.label}</span></td>
                                    <td class="number">{count(worker.orchestrations.held + worker.activities.held + worker.entities.held)}</td>
                                    <td class="number">{count(worker.answered)}</td>
                                    <td class="time"><Time at={worker.connectedSince} /></td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}

/** The page of failures has all of them. */
const MOST_GROUPS = 8;

function Groups({ range }: { range: string | null }) {
    const { data, problem, again } = useLive(`failures ${range}`, (signal) => failures({ createdTimeFrom: since(range) }, signal));
    return (
        <section class="card" aria-labelledby="groups">
            <header><h2 id="groups">What failed, and why</h2><span class="push" />
                {data && data.groups.length > 0 && (
                    <span class="muted small">{plural(data.groups.length, "group")} of {plural(data.lookedAt, "failed instance")}{data.more && ", the latest ones"}</span>
                )}
                <a class="small" href={href("failures", { range: range ?? undefined })}>All about them</a>
            </header>
            {data ? <FailureGroups groups={data.groups.slice(0, MOST_GROUPS)} /> : problem ? <Refused problem={problem} again={again} /> : <Loading what="failures" />}
        </section>
    );
}

const LAST_FAILED = 10;

function LastFailed({ range }: { range: string | null }) {
    const { data } = useLive(`failed ${range}`, (signal) =>
        search({ runtimeStatus: "Failed", order: "lastUpdatedTime desc", top: LAST_FAILED, createdTimeFrom: since(range) }, undefined, signal));
    if (!data || data.rows.length === 0) return null;
    return (
        <section class="card" aria-labelledby="last-failed">
            <header><h2 id="last-failed">Failed last</h2></header>
            <div class="scroll" tabIndex={0} role="group" aria-label="Failed last">
                <table>
                    <thead><tr><th>Status</th><th>Instance</th><th>Name</th><th>Failed</th><th>Error</th></tr></thead>
                    <tbody>
                        {data.rows.map((row) => (
                            <tr key={row.instanceId}>
                                <td class="fit"><Badge status={row.runtimeStatus} /></td>
                                <td><IdLink id={row.instanceId} /></td>
                                <td class="fit">{row.name}</td>
                                <td class="time"><Time at={row.lastUpdatedTime} /></td>
                                <td><ErrorLine failure={row.failure} /></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}
