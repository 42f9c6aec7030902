// The status document of the public API, as it is sent, and the command that asks for it.
import { statusAddress, statusText } from "../api";
import { useLive } from "../live";
import { key } from "../settings";
import { quoted } from "../shell";
import { Loading, Refused, Snippet } from "./basics";
import { PayloadView } from "./payload/PayloadView";

export function Raw({ id }: { id: string }) {
    const { data, problem, again } = useLive(`status ${id}`, (signal) => statusText(id, signal));
    const command = `curl ${key.value ? "-H \"x-functions-key: $DURAHUB_KEY\" " : ""}${quoted(statusAddress(id))}`;
    return (
        <div class="page">
            <section class="card" aria-label="Ask for it">
                <header><h2>Ask for it</h2></header>
                <div class="inside"><Snippet text={command} what="the command" /></div>
            </section>
            {data === undefined
                ? <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the status" />}</section>
                : <PayloadView title="Status document" file={`${id}-status`} none="" payload={{ bytes: new Blob([data]).size, text: data, whole: true }} />}
        </div>
    );
}
