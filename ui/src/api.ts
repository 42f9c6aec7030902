// Every request the page makes. Reads are what the server offers everybody; the server decides what a key permits, the page only shows it.
import { signal } from "@preact/signals";
import { parse } from "./exact";
import { hub, ROOT } from "./router";
import { key } from "./settings";
import type * as t from "./types";
import type * as one from "./types/instance";
import type * as l from "./types/lists";
import type * as s from "./types/server";

const FUNCTIONS = `${ROOT}runtime/webhooks/durabletask`;
const OWN = `${ROOT}api/v1`;

/** A refusal, or no answer at all (status 0). */
export class Problem extends Error {
    constructor(readonly status: number, message: string, readonly requestId?: string) {
        super(message);
    }
}

/** When the server stopped answering; undefined while it does. */
export const lostSince = signal<number | undefined>(undefined);
/** "asked": the server wants a key; "refused": it does not know the one it was shown. */
export const wanted = signal<"asked" | "refused" | undefined>(undefined);

export type Query = Record<string, string | number | boolean | undefined>;
interface Options {
    method?: "POST" | "DELETE";
    body?: string;
    contentType?: string;
    headers?: Record<string, string>;
    signal?: AbortSignal | undefined;
    /** What becomes of the text of the answer; the default keeps numbers as they were written. */
    read?: (text: string) => unknown;
}
interface Answer {
    status: number;
    body: unknown;
}

function address(path: string, query: Query): string {
    const search = new URLSearchParams();
    if (hub.value) search.set("taskHub", hub.value);
    for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, String(value));
    const text = search.toString();
    return path + (text && `${path.includes("?") ? "&" : "?"}${text}`);
}

async function call(path: string, query: Query = {}, options: Options = {}): Promise<Answer> {
    const shown = key.value;
    const headers = new Headers(options.headers);
    if (shown) headers.set("x-functions-key", shown);
    if (options.body !== undefined) headers.set("content-type", options.contentType ?? "application/json");
    let response: Response, text: string;
    try {
        response = await fetch(address(path, query), {
            method: options.method ?? "GET", headers, cache: "no-store", redirect: "error",
            body: options.body ?? null, signal: options.signal ?? null,
        });
        text = await response.text();
    } catch (error) {
        if (options.signal?.aborted) throw error;
        lostSince.value ??= Date.now();
        throw new Problem(0, "The server does not answer.");
    }
    lostSince.value = undefined;
    if (response.ok) {
        return { status: response.status, body: text || options.read ? (options.read ?? parse)(text) : undefined };
    }
    // An answer to a key that has been replaced meanwhile says nothing about the new one.
    if (response.status === 401 && shown === key.value) wanted.value = shown ? "refused" : "asked";
    throw new Problem(response.status, told(response.status, text), response.headers.get("x-request-id") ?? undefined);
}

/** The server's own words, or what the status means where it has none. */
function told(status: number, text: string): string {
    try {
        const body: unknown = JSON.parse(text);
        if (typeof body === "string") return body;
        if (body && typeof body === "object" && "Message" in body && typeof body.Message === "string") return body.Message;
    } catch {
        // No JSON: no words of the server.
    }
    switch (status) {
        case 401: return "The server wants a key.";
        case 403: return "Your key does not permit this.";
        case 404: return "There is no such thing here.";
        case 410: return "It has ended already.";
        case 413: return "That is larger than the server takes.";
        default: return `The server answered ${status}.`;
    }
}

/** The stream of changes; undefined if the server offers none, or not to this caller. */
export async function openEvents(signal: AbortSignal): Promise<ReadableStream<Uint8Array> | undefined> {
    const headers = new Headers(key.value ? { "x-functions-key": key.value } : {});
    const response = await fetch(address(`${OWN}/events`, {}), { headers, cache: "no-store", redirect: "error", signal });
    return response.ok && response.body ? response.body : undefined;
}

const segment = encodeURIComponent;
/** The empty key has a name of its own in a path. */
const keySegment = (key: string) => segment(key || "$");

async function read<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
    return (await call(path, query, { signal })).body as T;
}

export interface Page<T> {
    rows: T[];
    next: string | undefined;
}

export const hubs = (signal?: AbortSignal) => read<t.Hub[]>(`${OWN}/hubs`, {}, signal);
export const counts = (filter: Query, signal?: AbortSignal) => read<t.Counts>(`${OWN}/counts`, filter, signal);
export const failures = (filter: Query, signal?: AbortSignal) => read<t.Failures>(`${OWN}/failures`, filter, signal);
export const workers = (signal?: AbortSignal) => read<t.Worker[]>(`${OWN}/workers`, {}, signal);
export const queues = (signal?: AbortSignal) => read<t.Queue[]>(`${OWN}/queues`, {}, signal);
export const explain = (id: string, signal?: AbortSignal) => read<t.Explanation>(`${OWN}/instances/${segment(id)}/explain`, {}, signal);
export const parked = (top: number, signal?: AbortSignal) => read<t.ParkedPage>(`${OWN}/parked`, { top }, signal);
export const retryParked = (id: string) => call(`${OWN}/instances/${segment(id)}/retry`, {}, { method: "POST" });
export const discardParked = (id: string, reason: string) => call(`${OWN}/instances/${segment(id)}/discard`, { reason }, { method: "POST" });
export const revisions = (id: string, signal?: AbortSignal) => read<t.Revision[]>(`${OWN}/instances/${segment(id)}/revisions`, {}, signal);

export const instance = (id: string, signal?: AbortSignal) => read<t.Instance>(`${FUNCTIONS}/instances/${segment(id)}`, {}, signal);
export const entityState = (name: string, key: string, signal?: AbortSignal) =>
    read<t.Json>(`${FUNCTIONS}/entities/${segment(name)}/${keySegment(key)}`, {}, signal);

// One instance, for its page. Payloads come as text within these answers, so plain JSON is exact enough.
const details = async <T>(id: string, below: string, query: Query = {}, signal?: AbortSignal) =>
    (await call(`${OWN}/instances/${segment(id)}${below}`, query, { signal, read: JSON.parse })).body as T;

export const instanceDetails = (id: string, signal?: AbortSignal) => details<one.InstanceDetails>(id, "", {}, signal);
export const eventPage = (id: string, query: Query, types: readonly string[] = [], signal?: AbortSignal) =>
    details<one.EventPage>(id, `/history${types.length > 0 ? `?${types.map((type) => `type=${segment(type)}`).join("&")}` : ""}`, query, signal);
export const event = (id: string, index: number, revision?: string, signal?: AbortSignal) =>
    details<one.HistoryEvent>(id, `/history/${index}`, { revision }, signal);
export const tree = (id: string, signal?: AbortSignal) => details<one.Tree>(id, "/tree", {}, signal);
/** A payload in full. */
export const payload = async (id: string, part: "input" | "output" | "customStatus") =>
    new Blob([(await call(`${OWN}/instances/${segment(id)}/payloads/${part}`, {}, { read: (text) => text })).body as string ?? ""]);
/** The status document of the public API, as it is sent. */
export const statusText = async (id: string, signal?: AbortSignal) =>
    (await call(`${FUNCTIONS}/instances/${segment(id)}`, {}, { signal, read: (text) => text })).body as string;
/** The whole address of that document. */
export const statusAddress = (id: string) => new URL(address(`${FUNCTIONS}/instances/${segment(id)}`, {}), location.href).href;

const act = (id: string, verb: string, query: Query = {}, options: Options = {}) =>
    call(`${FUNCTIONS}/instances/${segment(id)}${verb}`, query, { method: "POST", ...options });

export const suspend = (id: string, reason: string) => act(id, "/suspend", { reason });
export const resume = (id: string, reason: string) => act(id, "/resume", { reason });
export const rewind = (id: string, reason: string) => act(id, "/rewind", { reason });
export const terminate = (id: string, reason: string, recursive: boolean) => act(id, "/terminate", { reason, recursive: recursive || undefined });
export const raiseEvent = (id: string, name: string, json: string) => act(id, `/raiseEvent/${segment(name)}`, {}, { body: json });
/** How many instances are gone. */
export const purge = async (id: string, recursive: boolean) =>
    ((await act(id, "", { recursive: recursive || undefined }, { method: "DELETE" })).body as { instancesDeleted: number }).instancesDeleted;

/** The id under which it runs again. */
export async function restart(id: string, underNewId: boolean, once: string): Promise<string> {
    const { body } = await act(id, "/restart", { restartWithNewInstanceId: underNewId }, { headers: { "idempotency-key": once } });
    return (body as { id: string }).id;
}

export interface Start {
    name: string;
    id: string;
    version: string;
    json: string;
}

/** The id of what was started. The same `once` never starts twice. */
export async function start({ name, id, version, json }: Start, once: string): Promise<string> {
    const path = `${FUNCTIONS}/orchestrators/${segment(name)}${id && `/${segment(id)}`}`;
    const options: Options = { method: "POST", headers: { "idempotency-key": once } };
    if (json.trim()) options.body = json;
    return ((await call(path, { version }, options)).body as { id: string }).id;
}

export const signalEntity = (name: string, key: string, op: string, json: string) =>
    call(`${FUNCTIONS}/entities/${segment(name)}/${keySegment(key)}`, { op }, { method: "POST", ...(json.trim() && { body: json }) });

// Lists, charts and statistics.

export const search = async (filter: Query, after?: string, signal?: AbortSignal): Promise<Page<l.Row>> => {
    const { instances, next } = await read<l.Found>(`${OWN}/instances`, { ...filter, after }, signal);
    return { rows: instances, next: next ?? undefined };
};
export const histogram = (query: Query, signal?: AbortSignal) => read<l.Histogram>(`${OWN}/histogram`, query, signal);
export const statistics = (filter: Query, signal?: AbortSignal) => read<l.Statistics>(`${OWN}/statistics`, filter, signal);
export const entityList = async (filter: Query, after?: string, signal?: AbortSignal): Promise<Page<l.EntityEntry>> => {
    const { entities, next } = await read<l.FoundEntities>(`${OWN}/entities`, { ...filter, after }, signal);
    return { rows: entities, next: next ?? undefined };
};
/** Where the list that matches can be fetched as a file. */
export const exportAddress = (filter: Query) => address(`${OWN}/export`, filter);
export const exported = async (filter: Query) => (await call(`${OWN}/export`, filter, { read: (text) => text })).body as string;

// The server itself, and what it does on its own.

export const about = (signal?: AbortSignal) => read<s.About>(`${OWN}/about`, {}, signal);
export const hubRows = (signal?: AbortSignal) => read<s.HubRow[]>(`${OWN}/hubs`, { counts: true }, signal);
export const createHub = (name: string) => call(`${OWN}/hubs`, {}, { method: "POST", body: JSON.stringify({ name }) });
export const deleteHub = (name: string) => call(`${OWN}/hubs/${segment(name)}`, {}, { method: "DELETE" });

export async function readiness(signal?: AbortSignal): Promise<{ ready: boolean; missing: string[] }> {
    try {
        return await read(`${ROOT}readyz`, {}, signal);
    } catch (error) {
        if (error instanceof Problem && error.status === 503) return { ready: false, missing: [error.message] };
        throw error;
    }
}

export const jobs = async (signal?: AbortSignal) => (await read<{ jobs: s.Job[] }>(`${OWN}/jobs`, {}, signal)).jobs;
export const job = (id: string, signal?: AbortSignal) => read<s.JobDetails>(`${OWN}/jobs/${segment(id)}`, {}, signal);
export const stopJob = (id: string) => call(`${OWN}/jobs/${segment(id)}/stop`, {}, { method: "POST" });
export const deleteJob = (id: string) => call(`${OWN}/jobs/${segment(id)}`, {}, { method: "DELETE" });

export async function startJob({ eventJson, ...asked }: s.NewJob): Promise<s.Job> {
    // The event's data goes as it was typed: a number that a double cannot hold must not change on its way.
    const text = JSON.stringify(asked);
    const body = eventJson?.trim() ? `${text.slice(0, -1)},"eventData":${eventJson}}` : text;
    return (await call(`${OWN}/jobs`, {}, { method: "POST", body })).body as s.Job;
}
