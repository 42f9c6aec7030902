// One event of a history, and all that is known of it.
import { between, clock, duration, millis, moment } from "../format";
import { instanceHref } from "../router";
import type { HistoryRow } from "../types";
import { FailureDetails } from "./Failure";
import { Icon, type IconName } from "./Icon";
import { JsonView } from "./JsonView";

const LOOKS: Record<string, readonly [IconName, string]> = {
    ExecutionStarted: ["play", "Started"], ExecutionCompleted: ["check", "Ended"], ExecutionTerminated: ["stop", "Terminated"],
    ExecutionSuspended: ["pause", "Suspended"], ExecutionResumed: ["play", "Resumed"], ExecutionRewound: ["rewind", "Rewound"], ContinueAsNew: ["again", "Continued as new"],
    TaskScheduled: ["gear", "Activity open"], TaskCompleted: ["gear", "Activity done"], TaskFailed: ["cross", "Activity failed"],
    SubOrchestrationInstanceCreated: ["flow", "Sub-orchestration open"], SubOrchestrationInstanceCompleted: ["flow", "Sub-orchestration done"],
    SubOrchestrationInstanceFailed: ["cross", "Sub-orchestration failed"], TimerCreated: ["clock", "Timer set"], TimerFired: ["clock", "Timer fired"],
    EventRaised: ["bolt", "Event received"], EventSent: ["send", "Event sent"],
    EntityOperationSignaled: ["box", "Entity signalled"], EntityOperationCalled: ["box", "Entity called"], EntityOperationCompleted: ["box", "Entity answered"],
    EntityOperationFailed: ["cross", "Entity failed"], EntityLockRequested: ["lock", "Lock asked for"], EntityLockGranted: ["lock", "Lock taken"], EntityUnlockSent: ["lock", "Lock given back"],
};

interface Props {
    row: HistoryRow;
    rows: HistoryRow[];
    place: number;
    before: HistoryRow | undefined;
    partner: number | undefined;
    open: boolean;
    lit: boolean;
    toggle: () => void;
    jump: (place: number) => void;
}

export function HistoryLine({ row, rows, place, before, partner, open, lit, toggle, jump }: Props) {
    const [usual, label] = LOOKS[row.EventType] ?? (["info", row.EventType] as const);
    const other = partner === undefined ? undefined : rows[partner];
    const begun = row.ScheduledTime ?? (other && partner !== undefined && partner < place ? other.Timestamp : undefined);
    const bad = row.EventType.endsWith("Failed") || row.OrchestrationStatus === "Failed";
    const icon = bad ? "cross" : usual;
    return (
        <>
            <tr id={`event-${place}`} class={[bad && "bad", lit && "lit"].filter(Boolean).join(" ") || undefined}>
                <td class="open">
                    <button type="button" class="button plain small icon" aria-expanded={open} aria-label={`Details of event ${place + 1}`} onClick={toggle}>
                        <Icon name={open ? "down" : "right"} size={14} />
                    </button>
                </td>
                <td class="time" title={row.Timestamp}>{precise(row.Timestamp)}</td>
                <td class="number fit muted">{before ? `+${duration(millis(row.Timestamp) - millis(before.Timestamp))}` : ""}</td>
                <td><span class="event" title={row.EventType}><Icon name={icon} size={14} />{label}</span></td>
                <td><span class="what ellipsis"><What row={row} /></span></td>
                <td class="number fit">
                    {begun ? between(begun, row.Timestamp) : ""}{" "}
                    {partner !== undefined && (
                        <button type="button" class="button link small" onClick={() => jump(partner)}>{partner < place ? "to its start" : "to its end"}</button>
                    )}
                </td>
            </tr>
            {open && <tr class="more"><td colSpan={6}><Details row={row} place={place} /></td></tr>}
        </>
    );
}

/** To the millisecond: events of one turn lie close together. */
function precise(iso: string): string {
    const date = new Date(iso);
    return `${clock(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function What({ row }: { row: HistoryRow }) {
    const name = row.FunctionName ?? row.Name ?? row.Operation ?? row.OrchestrationStatus ?? row.FailureDetails?.ErrorType;
    return (
        <>
            {name && <span title={name}>{name}</span>}
            {row.InstanceId && <> <a class="id" style={{ display: "inline" }} href={instanceHref(row.InstanceId)} title={row.InstanceId}>{row.InstanceId}</a></>}
            {row.FireAt && <>for {moment(row.FireAt)}</>}
            {row.LockSet && row.LockSet.join(", ")}
            {row.Reason && <span class="muted" title={row.Reason}> {row.Reason}</span>}
        </>
    );
}

function Details({ row, place }: { row: HistoryRow; place: number }) {
    const file = `event-${place + 1}`;
    const hasInput = row.Input !== undefined && row.Input !== null, hasResult = row.Result !== undefined && row.Result !== null;
    return (
        <>
            <dl class="facts">
                <div><dt>Type</dt><dd><code>{row.EventType}</code></dd></div>
                <div><dt>Time</dt><dd><code>{row.Timestamp}</code></dd></div>
                {row.ScheduledTime && <div><dt>Scheduled</dt><dd><code>{row.ScheduledTime}</code></dd></div>}
                {row.FireAt && <div><dt>Due</dt><dd><code>{row.FireAt}</code></dd></div>}
                {row.InstanceId && <div><dt>Instance</dt><dd><a class="id" href={instanceHref(row.InstanceId)}>{row.InstanceId}</a></dd></div>}
                {row.Reason && !row.FailureDetails && <div><dt>Reason</dt><dd>{row.Reason}</dd></div>}
            </dl>
            {row.FailureDetails && <FailureDetails failure={row.FailureDetails} />}
            {hasInput && <JsonView level={3} title="Input" file={`${file}-input`} value={row.Input} none="" encoded />}
            {hasResult && <JsonView level={3} title="Result" file={`${file}-result`} value={row.Result} none="" />}
            {row.Data && <JsonView level={3} title="Data" file={`${file}-data`} value={row.Data} none="" encoded />}
        </>
    );
}
