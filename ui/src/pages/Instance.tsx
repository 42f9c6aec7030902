// One instance: how it stands, what it waits for, what went wrong, and what can be done about it.
import { explain, failure, instance } from "../api";
import { Actions } from "../components/Actions";
import { Badge, CopyButton, Elapsed, Loading, Refused, State, Time } from "../components/basics";
import { Children } from "../components/Children";
import { CustomStatus } from "../components/CustomStatus";
import { Explained } from "../components/Explained";
import { FailureBanner } from "../components/Failure";
import { History } from "../components/History";
import { Icon } from "../components/Icon";
import { JsonView } from "../components/JsonView";
import { useLive } from "../live";
import { hub, href, instanceHref, params } from "../router";
import { hasEnded } from "../status";
import type * as t from "../types";

const TABS = [["", "Data"], ["history", "History"], ["children", "Sub-orchestrations"]] as const;

export function Instance({ id }: { id: string }) {
    const { data, problem, again } = useLive(`instance ${id}`, (signal) => instance(id, signal));
    if (problem?.status === 404) return <Missing id={id} />;
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the instance" />}</section>;
    const ended = hasEnded(data.runtimeStatus);
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
            {data.runtimeStatus === "Failed" && <Failed instance={data} />}
            {!ended && <Waits id={id} />}
            <section class="card" aria-label="Facts">
                <dl class="facts inside">
                    <div><dt>Created</dt><dd><Time at={data.createdTime} /></dd></div>
                    <div><dt>{ended ? "Ended" : "Last changed"}</dt><dd><Time at={data.lastUpdatedTime} /></dd></div>
                    <div><dt>{ended ? "Took" : "Since it was created"}</dt>
                        <dd><Elapsed from={data.createdTime} to={ended ? data.lastUpdatedTime : undefined} /></dd></div>
                    <div><dt>Task hub</dt><dd>{hub.value ?? "the default one"}</dd></div>
                </dl>
            </section>
            <nav class="tabs" aria-label="Parts">
                {TABS.map(([name, label]) => <a key={name} href={instanceHref(id, { tab: name })} aria-current={name === tab ? "page" : undefined}>{label}</a>)}
            </nav>
            {tab === "history" ? <History instance={data} /> : tab === "children" ? <Children id={id} /> : <Data instance={data} ended={ended} />}
        </div>
    );
}

function Data({ instance: { instanceId: id, input, output, customStatus }, ended }: { instance: t.Instance; ended: boolean }) {
    return (
        <>
            <CustomStatus id={id} value={customStatus} />
            <div class="two">
                <JsonView title="Input" file={`${id}-input`} value={input} none="It was started without input." />
                <JsonView title="Output" file={`${id}-output`} value={output} none={ended ? "It ended without output." : "There is none before the end."} />
            </div>
        </>
    );
}

function Failed({ instance: { instanceId: id, output, lastUpdatedTime } }: { instance: t.Instance }) {
    // Looked up once for each failure: the history may be long.
    const { data } = useLive(`failure ${id} ${lastUpdatedTime}`, (signal) => failure(id, signal), true);
    return <FailureBanner failure={data} text={typeof output === "string" ? output : "The history has the details."} />;
}

function Waits({ id }: { id: string }) {
    const { data, problem } = useLive(`explain ${id}`, (signal) => explain(id, signal), false, "clock");
    if (data) return <Explained explanation={data} />;
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
