// All that is known of an event. It is read when somebody looks at it.
import { event } from "../../api";
import { moment } from "../../format";
import { useLive } from "../../live";
import { instanceHref } from "../../router";
import type { HistoryEvent } from "../../types/instance";
import { Loading, Refused } from "../basics";
import { FailureDetails } from "../Failure";
import { PayloadView } from "../payload/PayloadView";

/** What the payload of a type is. */
function payloadName(type: string): string {
    if (/Completed$/.test(type)) return "Result";
    return ["ExecutionSuspended", "ExecutionResumed", "ExecutionTerminated", "ExecutionRewound"].includes(type) ? "Reason" : type === "EventRaised" || type === "EventSent" ? "Data" : "Input";
}

export function EventDetails({ id, index, revision }: { id: string; index: number; revision: string | undefined }) {
    const { data, problem, again } = useLive(`event ${id} ${index} ${revision}`, (signal) => event(id, index, revision, signal), true);
    if (!data || data.index !== index) return problem ? <Refused problem={problem} again={again} /> : <Loading what="the event" />;
    return <Shown id={id} event={data} />;
}

function Shown({ id, event }: { id: string; event: HistoryEvent }) {
    const { index, eventId, type, time, name, taskId, fireAt, instanceId, version, runtimeStatus, requestId, criticalSectionId, lockSet, tags, payload, failure } = event;
    return (
        <div class="details">
            <dl class="facts">
                <div><dt>Type</dt><dd><code>{type}</code></dd></div>
                {name && <div><dt>Name</dt><dd>{name}</dd></div>}
                {time && <div><dt>Time</dt><dd><code>{time}</code></dd></div>}
                <div><dt>Place</dt><dd class="number-left">{index}</dd></div>
                {eventId >= 0 && <div><dt>Id</dt><dd>{eventId}</dd></div>}
                {taskId !== null && <div><dt>Answers id</dt><dd>{taskId}</dd></div>}
                {fireAt && <div><dt>Due</dt><dd title={fireAt}>{moment(fireAt)}</dd></div>}
                {version && <div><dt>Version</dt><dd>{version}</dd></div>}
                {runtimeStatus && <div><dt>Status</dt><dd>{runtimeStatus}</dd></div>}
                {instanceId && <div><dt>Instance</dt><dd><a class="id" href={instanceHref(instanceId)}>{instanceId}</a></dd></div>}
                {requestId && <div><dt>Request</dt><dd><code>{requestId}</code></dd></div>}
                {criticalSectionId && <div><dt>Critical section</dt><dd><code>{criticalSectionId}</code></dd></div>}
                {lockSet && <div><dt>Locks</dt><dd>{lockSet.map((one) => <a key={one} class="id" href={instanceHref(one)}>{one} </a>)}</dd></div>}
                {tags && <div><dt>Tags</dt><dd class="names">{Object.entries(tags).map(([key, value]) => <span key={key} class="name">{key}: {value}</span>)}</dd></div>}
            </dl>
            {failure && <FailureDetails failure={failure} />}
            {payload && <PayloadView level={3} title={payloadName(type)} file={`${id}-event-${index}`} payload={payload} none="" />}
        </div>
    );
}
