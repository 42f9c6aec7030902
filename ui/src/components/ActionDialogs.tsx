// The questions before an action.
import { useState } from "preact/hooks";
import * as api from "../api";
import { go, href, instanceHref } from "../router";
import { hasEnded } from "../status";
import type { Status } from "../types";
import type { ActionProps } from "./Actions";
import { Dialog } from "./Dialog";
import { parsed } from "./payload/json";
import { noPayload, PayloadField, payloadJson, payloadWrong, TextField } from "./fields";

const WORDS = {
    suspend: { verb: "Suspend", news: "Suspended", lead: "It finishes what is in a worker's hands and then does nothing until it is resumed. Events are kept.", settled: (status: Status) => status === "Suspended" || hasEnded(status) },
    resume: { verb: "Resume", news: "Resumed", lead: "It goes on with what has come in meanwhile.", settled: (status: Status) => status !== "Suspended" },
    rewind: { verb: "Rewind", news: "Rewound", lead: "What failed runs again, in sub-orchestrations, too; what succeeded does not. The history before stays readable.", settled: (_: Status, changed: boolean) => changed },
} as const;

export function ReasonDialog({ instance: { instanceId: id, name }, action, close, done }: ActionProps & { action: keyof typeof WORDS }) {
    const [reason, setReason] = useState("");
    const { verb, news, lead, settled } = WORDS[action];
    const act = async () => {
        await api[action](id, reason);
        done(`${news} ${id}`, settled);
    };
    return (
        <Dialog title={`${verb} this instance?`} verb={verb} close={close} act={act}>
            <p class="lead muted">{name} with the id <code>{id}</code>. {lead}</p>
            <TextField label="Reason" value={reason} set={setReason} focus hint="Kept in the history; may be empty." />
        </Dialog>
    );
}

export function TerminateDialog({ instance: { instanceId: id, name }, close, done }: ActionProps) {
    const [reason, setReason] = useState(""), [children, setChildren] = useState(false);
    const act = async () => {
        await api.terminate(id, reason, children);
        done(`Terminated ${id}`, (status) => hasEnded(status));
    };
    return (
        <Dialog title="Terminate this instance?" verb="Terminate" danger close={close} act={act}>
            <p class="lead">{name} with the id <code>{id}</code> ends at once and does not clean up after itself.</p>
            <TextField label="Reason" value={reason} set={setReason} focus hint="Becomes the output of the instance." />
            <label class="check"><input type="checkbox" checked={children} onChange={(event) => setChildren(event.currentTarget.checked)} />With the sub-orchestrations that it waits for</label>
        </Dialog>
    );
}

export function PurgeDialog({ instance: { instanceId: id, name }, close, done }: ActionProps) {
    const [children, setChildren] = useState(false);
    const act = async () => {
        const gone = await api.purge(id, children);
        done(gone === 1 ? `Purged ${id}` : `Purged ${id} and ${gone - 1} below it`);
        go(href("instances"));
    };
    return (
        <Dialog title="Purge this instance?" verb="Purge" danger close={close} act={act}>
            <p class="lead">{name} with the id <code>{id}</code> is removed with its history, input and output. This cannot be undone.</p>
            <label class="check"><input type="checkbox" checked={children} onChange={(event) => setChildren(event.currentTarget.checked)} />With its sub-orchestrations, as far as they have ended</label>
        </Dialog>
    );
}

export function RestartDialog({ instance: { instanceId: id, name }, close, done }: ActionProps) {
    const [underNewId, setUnderNewId] = useState(true);
    const [once] = useState(() => crypto.randomUUID());
    const act = async () => {
        const started = await api.restart(id, underNewId, `${once}-${underNewId}`);
        done(`Started ${started}`, (_, changed) => underNewId || changed);
        go(instanceHref(started));
    };
    return (
        <Dialog title="Run it again?" verb="Restart" close={close} act={act}>
            <p class="lead muted">{name} with the id <code>{id}</code> starts from the beginning with the same input.</p>
            <fieldset class="field" style={{ border: 0, padding: 0, margin: 0 }}>
                <legend class="hidden">Under which id</legend>
                <label class="check"><input type="radio" name="under" checked={underNewId} onChange={() => setUnderNewId(true)} />Under a new id; this instance stays as it is</label>
                <label class="check"><input type="radio" name="under" checked={!underNewId} onChange={() => setUnderNewId(false)} />Under the same id; this history is replaced</label>
            </fieldset>
        </Dialog>
    );
}

export function RaiseDialog({ instance: { instanceId: id, customStatus }, close, done }: ActionProps) {
    // Orchestrations like to say in their custom status what they wait for.
    const says = customStatus?.whole ? parsed(customStatus.text)?.value : undefined;
    const waitsFor = (says as { waitingFor?: unknown } | null | undefined)?.waitingFor;
    const [name, setName] = useState(typeof waitsFor === "string" ? waitsFor : "");
    const [data, setData] = useState(noPayload);
    const act = async () => {
        await api.raiseEvent(id, name.trim(), payloadJson(data));
        done(`Raised ${name.trim()}`, (_, changed) => changed);
    };
    return (
        <Dialog title="Raise an event" verb="Raise" blocked={!name.trim() || payloadWrong(data) !== undefined} close={close} act={act}>
            <TextField label="Event" value={name} set={setName} required focus hint="The name that the orchestration waits for; case does not matter." />
            <PayloadField label="Data" value={data} set={setData} hint="Any JSON; empty for none." />
        </Dialog>
    );
}
