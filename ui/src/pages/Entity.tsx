// One entity: its state, who has locked it, and what can be done to it.
import { useState } from "preact/hooks";
import { entityList, entityState, explain, Problem, purge, signalEntity } from "../api";
import { forbidden } from "../caller";
import { Act } from "../components/Act";
import { CopyButton, IdLink, Loading, Refused, State, Time } from "../components/basics";
import { Dialog } from "../components/Dialog";
import { Explained } from "../components/Explained";
import { noPayload, PayloadField, payloadJson, payloadWrong, TextField } from "../components/fields";
import { Icon } from "../components/Icon";
import { JsonView } from "../components/JsonView";
import { toast } from "../components/Toasts";
import { bytes, plural } from "../format";
import { useLive } from "../live";
import { go, href, hub } from "../router";
import type { Json } from "../types";

const LOOK_AFTER_MS = [0, 250, 800, 2000];

/** Name and key of `@name@key`. A key may hold further signs of that kind. */
function parts(id: string): { name: string; key: string } | undefined {
    const end = id.indexOf("@", 1);
    return id.startsWith("@") && end > 1 ? { name: id.slice(1, end), key: id.slice(end + 1) } : undefined;
}

/** The state, or undefined for an entity that has none (and may still have a lock, or operations that wait). */
async function state(name: string, key: string, signal: AbortSignal): Promise<{ value: Json } | undefined> {
    try {
        return { value: await entityState(name, key, signal) };
    } catch (error) {
        if (error instanceof Problem && error.status === 404) return undefined;
        throw error;
    }
}

export function Entity({ id }: { id: string }) {
    const of = parts(id);
    return of ? <Shown id={id} name={of.name} own={of.key} /> : <Missing id={id} />;
}

function Shown({ id, name, own }: { id: string; name: string; own: string }) {
    const [open, setOpen] = useState<"signal" | "purge">();
    const { data, problem, again } = useLive(`entity ${id}`, async (signal) => {
        // Among the keys that begin like its own, its own comes first.
        const [held, standing, { rows }] = await Promise.all([state(name, own, signal), explain(id, signal), entityList({ name, keyPrefix: own, top: 1 }, undefined, signal)]);
        return { held, standing, row: rows.find((row) => row.instanceId === id) };
    });
    if (problem?.status === 404) return <Missing id={id} />;
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the entity" />}</section>;
    const { held, standing, row } = data;
    const soon = () => LOOK_AFTER_MS.forEach((pause) => setTimeout(again, pause));
    return (
        <div class="page">
            <div class="top">
                <div class="title">
                    <div class="over"><h1>{own || "(empty key)"}</h1><span class="badge"><Icon name="box" size={13} />{name}</span></div>
                    <div class="under"><span class="id">{id}</span><CopyButton text={() => id} what="the id" /></div>
                </div>
                <div class="row" role="group" aria-label="Actions">
                    <Act label="Signal" icon="send" why={forbidden("signal")} act={() => setOpen("signal")} />
                    <Act label="Purge" icon="trash" danger why={forbidden("purge")} act={() => setOpen("purge")} />
                </div>
            </div>
            {standing.parked && <Explained id={id} explanation={standing} again={soon} />}
            <section class="card" aria-label="Facts">
                <dl class="facts inside">
                    {row && <div><dt>Last operation</dt><dd><Time at={row.lastOperationTime} /></dd></div>}
                    {row?.stateBytes != null && <div><dt>Size of the state</dt><dd>{bytes(row.stateBytes)}</dd></div>}
                    <div><dt>Locked by</dt><dd>{standing.lockedBy ? <IdLink id={standing.lockedBy} /> : "nobody"}</dd></div>
                    <div><dt>Operations that wait</dt><dd>{plural(standing.messages.ready, "operation")}</dd></div>
                    <div><dt>Operations for later</dt><dd>{standing.messages.nextDue
                        ? <>{standing.messages.later}, the next <Time at={standing.messages.nextDue} /></> : "none"}</dd></div>
                </dl>
            </section>
            <JsonView title="State" file={id} value={held?.value ?? null} none={held ? "The state is null." : "It has no state."} />
            {open === "signal" && <SignalDialog name={name} own={own} close={() => setOpen(undefined)} done={soon} />}
            {open === "purge" && <PurgeDialog id={id} close={() => setOpen(undefined)} />}
        </div>
    );
}

function SignalDialog({ name, own, close, done }: { name: string; own: string; close: () => void; done: () => void }) {
    const [operation, setOperation] = useState("");
    const [input, setInput] = useState(noPayload);
    const act = async () => {
        await signalEntity(name, own, operation.trim(), payloadJson(input));
        toast(`Signalled ${operation.trim()}`);
        done();
    };
    return (
        <Dialog title="Signal this entity" verb="Signal" blocked={!operation.trim() || payloadWrong(input) !== undefined} close={close} act={act}>
            <TextField label="Operation" value={operation} set={setOperation} required focus hint="Runs after those that wait. Nobody learns its result." />
            <PayloadField label="Input" value={input} set={setInput} hint="Any JSON; empty for none." />
        </Dialog>
    );
}

function PurgeDialog({ id, close }: { id: string; close: () => void }) {
    const act = async () => {
        await purge(id, false);
        toast(`Purged ${id}`);
        go(href("entities"));
    };
    return (
        <Dialog title="Purge this entity?" verb="Purge" danger close={close} act={act}>
            <p class="lead">The state of <code>{id}</code> is deleted. This cannot be undone. A lock, and operations that wait, stay.</p>
        </Dialog>
    );
}

function Missing({ id }: { id: string }) {
    return (
        <section class="card">
            <State icon="search" title="There is no such entity" page>
                <p>Nothing in the hub {hub.value ? <strong>{hub.value}</strong> : "that is shown"} has the id <code>{id || "(empty)"}</code>. Ids of entities are <code>@name@key</code>.</p>
                <div class="row"><a class="button" href={href("entities")}>All entities</a></div>
            </State>
        </section>
    );
}
