// One instance: how it stands, what it waits for, what went wrong, and what can be done about it. The header is there before any history
// is read; each part is looked up when it is opened.
import { explain, instanceDetails } from "../api";
import { Actions } from "../components/Actions";
import { Badge, CopyButton, Elapsed, Loading, Refused, State, Time } from "../components/basics";
import { CustomStatus } from "../components/CustomStatus";
import { Data } from "../components/Data";
import { Explained } from "../components/Explained";
import { FailureBanner } from "../components/Failure";
import { History } from "../components/history/History";
import { LOOKS } from "../components/history/looks";
import { Icon } from "../components/Icon";
import { Raw } from "../components/Raw";
import { Sequence } from "../components/Sequence";
import { Timeline } from "../components/timeline/Timeline";
import { Tree } from "../components/Tree";
import { bytes, duration, millis, plural } from "../format";
import { now, useLive } from "../live";
import { hub, href, instanceHref, params } from "../router";
import { hasEnded } from "../status";
import type { InstanceDetails, Payload } from "../types/instance";

const TABS = [["", "Timeline"], ["history", "History"], ["sequence", "Sequence"], ["tree", "Tree"], ["data", "Input and output"], ["raw", "Raw"]] as const;

export function Instance({ id }: { id: string }) {
    const { data, problem, again } = useLive(`details ${id}`, (signal) => instanceDetails(id, signal));
    if (problem?.status === 404) return <Missing id={id} />;
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the instance" />}</section>;
    const tab = TABS.find(([name]) => name === params.value.get("tab"))?.[0] ?? "";
    return (
        <div class="page">
            <div class="top">
                <div class="title">
                    <div class="over"><h1>{data.name}</h1>{data.version && <span class="badge">version {data.version}</span>}<Badge status={data.runtimeStatus} /></div>
                    <div class="under"><span class="id">{id}</span><CopyButton text={() => id} what="the id" /></div>
                </div>
                <Actions instance={data} again={again} />
            </div>
            {data.runtimeStatus === "Failed" && <FailureBanner failure={data.failure} text={data.output?.text ?? "The history has the details."} />}
            {!hasEnded(data.runtimeStatus) && <Waits id={id} />}
            <Facts instance={data} />
            <CustomStatus id={id} status={data.customStatus} />
            <nav class="tabs" aria-label="Parts">
                {TABS.map(([name, label]) => <a key={name} href={instanceHref(id, { tab: name })} aria-current={name === tab ? "page" : undefined}>{label}</a>)}
            </nav>
            {tab === "" && <Timeline key={data.executionId} instance={data} />}
            {tab === "history" && <History instance={data} />}
            {tab === "sequence" && <Sequence key={data.executionId} instance={data} />}
            {tab === "tree" && <Tree id={id} />}
            {tab === "data" && <Data instance={data} />}
            {tab === "raw" && <Raw id={id} />}
        </div>
    );
}

function Facts({ instance }: { instance: InstanceDetails }) {
    const { instanceId: id, createdTime, lastUpdatedTime, scheduledStartTime, completedTime, durationMs, parentInstanceId, executionId, tags, lastEvent, traceParent } = instance;
    const labels = Object.entries(tags);
    const scheduled = scheduledStartTime !== null && millis(scheduledStartTime) > now.value && instance.runtimeStatus === "Pending";
    return (
        <section class="card" aria-label="Facts">
            <dl class="facts inside">
                <div><dt>Created</dt><dd><Time at={createdTime} /></dd></div>
                {scheduledStartTime && <div><dt>{scheduled ? "Starts" : "Start was scheduled for"}</dt>
                    <dd><Time at={scheduledStartTime} />{scheduled && ` (in ${duration(millis(scheduledStartTime) - now.value)})`}</dd></div>}
                {completedTime ? <div><dt>Ended</dt><dd><Time at={completedTime} /></dd></div> : <div><dt>Last changed</dt><dd><Time at={lastUpdatedTime} /></dd></div>}
                <div><dt>{completedTime ? "Took" : "Since it was created"}</dt>
                    <dd>{durationMs === null ? <Elapsed from={createdTime} /> : <span class="number">{duration(durationMs)}</span>}</dd></div>
                {parentInstanceId && <div><dt>Started by</dt><dd><a class="id" href={instanceHref(parentInstanceId)}>{parentInstanceId}</a></dd></div>}
                <div><dt>History</dt><dd>{plural(instance.historyEvents, "event")}, {bytes(instance.historyBytes)}</dd></div>
                {lastEvent && <div><dt>Last event</dt><dd><span title={lastEvent.type}>{LOOKS[lastEvent.type]?.[1] ?? lastEvent.type}</span>{lastEvent.name && `: ${lastEvent.name}`}</dd></div>}
                <div><dt>Execution</dt><dd class="row"><code class="ellipsis" title={executionId}>{executionId}</code><CopyButton text={() => executionId} what="the execution id" /></dd></div>
                {traceParent && <div class="two-wide"><dt>Trace</dt><dd class="ellipsis"><code title={traceParent}>{traceParent}</code></dd></div>}
                <div><dt>Task hub</dt><dd>{hub.value ?? "the default one"}</dd></div>
                <Line id={id} title="Input" payload={instance.input} /><Line id={id} title="Output" payload={instance.output} />
                {labels.length > 0 && <div class="wide"><dt>Tags</dt><dd class="names">{labels.map(([key, value]) => <span key={key} class="name">{key}: {value}</span>)}</dd></div>}
            </dl>
        </section>
    );
}

/** The first of a payload, which leads to the rest. */
function Line({ id, title, payload }: { id: string; title: string; payload: Payload | null }) {
    if (!payload) return null;
    const text = payload.text.slice(0, 200).replace(/\s+/g, " ");
    return <div class="two-wide"><dt>{title}</dt><dd class="ellipsis"><a class="line mono" href={instanceHref(id, { tab: "data" })} title={`${title}: ${bytes(payload.bytes)}`}>{text || "(empty text)"}</a></dd></div>;
}

function Waits({ id }: { id: string }) {
    const { data, problem, again } = useLive(`explain ${id}`, (signal) => explain(id, signal), false, "clock");
    if (data) return <Explained id={id} explanation={data} again={again} />;
    return problem && problem.status !== 404 ? <p class="note warn row"><Icon name="alert" />What it waits for is not known: {problem.message}</p> : null;
}

function Missing({ id }: { id: string }) {
    return (
        <section class="card">
            <State icon="search" title="There is no such instance" page>
                <p>Nothing in the hub {hub.value ? <strong>{hub.value}</strong> : "that is shown"} has the id <code>{id || "(empty)"}</code>. It may have been purged, or live in another hub.</p>
                <div class="row">
                    <a class="button" href={href("instances", { prefix: id, children: "1" })}>Find ids that begin so</a>
                    <a class="button" href={href("instances")}>All instances</a>
                </div>
            </State>
        </section>
    );
}
