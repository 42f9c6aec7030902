// Starting an orchestration, from nothing or like one that is there (`from`).
import { useEffect, useState } from "preact/hooks";
import { instance, Problem, search, start, workers } from "../api";
import { forbidden } from "../caller";
import { Tip } from "../components/basics";
import { noPayload, PayloadField, payloadJson, payloadWrong, TextField } from "../components/fields";
import { toast } from "../components/Toasts";
import { pretty } from "../exact";
import { useLive } from "../live";
import { go, instanceHref, params } from "../router";

/** Names that workers offer, and those that were started lately. */
async function names(signal: AbortSignal): Promise<string[]> {
    const [staff, recent] = await Promise.all([workers(signal), search({ order: "createdTime desc", top: 100, entities: false }, undefined, signal)]);
    const offered = staff.flatMap((worker) => worker.serves?.orchestrations ?? []);
    const used = recent.rows.map((row) => row.name);
    return [...new Set([...offered, ...used])].sort();
}

const LONGEST_ID = 256, CONFLICT = 409;

function wrongId(id: string): string | undefined {
    if (id.startsWith("@")) return "Ids that begin with @ are those of entities.";
    if (/[/\\?#\u0000-\u001f\u007f]/.test(id)) return "An id has none of / \\ ? # and no control characters.";
    return id.length > LONGEST_ID ? `An id has at most ${LONGEST_ID} characters.` : undefined;
}

export function Start() {
    const from = params.value.get("from");
    const [name, setName] = useState(params.value.get("name") ?? "");
    const [id, setId] = useState("");
    const [version, setVersion] = useState("");
    const [input, setInput] = useState(noPayload);
    const [once, setOnce] = useState(() => crypto.randomUUID());
    const [busy, setBusy] = useState(false);
    const [refusal, setRefusal] = useState<string>();
    /** The id that is taken, if that is what the refusal is about. */
    const [taken, setTaken] = useState<string>();
    const known = useLive("names", names, true);

    useEffect(() => {
        if (!from) return;
        const stop = new AbortController();
        instance(from, stop.signal).then((like) => {
            setName(like.name);
            setVersion(like.version ?? "");
            setInput({ text: like.input === null ? "" : pretty(like.input), plain: false });
        }, (error) => {
            if (!stop.signal.aborted) setRefusal(`What ${from} was started with cannot be read: ${error instanceof Problem ? error.message : error}`);
        });
        return () => stop.abort();
    }, [from]);

    const why = forbidden("start");
    const blocked = why !== undefined || !name.trim() || wrongId(id) !== undefined || payloadWrong(input) !== undefined;
    const submit = async (event: Event) => {
        event.preventDefault();
        if (blocked || busy) return;
        setBusy(true);
        setRefusal(undefined);
        try {
            const started = await start({ name: name.trim(), id, version: version.trim(), json: payloadJson(input) }, once);
            toast(`Started ${started}`);
            go(instanceHref(started));
        } catch (error) {
            setRefusal(error instanceof Problem ? error.message : String(error));
            setTaken(error instanceof Problem && error.status === CONFLICT ? id : undefined);
            // A refused request is over; one that got no answer may be sent again without starting twice.
            if (error instanceof Problem && error.status !== 0) setOnce(crypto.randomUUID());
            setBusy(false);
        }
    };
    return (
        <div class="page form">
            <div class="top"><h1>Start an orchestration</h1>{from && <Tip>like {from}</Tip>}</div>
            <section class="card">
                <form onSubmit={submit} onInput={() => { setRefusal(undefined); setTaken(undefined); }}>
                    <TextField label="Orchestration" value={name} set={setName} required focus suggestions={known.data ?? []}
                        hint="Its name, as the worker registers it. It may be started before a worker serves it." />
                    <div class="pair">
                        <TextField label="Instance id" value={id} set={setId} wrong={wrongId(id)} placeholder="made up by the server"
                            hint="Free, or of an instance that has ended." />
                        <TextField label="Version" value={version} set={setVersion} placeholder="none" hint="Only workers that serve it get the work." />
                    </div>
                    <PayloadField label="Input" value={input} set={setInput} rows={10} hint="Any JSON; empty for no input." />
                    {why && <p class="note warn">{why}</p>}
                    {refusal && <p class="note bad" role="alert">{refusal}{taken && <> <a href={instanceHref(taken)}>Look at {taken}</a></>}</p>}
                    <div class="row"><button type="submit" class="button main" aria-disabled={blocked || busy}>Start</button></div>
                </form>
            </section>
        </div>
    );
}
