// Task hubs: which there are, how much is in them, making one, removing one.
import { useState } from "preact/hooks";
import { createHub, deleteHub, hubRows, Problem } from "../api";
import { forbidden } from "../caller";
import { Act } from "../components/Act";
import { Loading, Refused } from "../components/basics";
import { Dialog } from "../components/Dialog";
import { TextField } from "../components/fields";
import { toast } from "../components/Toasts";
import { count, plural } from "../format";
import { refreshNow, useLive } from "../live";
import { go, href, hub } from "../router";
import { IN_FLIGHT } from "../status";
import type { HubRow } from "../types/server";

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export function Hubs() {
    const { data, problem, again } = useLive("hub rows", hubRows, false, "clock");
    const [open, setOpen] = useState<HubRow>();
    return (
        <div class="page">
            <div class="top"><h1>Task hubs</h1>{data && <span class="muted">{plural(data.length, "hub")}</span>}</div>
            <section class="card" aria-label="List of hubs">
                {data ? <Rows rows={data} ask={setOpen} /> : problem ? <Refused problem={problem} again={again} /> : <Loading what="hubs" />}
            </section>
            <Create />
            {open && <Remove row={open} close={() => setOpen(undefined)} />}
        </div>
    );
}

function Rows({ rows, ask }: { rows: HubRow[]; ask: (row: HubRow) => void }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label="Hubs">
            <table>
                <thead>
                    <tr><th>Name</th><th class="number">Instances</th><th class="number">In flight</th><th class="number">Failed</th><th><span class="hidden">Actions</span></th></tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <tr key={row.name}>
                            <td><span class="row"><a href={href("", { hub: row.default ? undefined : row.name })}>{row.name}</a>
                                {row.default && <span class="badge">default</span>}{!row.removable && !row.default && <span class="badge">in the settings</span>}</span></td>
                            <Number many={row.instances?.total} />
                            <Number many={row.instances && IN_FLIGHT.reduce((sum, status) => sum + (row.instances?.byStatus[status] ?? 0), 0)} />
                            <Number many={row.instances?.byStatus.Failed} />
                            <td class="fit number">
                                <Act label={row.removable ? "Delete" : "Empty"} icon="trash" danger why={forbidden("administer")} act={() => ask(row)} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Number({ many }: { many: number | undefined }) {
    return <td class="fit number">{many === undefined ? <span title="It took too long to count them">?</span> : count(many)}</td>;
}

function Create() {
    const [name, setName] = useState("");
    const [refusal, setRefusal] = useState<string>();
    const why = forbidden("administer");
    const wrong = name && !NAME.test(name) ? "1 to 64 letters, digits, - or _, beginning with a letter." : undefined;
    const blocked = !name || wrong !== undefined || why !== undefined;
    const submit = async (event: Event) => {
        event.preventDefault();
        if (blocked) return;
        setRefusal(undefined);
        try {
            const { status } = await createHub(name);
            toast(status === 201 ? `Made ${name}` : `${name} was there already`);
            setName("");
            refreshNow();
        } catch (error) {
            setRefusal(error instanceof Problem ? error.message : String(error));
        }
    };
    return (
        <section class="card form" aria-labelledby="create">
            <header><h2 id="create">A new hub</h2></header>
            <form onSubmit={submit}>
                <TextField label="Name" value={name} set={setName} wrong={wrong} hint="A world of its own: instances, entities and work of one hub never meet those of another." />
                {why && <p class="note warn">{why}</p>}
                {refusal && <p class="note bad" role="alert">{refusal}</p>}
                <div class="row"><button type="submit" class="button main" aria-disabled={blocked}>Create</button></div>
            </form>
        </section>
    );
}

function Remove({ row, close }: { row: HubRow; close: () => void }) {
    const [typed, setTyped] = useState("");
    const verb = row.removable ? "Delete" : "Empty";
    const act = async () => {
        await deleteHub(row.name);
        toast(row.removable ? `Deleted ${row.name}` : `Emptied ${row.name}`);
        if (hub.value?.toLowerCase() === row.name.toLowerCase() && row.removable) go(href("hubs", { hub: undefined }));
        refreshNow();
    };
    return (
        <Dialog title={`${verb} ${row.name}?`} verb={verb} danger blocked={typed !== row.name} close={close} act={act}>
            <p class="lead">
                {row.instances ? <>Its {plural(row.instances.total, "instance")}, </> : "All its instances, "}
                live ones included, its entities and its bulk jobs are removed for good.
                {!row.removable && " The settings name this hub, so it stays, empty."}
            </p>
            <TextField label={`Type ${row.name} to go on`} value={typed} set={setTyped} required focus />
        </Dialog>
    );
}
