// What somebody sees who has just started the server: what to type next.
import { href, hub, params, change, ROOT } from "../router";
import type { Worker } from "../types";
import { Snippet } from "./basics";
import { key } from "../settings";
import { quoted } from "../shell";

const SAMPLE = "HelloCities";

const SDKS: Record<string, { label: string; text: (host: string, url: string, hub: string) => string }> = {
    python: {
        label: "Python",
        text: (host) => `pip install durabletask

from durabletask.worker import TaskHubGrpcWorker
from durabletask.client import TaskHubGrpcClient

worker = TaskHubGrpcWorker(host_address="${host}", secure_channel=False)
client = TaskHubGrpcClient(host_address="${host}", secure_channel=False)`,
    },
    javascript: {
        label: "JavaScript",
        text: (host) => `npm install @microsoft/durabletask-js

import { TaskHubGrpcClient, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

const worker = new TaskHubGrpcWorker({ hostAddress: "${host}" });
const client = new TaskHubGrpcClient({ hostAddress: "${host}" });`,
    },
    dotnet: {
        label: ".NET",
        text: (_, url) => `dotnet add package Microsoft.DurableTask.Worker.Grpc
dotnet add package Microsoft.DurableTask.Client.Grpc

builder.Services.AddDurableTaskWorker(worker => worker.UseGrpc("${url}"));
builder.Services.AddDurableTaskClient(client => client.UseGrpc("${url}"));`,
    },
    java: {
        label: "Java",
        text: (host) => `// com.microsoft:durabletask-client
ManagedChannel channel = ManagedChannelBuilder.forTarget("${host}").usePlaintext().build();
DurableTaskGrpcWorkerBuilder worker = new DurableTaskGrpcWorkerBuilder().grpcChannel(channel);
DurableTaskClient client = new DurableTaskGrpcClientBuilder().grpcChannel(channel).build();`,
    },
    go: {
        label: "Go",
        text: (host) => `go get github.com/microsoft/durabletask-go

conn, err := grpc.Dial("${host}", grpc.WithTransportCredentials(insecure.NewCredentials()))
hub := client.NewTaskHubGrpcClient(conn, backend.DefaultLogger())`,
    },
    string: {
        label: "Connection string",
        text: (_, url, hub) => `Endpoint=${url};TaskHub=${hub};Authentication=None`,
    },
};

export function FirstRun({ workers }: { workers: Worker[] }) {
    const url = location.origin + ROOT.replace(/\/$/, "");
    const chosen = params.value.get("sdk") ?? "python";
    const sdk = SDKS[chosen] ?? SDKS.python;
    const hasSample = workers.some((worker) => worker.serves?.orchestrations.includes(SAMPLE));
    const inHub = hub.value ? `&taskHub=${encodeURIComponent(hub.value)}` : "";
    const withKey = key.value ? " -H 'x-functions-key: KEY'" : "";
    return (
        <section class="card" aria-labelledby="first">
            <header><h2 id="first">Nothing has been started here yet</h2></header>
            <div class="inside">
                <ol class="steps">
                    {hasSample && (
                        <li><div>
                            <strong>Start a sample</strong>
                            <p class="muted">Some orchestrations are built in. Type this, or <a href={href("start", { name: SAMPLE })}>start it from here</a>.</p>
                            <Snippet what="the command" text={`curl -X POST${withKey} ${quoted(`${url}/runtime/webhooks/durabletask/orchestrators/${SAMPLE}?timeout=10${inHub}`)}`} />
                        </div></li>
                    )}
                    <li><div>
                        <strong>Connect a worker of your own</strong>
                        <p class="muted">The SDKs speak gRPC without TLS to the same port.</p>
                        <nav class="tabs" aria-label="SDK">
                            {Object.entries(SDKS).map(([name, { label }]) => (
                                <a key={name} href={href("", { sdk: name })} aria-current={name === chosen ? "page" : undefined}
                                    onClick={(event) => { event.preventDefault(); change({ sdk: name }, true); }}>{label}</a>
                            ))}
                        </nav>
                        {sdk && <Snippet what="the lines" text={sdk.text(location.host, url, hub.value ?? "default")} />}
                    </div></li>
                    <li><div>
                        <strong>Look here again</strong>
                        <p class="muted">This page shows what is started as soon as it is. If your program says that it has started something and nothing appears
                            here, it talks to another server or another task hub.</p>
                    </div></li>
                </ol>
            </div>
        </section>
    );
}
