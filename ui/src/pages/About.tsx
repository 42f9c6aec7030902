// What this server is, where it is found, how it is set up, and whether it is well.
import { about, readiness } from "../api";
import { CopyButton, Elapsed, Loading, Refused, Time } from "../components/basics";
import { helpOpen } from "../components/Keyboard";
import { Icon } from "../components/Icon";
import { bytes, plural } from "../format";
import { useLive } from "../live";
import { ROOT } from "../router";
import type * as t from "../types/server";

const ENDPOINTS: readonly (readonly [name: string, label: string])[] = [
    ["grpc", "gRPC, for SDK clients and workers"], ["durableFunctions", "Durable Functions HTTP API"], ["durableFunctionsRpc", "The same, as rpcBaseUrl"],
    ["own", "durahub's own HTTP API"], ["dashboard", "Dashboard"], ["reference", "API reference"], ["description", "OpenAPI description"],
    ["live", "Liveness"], ["ready", "Readiness"],
];
const READABLE = ["reference", "description", "live", "ready"];

export function About() {
    const { data, problem, again } = useLive("about", about, false, "clock");
    if (!data) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="what the server is" />}</section>;
    const { store } = data;
    return (
        <div class="page">
            <div class="top">
                <h1>durahub {data.version}</h1><Health />
                <span class="push" />
                <div class="row">
                    <a class="button" href={`${ROOT}docs`}>API reference</a>
                    <a class="button" href={`${ROOT}openapi.yaml`}>OpenAPI</a>
                    <button type="button" class="button" onClick={() => (helpOpen.value = true)}>Keyboard</button>
                </div>
            </div>
            <section class="card" aria-label="Facts">
                <dl class="facts inside">
                    <div><dt>Started</dt><dd><Time at={data.startedTime} /></dd></div>
                    <div><dt>Up for</dt><dd><Elapsed from={data.startedTime} /></dd></div>
                    <div><dt>Store</dt><dd>{store.kind === "memory" ? "in memory, gone with the process" : "SQLite"}</dd></div>
                    {store.path && <div><dt>File</dt><dd><code>{store.path}</code></dd></div>}
                    {store.bytes !== null && <div><dt>Size</dt><dd>{bytes(store.bytes)}{store.walBytes ? ` and ${bytes(store.walBytes)} in the log` : ""}</dd></div>}
                    <div><dt>You</dt><dd>{data.caller.name ? `${data.caller.name} (${data.caller.role}${data.caller.taskHubs ? ` in ${data.caller.taskHubs.join(", ")}` : ""})` : "nobody is asked for a key"}</dd></div>
                    {data.readOnly && <div><dt>This dashboard</dt><dd>only looks</dd></div>}
                </dl>
            </section>
            <section class="card" aria-labelledby="endpoints">
                <header><h2 id="endpoints">Endpoints</h2></header>
                <div class="scroll" tabIndex={0} role="group" aria-label="Endpoints">
                    <table>
                        <thead><tr><th>What</th><th>Where</th><th><span class="hidden">Copy</span></th></tr></thead>
                        <tbody>
                            {ENDPOINTS.filter(([name]) => data.endpoints[name]).map(([name, label]) => (
                                <tr key={name}>
                                    <td>{label}</td>
                                    <td>{READABLE.includes(name) ? <a class="mono" href={data.endpoints[name]}>{data.endpoints[name]}</a> : <code>{data.endpoints[name]}</code>}</td>
                                    <td class="fit"><CopyButton text={() => data.endpoints[name] ?? ""} what={label} /></td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            </section>
            {data.settings && <Settings settings={data.settings} />}
        </div>
    );
}

function Health() {
    const { data, problem } = useLive("readiness", readiness, false, "clock");
    if (data?.ready) return <span class="badge tone-Completed"><Icon name="check" size={13} />Ready</span>;
    const missing = data?.missing.join(", ") ?? problem?.message;
    return missing === undefined ? null : <span class="badge tone-Failed" title={missing}><Icon name="alert" size={13} />Not ready: {missing}</span>;
}

function Settings({ settings }: { settings: NonNullable<t.About["settings"]> }) {
    return (
        <section class="card" aria-labelledby="settings">
            <header><h2 id="settings">Settings</h2><span class="muted small">without secrets; “durahub config” tells where each comes from</span></header>
            <div class="inside settings">
                {Object.entries(settings).map(([section, values]) => (
                    <details key={section}>
                        <summary><code>[{section}]</code> <span class="muted small">{plural(Object.keys(values).length, "setting")}</span></summary>
                        <dl>{Object.entries(values).map(([name, value]) => <div key={name}><dt><code>{name}</code></dt><dd><code>{JSON.stringify(value)}</code></dd></div>)}</dl>
                    </details>
                ))}
            </div>
        </section>
    );
}
