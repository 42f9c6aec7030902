// From the events of a history to the lines of a timeline: one for each thing that took time, from the event that began it to the one
// that answers it. Pure, and linear in the number of events.
import type { HistoryEvent } from "../types/instance";

export type Kind = "orchestration" | "pause" | "activity" | "timer" | "event" | "sent" | "child" | "call" | "signal" | "section";
/** "dropped": it will never be answered, for the execution has ended. */
export type Outcome = "open" | "done" | "failed" | "dropped";

export interface Line {
    kind: Kind;
    name: string;
    /** Milliseconds since 1970, with their fraction. */
    from: number;
    /** Undefined: not ended, it goes on until now. */
    to: number | undefined;
    /** Of a critical section: when the locks were given. Until then it waited. */
    granted?: number;
    outcome: Outcome;
    /** The events that began and ended it, by their places in the history. */
    first: number;
    last: number | undefined;
    /** Counts from 1; more than 1 if the same was done again after a failure. */
    attempt: number;
    /** The number of the turn that began it. */
    turn: number;
    instanceId?: string;
    /** When a timer is due. */
    due?: number;
}

export interface Timeline {
    /** In the order in which they began; the orchestration comes first. */
    lines: Line[];
    from: number;
    /** The latest time of the history; undefined if it has no events. */
    to: number;
    ended: boolean;
}

/** Milliseconds with their fraction, which `Date` would cut. */
export function at(iso: string): number {
    const fraction = /\.(\d+)/.exec(iso)?.[1];
    const whole = Date.parse(fraction === undefined ? iso : iso.replace(`.${fraction}`, ""));
    return fraction === undefined ? whole : whole + Number(`0.${fraction}`) * 1000;
}

/** Things of one kind that wait for an answer under the same mark: the newest of them is answered first, as an id may be used again. */
class Open {
    private readonly waiting = new Map<string, Line[]>();

    add(mark: string, line: Line): void {
        const others = this.waiting.get(mark);
        if (others) others.push(line);
        else this.waiting.set(mark, [line]);
    }

    take(mark: string): Line | undefined {
        return this.waiting.get(mark)?.pop();
    }

    look(mark: string): Line | undefined {
        return this.waiting.get(mark)?.at(-1);
    }
}

class Builder {
    readonly lines: Line[] = [];
    private readonly open = new Open();
    private whole: Line | undefined;
    private turn = 0;
    private latest = Number.NEGATIVE_INFINITY;
    private earliest = Number.POSITIVE_INFINITY;
    /** What failed and has not been done again, by kind and name, and what failed in this turn. */
    private readonly failed = new Map<string, Set<Line>>();
    private failedNow = new Set<Line>();
    /** Timers that were set after a failure: when they fire, it is done again. */
    private readonly pauses = new Map<Line, Line>();

    take(event: HistoryEvent): void {
        const time = event.time === null ? this.latest : at(event.time);
        if (Number.isFinite(time)) {
            this.latest = Math.max(this.latest, time);
            this.earliest = Math.min(this.earliest, time);
        }
        const name = event.name ?? "";
        switch (event.type) {
            case "OrchestratorStarted":
                this.turn++;
                this.failedNow = new Set();
                break;
            case "ExecutionStarted":
                this.whole = this.begin("orchestration", name, event, time);
                break;
            case "ExecutionCompleted":
                this.finish(this.whole, event, time, event.runtimeStatus === "Completed" || event.runtimeStatus === "ContinuedAsNew" ? "done" : event.runtimeStatus === "Failed" ? "failed" : "dropped");
                break;
            case "ExecutionSuspended": this.open.add("pause", this.begin("pause", "Suspended", event, time)); break;
            case "ExecutionResumed": this.finish(this.open.take("pause"), event, time, "done"); break;
            case "TaskScheduled": this.open.add(`task ${event.eventId}`, this.again(this.begin("activity", name, event, time))); break;
            case "TaskCompleted": this.finish(this.open.take(`task ${event.taskId}`), event, time, "done"); break;
            case "TaskFailed": this.fail(this.open.take(`task ${event.taskId}`), event, time); break;
            case "SubOrchestrationInstanceCreated": this.open.add(`child ${event.eventId}`, this.again(this.begin("child", name, event, time))); break;
            case "SubOrchestrationInstanceCompleted": this.finish(this.open.take(`child ${event.taskId}`), event, time, "done"); break;
            case "SubOrchestrationInstanceFailed": this.fail(this.open.take(`child ${event.taskId}`), event, time); break;
            case "TimerCreated": this.timer(event, time); break;
            case "TimerFired": this.fired(event, time); break;
            case "EventRaised": this.point("event", name, event, time); break;
            case "EventSent": this.point("sent", name, event, time); break;
            case "EntityOperationSignaled": this.point("signal", name, event, time); break;
            case "EntityOperationCalled": this.open.add(`call ${event.requestId}`, this.begin("call", name, event, time)); break;
            case "EntityOperationCompleted": this.finish(this.open.take(`call ${event.requestId}`), event, time, "done"); break;
            case "EntityOperationFailed": this.fail(this.open.take(`call ${event.requestId}`), event, time); break;
            case "EntityLockRequested": this.open.add(`section ${event.criticalSectionId}`, this.begin("section", (event.lockSet ?? []).join(", "), event, time)); break;
            case "EntityLockGranted": this.granted(event, time); break;
            case "EntityUnlockSent": this.finish(this.open.look(`section ${event.criticalSectionId}`), event, time, "done"); break;
        }
    }

    timeline(): Timeline {
        const ended = this.whole?.last !== undefined;
        if (ended) for (const line of this.lines) if (line.outcome === "open") this.drop(line);
        const from = Number.isFinite(this.earliest) ? this.earliest : 0;
        return { lines: this.lines, from, to: Math.max(from, this.latest), ended };
    }

    private begin(kind: Kind, name: string, event: HistoryEvent, from: number): Line {
        const line: Line = { kind, name, from, to: undefined, outcome: "open", first: event.index, last: undefined, attempt: 1, turn: this.turn };
        if (event.instanceId !== null) line.instanceId = event.instanceId;
        this.lines.push(line);
        return line;
    }

    private point(kind: Kind, name: string, event: HistoryEvent, time: number): void {
        this.finish(this.begin(kind, name, event, time), event, time, "done");
    }

    private finish(line: Line | undefined, event: HistoryEvent, time: number, outcome: Outcome): void {
        if (!line) return;
        line.to = Math.max(line.from, time);
        line.last = event.index;
        line.outcome = outcome;
    }

    private fail(line: Line | undefined, event: HistoryEvent, time: number): void {
        this.finish(line, event, time, "failed");
        if (!line) return;
        this.failedNow.add(line);
        this.remember(line);
    }

    private remember(line: Line): void {
        const key = `${line.kind} ${line.name}`, others = this.failed.get(key);
        if (others) others.add(line);
        else this.failed.set(key, new Set([line]));
    }

    /** Something that is begun where the same has failed before is the next attempt. */
    private again(line: Line): Line {
        const failed = this.failed.get(`${line.kind} ${line.name}`), before = failed?.values().next().value;
        if (!before) return line;
        line.attempt = before.attempt + 1;
        failed!.delete(before);
        this.failedNow.delete(before);
        return line;
    }

    private timer(event: HistoryEvent, time: number): void {
        const line = this.begin("timer", "", event, time);
        if (event.fireAt !== null) line.due = at(event.fireAt);
        this.open.add(`timer ${event.eventId}`, line);
        const failed = this.failedNow.values().next().value;
        if (!failed) return;
        this.failedNow.delete(failed);
        line.name = `before ${failed.name} again`;
        this.pauses.set(line, failed);
        // Only when the pause is over is it done again; until then another one of this name is not it.
        this.failed.get(`${failed.kind} ${failed.name}`)?.delete(failed);
    }

    private fired(event: HistoryEvent, time: number): void {
        const line = this.open.take(`timer ${event.taskId}`);
        this.finish(line, event, time, "done");
        const failed = line && this.pauses.get(line);
        if (failed) this.remember(failed);
    }

    private granted(event: HistoryEvent, time: number): void {
        const line = this.open.look(`section ${event.criticalSectionId}`);
        if (line) line.granted = Math.max(line.from, time);
    }

    private drop(line: Line): void {
        line.outcome = "dropped";
        line.to = Math.max(line.from, this.whole?.to ?? line.from);
    }
}

/** The lines of a history, whose events are given in order and without gaps. */
export function timeline(events: readonly HistoryEvent[]): Timeline {
    const builder = new Builder();
    for (const event of events) builder.take(event);
    return builder.timeline();
}

/** How long it took, or has been going on at `now`. */
export const took = (line: Line, now: number): number => Math.max(0, (line.to ?? now) - line.from);
