// From the events of a history to the messages of a sequence diagram, between lifelines for the engine, the orchestration and whatever it
// calls. Pure.
import { timeline, type Kind, type Line } from "../timeline/lines";
import type { HistoryEvent } from "../types/instance";

/** More messages than that do not make a picture. */
export const MOST_MESSAGES = 200;
/** More lifelines than that do not fit; the others share the last one. */
export const MOST_LIFELINES = 14;
/** So many alike that were begun together become one message. */
const FOLD = 4;

export interface Lifeline {
    id: number;
    name: string;
    what: "engine" | "orchestration" | "activity" | "child" | "entity" | "outside" | "others";
}
export interface Message {
    from: number;
    to: number;
    text: string;
    time: number;
    /** An answer, drawn with dashes. */
    answer: boolean;
    failed: boolean;
    /** The event that it shows. */
    event: number;
}
export interface Sequence {
    lifelines: Lifeline[];
    messages: Message[];
    /** How many messages are not shown, and how many stand for several. */
    left: number;
    folded: number;
}

const ENGINE = 0, ORCHESTRATION = 1;
const CALLEES: Partial<Record<Kind, Lifeline["what"]>> = {
    activity: "activity", child: "child", call: "entity", signal: "entity", section: "entity", event: "outside", sent: "outside",
};

class Lifelines {
    readonly all: Lifeline[] = [{ id: ENGINE, name: "Engine", what: "engine" }];
    private readonly known = new Map<string, number>();

    of(line: Line): number {
        const what = CALLEES[line.kind];
        if (what === undefined) return ENGINE;
        const name = line.kind === "activity" || line.kind === "child" ? line.name : line.kind === "event" ? "Outside" : (line.instanceId ?? line.name);
        const key = `${what} ${name}`, known = this.known.get(key);
        if (known !== undefined) return known;
        const full = this.all.length >= MOST_LIFELINES - 1;
        const id = full ? this.others() : this.all.push({ id: this.all.length, name, what }) - 1;
        this.known.set(key, id);
        return id;
    }

    private others(): number {
        const last = this.all.at(-1)!;
        return last.what === "others" ? last.id : this.all.push({ id: this.all.length, name: "Others", what: "others" }) - 1;
    }
}

/** Those that were begun in one turn, of one kind and name and with one outcome, together. */
function together(lines: readonly Line[]): Line[][] {
    const found = new Map<string, Line[]>();
    for (const line of lines) {
        const key = `${line.turn} ${line.kind} ${line.name} ${line.outcome}`;
        const alike = found.get(key);
        if (alike) alike.push(line);
        else found.set(key, [line]);
    }
    return [...found.values()].flatMap((alike) => (alike.length >= FOLD ? [alike] : alike.map((line) => [line])));
}

function begun(line: Line, many: string): string {
    switch (line.kind) {
        case "timer": return `timer ${line.name}`.trim() + many;
        case "section": return `lock ${line.name}`;
        case "event": return line.name + many;
        default: return (line.attempt > 1 ? `${line.name} (attempt ${line.attempt})` : line.name) + many;
    }
}

/** The diagram of a history, whose events are given in order and without gaps. */
export function sequence(events: readonly HistoryEvent[], name: string): Sequence {
    const { lines } = timeline(events), own = new Lifelines();
    own.all.push({ id: ORCHESTRATION, name, what: "orchestration" });
    const messages: Message[] = [];
    let folded = 0;
    const add = (from: number, to: number, text: string, time: number, event: number, answer = false, failed = false) =>
        messages.push({ from, to, text, time, answer, failed, event });
    for (const alike of together(lines)) {
        const line = alike[0]!, many = alike.length > 1 ? ` × ${alike.length}` : "";
        if (many) folded += alike.length;
        const ends = alike.map((one) => one.to).filter((to) => to !== undefined);
        const answered = line.last !== undefined && line.last !== line.first;
        const end = ends.length > 0 ? Math.max(...ends.slice(0, 10_000)) : undefined;
        if (line.kind === "orchestration") {
            add(ENGINE, ORCHESTRATION, "start", line.from, line.first);
            if (answered && end !== undefined) add(ORCHESTRATION, ENGINE, line.outcome === "failed" ? "failed" : "ended", end, line.last!, true, line.outcome === "failed");
            continue;
        }
        const other = own.of(line);
        if (line.kind === "event") add(other, ORCHESTRATION, begun(line, many), line.from, line.first);
        else if (line.kind === "pause") add(ENGINE, ORCHESTRATION, "suspend", line.from, line.first);
        else add(ORCHESTRATION, other, begun(line, many), line.from, line.first);
        if (!answered || end === undefined) continue;
        const says = line.kind === "timer" ? "fired" : line.kind === "pause" ? "resume" : line.kind === "section" ? "unlock" : line.outcome === "failed" ? "failed" : "done";
        if (line.kind === "section") {
            if (line.granted !== undefined) add(other, ORCHESTRATION, "granted", line.granted, line.first, true);
            add(ORCHESTRATION, other, says, end, line.last!);
        } else add(other, ORCHESTRATION, says + many, end, line.last!, true, line.outcome === "failed");
    }
    // What is of one time stays in the order of the history.
    messages.sort((a, b) => a.time - b.time || a.event - b.event);
    const shown = messages.slice(0, MOST_MESSAGES);
    return { lifelines: own.all, messages: shown, left: messages.length - shown.length, folded };
}
