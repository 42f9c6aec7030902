// One event of a history.
import { between, bytes, clock, duration, millis, moment } from "../../format";
import { change, instanceHref, params } from "../../router";
import type { HistoryEvent, Payload } from "../../types/instance";
import { CopyButton } from "../basics";
import { Icon } from "../Icon";
import { EventDetails } from "./EventDetails";
import { isBad, look } from "./looks";
import { both } from "./partners";

interface Props {
    id: string;
    revision: string | undefined;
    event: HistoryEvent;
    before: HistoryEvent | undefined;
    partner: HistoryEvent | undefined;
    /** The page that both are on. */
    place: string;
    open: boolean;
    lit: boolean;
    toggle: () => void;
}

export function HistoryLine({ id, revision, event, before, partner, place, open, lit, toggle }: Props) {
    const { index, eventId, time } = event;
    const bad = isBad(event), [icon, label] = look(event);
    return (
        <>
            <tr id={`event-${index}`} class={[bad && "bad", lit && "lit"].filter(Boolean).join(" ") || undefined}>
                <td class="open">
                    <button type="button" class="button plain small icon" aria-expanded={open} aria-label={`Details of event ${index}`} onClick={toggle}>
                        <Icon name={open ? "down" : "right"} size={14} />
                    </button>
                </td>
                <td class="number"><a href={here(id, { event: String(index), after: undefined })} title="The address of this event"
                    onClick={(click) => jump(click, index, place)}>{index}</a></td>
                <td class="time" title={time ?? undefined}>{time && precise(time)}</td>
                <td class="number fit muted">{time && before?.time ? `+${between(before.time, time)}` : ""}</td>
                <td><span class="event" title={event.type}><Icon name={bad ? "cross" : icon} size={14} />{label}</span></td>
                <td class="number muted">{eventId >= 0 ? eventId : event.taskId ?? ""}</td>
                <td><span class="what ellipsis"><What event={event} partner={partner} /></span></td>
                <td>{event.payload && <Preview payload={event.payload} />}{event.failure && <span class="wrong">{event.failure.errorType}: {event.failure.message}</span>}</td>
                <td class="number fit"><Pair id={id} event={event} partner={partner} place={place} /></td>
            </tr>
            {open && (
                <tr class="more"><td colSpan={9}>
                    <p class="row small"><CopyButton text={() => new URL(here(id, { event: String(index), after: undefined }), location.href).href} what="the address of this event" /><span class="muted">Copy the address of this event</span></p>
                    <EventDetails id={id} index={index} revision={revision} />
                </td></tr>
            )}
        </>
    );
}

/** The address of the history as it is shown, with changes. */
const here = (id: string, entries: Record<string, string | undefined>) => instanceHref(id, { ...Object.fromEntries(params.value), ...entries });

/** To another event of this page, without turning it. */
function jump(click: MouseEvent, index: number, place: string) {
    if (click.ctrlKey || click.metaKey || click.shiftKey) return;
    click.preventDefault();
    change({ event: String(index), after: place }, true);
}

/** To the millisecond: events of one turn lie close together. */
function precise(iso: string): string {
    const ms = Math.floor(millis(iso) % 1000);
    return `${clock(new Date(Math.floor(millis(iso))))}.${String(ms).padStart(3, "0")}`;
}

function What({ event, partner }: { event: HistoryEvent; partner: HistoryEvent | undefined }) {
    // An answer does not repeat the name of what it answers.
    const name = event.name ?? (partner && partner.index < event.index ? partner.name : null) ?? event.runtimeStatus;
    return (
        <>
            {name && <span title={name}>{name}</span>}
            {event.instanceId && <> <a class="id inline" href={instanceHref(event.instanceId)} title={event.instanceId}>{event.instanceId}</a></>}
            {event.fireAt && <> for {moment(event.fireAt)}</>}
            {event.lockSet && event.lockSet.join(", ")}
        </>
    );
}

function Preview({ payload: { text, bytes: length } }: { payload: Payload }) {
    return <span class="line ellipsis mono muted" title={bytes(length)}>{text.slice(0, 120).replace(/\s+/g, " ")}</span>;
}

/** How long it took, and the way to the other end. */
function Pair({ id, event, partner, place }: { id: string; event: HistoryEvent; partner: HistoryEvent | undefined; place: string }) {
    if (partner) {
        const ends = partner.index < event.index;
        const length = event.time && partner.time ? Math.abs(millis(event.time) - millis(partner.time)) : undefined;
        return (
            <>{ends && length !== undefined ? duration(length) : ""}{" "}
                <a href={here(id, { event: String(partner.index), after: undefined })} onClick={(click) => jump(click, partner.index, place)}>{ends ? "to its start" : "to its end"}</a></>
        );
    }
    const query = both(event);
    return query ? <a class="small" href={here(id, { ...query, after: undefined, event: undefined })}>both ends</a> : null;
}
