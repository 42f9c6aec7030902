// Bulk jobs: what the server does to many instances by itself, how far it is, and what it could not do.
import { useEffect, useState } from "preact/hooks";
import { deleteJob, job, jobs, stopJob } from "../api";
import { forbidden } from "../caller";
import { Act } from "../components/Act";
import { CopyButton, Elapsed, IdLink, Loading, Refused, State, Time } from "../components/basics";
import { BULK_WORDS, BulkDialog } from "../components/BulkDialog";
import { Dialog } from "../components/Dialog";
import { Icon, type IconName } from "../components/Icon";
import { toast } from "../components/Toasts";
import { count, plural } from "../format";
import { useLive } from "../live";
import { go, href, params } from "../router";
import type { Job, JobState } from "../types/server";

/** A job that runs is looked at this often. */
const WATCH_MS = 1_000;

const STATES: Record<JobState, { label: string; icon: IconName; tone: string }> = {
    running: { label: "Running", icon: "running", tone: "Running" },
    completed: { label: "Completed", icon: "check", tone: "Completed" },
    stopped: { label: "Stopped", icon: "stop", tone: "Terminated" },
    failed: { label: "Broken off", icon: "cross", tone: "Failed" },
};

function Standing({ state }: { state: JobState }) {
    const { label, icon, tone } = STATES[state];
    return <span class={`badge tone-${tone}`}><Icon name={icon} size={13} />{label}</span>;
}

/** The parameters of the filter as a sentence. */
function targets({ filter, total }: Job): string {
    if (filter === null) return `${plural(total ?? 0, "instance")} by id`;
    const parts = [...new URLSearchParams(filter)].filter(([, value]) => value).map(([name, value]) => `${name} = ${value}`);
    return parts.join(" and ") || "all instances";
}

const behind = (one: Job) => one.done + one.skipped + one.failed;

export function Bulk() {
    const id = params.value.get("id");
    return id ? <One key={id} id={id} /> : <All />;
}

/** While `running`, looks again a second after `data` came. */
function useWatch(data: unknown, running: boolean | undefined, again: () => void) {
    useEffect(() => {
        if (!running) return;
        // Asking again gives up the question before, so a server that is slow gets longer and longer for its answer.
        let pause = WATCH_MS, timer: ReturnType<typeof setTimeout>;
        const wait = () => {
            timer = setTimeout(() => {
                if (!document.hidden) {
                    pause *= 2;
                    again();
                }
                wait();
            }, pause);
        };
        wait();
        return () => clearTimeout(timer);
    }, [data, running]);
}

function All() {
    const { data, problem, again } = useLive("jobs", jobs, false, "clock");
    useWatch(data, data?.some((one) => one.state === "running"), again);
    return (
        <div class="page">
            <div class="top"><h1>Bulk jobs</h1>{data && data.length > 0 && <span class="muted">{plural(data.length, "job")}</span>}</div>
            <section class="card" aria-label="List of jobs">
                {data ? data.length > 0 ? <Jobs jobs={data} /> : <None /> : problem ? <Refused problem={problem} again={again} /> : <Loading what="jobs" />}
            </section>
        </div>
    );
}

function None() {
    return (
        <State icon="box" title="No bulk jobs in this hub">
            <p>On the list of instances, choose some or all that match, and say what is to be done to them. The server does it by itself, and tells here how far it is.</p>
            <div class="row"><a class="button main" href={href("instances")}>To the instances</a></div>
        </State>
    );
}

function Jobs({ jobs }: { jobs: Job[] }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Jobs">
            <table>
                <thead>
                    <tr><th>State</th><th>Action</th><th>On</th><th>By</th><th>Started</th><th class="number">Took</th><th>Outcome</th></tr>
                </thead>
                <tbody>
                    {jobs.map((one) => (
                        <tr key={one.id}>
                            <td class="fit"><Standing state={one.state} /></td>
                            <td class="fit"><a href={href("bulk", { id: one.id })}>{BULK_WORDS[one.action].verb}</a></td>
                            <td><span class="line ellipsis" title={targets(one).slice(0, 1000)}>{targets(one).slice(0, 200)}</span></td>
                            <td>{one.by ?? <span class="muted">anyone</span>}</td>
                            <td class="time"><Time at={one.createdTime} /></td>
                            <td class="fit number"><Elapsed from={one.createdTime} to={one.endedTime ?? undefined} /></td>
                            <td><Outcome job={one} /></td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Outcome({ job: one }: { job: Job }) {
    const parts = [`${count(one.done)} done`];
    if (one.skipped) parts.push(`${count(one.skipped)} skipped`);
    return (
        <span class="outcome">
            {one.state === "running" && <Progress job={one} />}
            <span>{parts.join(", ")}{one.failed > 0 && <>, <strong class="wrong">{count(one.failed)} failed</strong></>}</span>
        </span>
    );
}

function Progress({ job: one }: { job: Job }) {
    const label = one.total === null ? `${count(behind(one))} so far` : `${count(behind(one))} of ${count(one.total)}`;
    return one.total === null ? <progress aria-label={label} /> : <progress aria-label={label} value={behind(one)} max={Math.max(one.total, 1)} />;
}

function One({ id }: { id: string }) {
    const { data, problem, again } = useLive(`job ${id}`, (signal) => job(id, signal), false, "clock");
    const [open, setOpen] = useState<"stop" | "delete" | "again">();
    useWatch(data, data?.state === "running", again);
    if (problem?.status === 404) return <Missing />;
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the job" />}</section>;
    const { verb } = BULK_WORDS[data.action];
    const why = forbidden(data.action === "purge" && data.filter !== null ? "purgeMany" : data.action);
    const close = () => setOpen(undefined);
    return (
        <div class="page">
            <div class="top">
                <div class="title">
                    <div class="over"><h1>{verb}</h1><Standing state={data.state} /></div>
                    <div class="under">{targets(data)}</div>
                </div>
                <div class="row" role="group" aria-label="Actions">
                    {data.failures.length > 0 && <Act label="Try those that failed again" icon="again" why={why} act={() => setOpen("again")} />}
                    {data.state === "running"
                        ? <Act label="Stop" icon="stop" danger why={why} act={() => setOpen("stop")} />
                        : <Act label="Delete" icon="trash" danger why={why} act={() => setOpen("delete")} />}
                    <a class="button small" href={href("bulk")}>All jobs</a>
                </div>
            </div>
            {data.error && <p class="note bad" role="alert">It could not go on: {data.error}</p>}
            <section class="card" aria-labelledby="progress">
                <header><h2 id="progress">Progress</h2>
                    <span class="push muted small" role="status">{data.total === null ? `${count(behind(data))} so far` : `${count(behind(data))} of ${count(data.total)}`}</span></header>
                <div class="inside progress">
                    <Progress job={data} />
                    <dl class="facts">
                        <div><dt>Done</dt><dd>{count(data.done)}</dd></div>
                        <div><dt title="The action did not apply to them, or they were gone">Skipped</dt><dd>{count(data.skipped)}</dd></div>
                        <div><dt>Failed</dt><dd>{data.failed > 0 ? <strong class="wrong">{count(data.failed)}</strong> : "0"}</dd></div>
                        <div><dt>Started</dt><dd><Time at={data.createdTime} /></dd></div>
                        <div><dt>{data.endedTime ? "Took" : "Since then"}</dt><dd><Elapsed from={data.createdTime} to={data.endedTime ?? undefined} /></dd></div>
                        <div><dt>By</dt><dd>{data.by ?? "anyone"}</dd></div>
                        {data.reason && <div><dt>Reason</dt><dd>{data.reason}</dd></div>}
                        <div><dt>Task hub</dt><dd>{data.taskHub}</dd></div>
                    </dl>
                </div>
            </section>
            <Failures job={data} />
            {open === "stop" && (
                <Dialog title="Stop this job?" verb="Stop" danger close={close} act={async () => { await stopJob(id); toast("Stopped"); again(); }}>
                    <p class="lead">What is under way is finished. What is done stays done; the rest is left as it is.</p>
                </Dialog>
            )}
            {open === "delete" && (
                <Dialog title="Delete this record?" verb="Delete" danger close={close} act={async () => { await deleteJob(id); toast("Deleted"); go(href("bulk")); }}>
                    <p class="lead">Only the record of the job goes, with the list of what failed. The instances are not concerned.</p>
                </Dialog>
            )}
            {open === "again" && <BulkDialog targets={{ instanceIds: data.failures.map((one) => one.instanceId) }} action={data.action} close={close} />}
        </div>
    );
}

function Failures({ job: { failed, failures } }: { job: { failed: number; failures: { instanceId: string; why: string }[] } }) {
    if (failed === 0) return null;
    return (
        <section class="card" aria-labelledby="failures">
            <header>
                <h2 id="failures">What failed</h2>
                <span class="muted small">{failed > failures.length ? `the first ${count(failures.length)} of ${count(failed)}` : plural(failed, "instance")}</span>
                <span class="push"><CopyButton text={() => failures.map((one) => one.instanceId).join("\n")} what="the ids that failed" /></span>
            </header>
            <div class="scroll" tabIndex={0} role="group" aria-label="What failed">
                <table>
                    <thead><tr><th>Instance</th><th>Why</th></tr></thead>
                    <tbody>{failures.map((one) => <tr key={one.instanceId}><td><IdLink id={one.instanceId} /></td><td>{one.why}</td></tr>)}</tbody>
                </table>
            </div>
        </section>
    );
}

function Missing() {
    return (
        <section class="card">
            <State icon="search" title="There is no such job" page>
                <p>It may have been deleted, or made room for later ones: the last 200 of a hub are kept.</p>
                <div class="row"><a class="button" href={href("bulk")}>All jobs</a></div>
            </State>
        </section>
    );
}
