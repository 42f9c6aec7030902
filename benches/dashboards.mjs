// How much open dashboards cost: orchestrations with 20 dashboards and without, in turns, on one server.
//   node benches/dashboards.mjs [FILE]     FILE: a database to work on a copy of, such as examples/seed.rs makes; needs target/release/durahub
// A dashboard is what its page asks for: the stream of changes, and every five seconds, because here something always has changed,
// everything that it shows. Half of them show the overview, half the list of instances. They run in this process, on the same cores.
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const DASHBOARDS = 20, ROUNDS = 5, SECONDS = 6, INTERVAL_MS = 5_000;
const program = resolve(import.meta.dirname, "../target/release/durahub");
// Beside the build, not in /tmp: that may be memory, where a sync costs nothing.
const folder = mkdtempSync(join(resolve(import.meta.dirname, "../target"), "dashboards-"));
const file = join(folder, "bench.db");
if (process.argv[2]) copyFileSync(process.argv[2], file);

const server = spawn(program, ["--listen", "127.0.0.1:0", "--store", `sqlite:${file}`, "--log-level", "warn"], { stdio: ["ignore", "pipe", "inherit"] });
const url = await new Promise((found) => {
    let text = "";
    server.stdout.on("data", (part) => {
        const told = /^Listening on (\S+)$/m.exec((text += part));
        if (told) found(told[1]);
    });
});

const OVERVIEW = () => {
    // As the page asks: up to the next five seconds, from a whole minute on, so that several pages ask the same.
    const until = Math.ceil(Date.now() / 5_000) * 5_000, since = Math.floor((until - 86_400_000) / 60_000) * 60_000;
    const [from, to] = [since, until].map((time) => encodeURIComponent(new Date(time).toISOString()));
    return [
        "counts?entities=false", "failures", "queues", "workers", "hubs", "instances?runtimeStatus=Failed&order=lastUpdatedTime+desc&top=10",
        ...["Pending", "Running", "Suspended"].map((status) => `instances?runtimeStatus=${status}&entities=false&order=createdTime&top=1`),
        ...["created", "completed"].map((of) => `histogram?from=${from}&to=${to}&buckets=49&by=status&entities=false&of=${of}`),
    ];
};
const LIST = () => ["hubs", "counts?topLevel=true&entities=false", "instances?topLevel=true&entities=false&order=createdTime+desc&top=50"];

const waits = [];
async function dashboard(asks, stop) {
    // It is read, as a page reads it.
    const stream = fetch(`${url}/api/v1/events`, { signal: stop }).then(async (answer) => {
        for await (const _ of answer.body) { /* the page would look which instances these are */ }
    });
    stream.catch(() => {});
    while (!stop.aborted) {
        await Promise.all(asks().map(async (path) => {
            const begun = performance.now();
            const answer = await fetch(`${url}/api/v1/${path}`);
            await answer.arrayBuffer();
            if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
            waits.push(performance.now() - begun);
        }));
        await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
}

const measure = () => new Promise((done, failed) => {
    const bench = spawn(program, ["bench", "sequence", "--target", url, "--seconds", String(SECONDS), "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    bench.stdout.on("data", (part) => (text += part));
    bench.on("exit", (code) => (code === 0 ? done(JSON.parse(text)) : failed(new Error(`bench ended with ${code}`))));
});
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const at = (numbers, quantile) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * quantile)];

try {
    await measure();
    const alone = [], watched = [];
    for (let round = 0; round < ROUNDS; round++) {
        alone.push(await measure());
        const stop = new AbortController();
        const open = Array.from({ length: DASHBOARDS }, async (_, number) => {
            // People do not all look at the same moment.
            await new Promise((resolve) => setTimeout(resolve, (number * INTERVAL_MS) / DASHBOARDS));
            return dashboard(number % 2 ? LIST : OVERVIEW, stop.signal);
        });
        watched.push(await measure());
        stop.abort();
        await Promise.all(open);
    }
    const [without, with_] = [alone, watched].map((all) => median(all.map((one) => one.per_second)));
    console.log(`sequence of 3 activities, 64 at a time, median of ${ROUNDS}: ${without.toFixed(0)}/s alone, ${with_.toFixed(0)}/s with ${DASHBOARDS} dashboards: ${(with_ / without).toFixed(2)}`);
    console.log(`p99: ${median(alone.map((one) => one.p99_ms)).toFixed(1)} ms alone, ${median(watched.map((one) => one.p99_ms)).toFixed(1)} ms with them`);
    console.log(`${waits.length} requests of dashboards: ${at(waits, 0.5).toFixed(1)} ms in the middle, ${at(waits, 0.99).toFixed(1)} ms for one in a hundred`);
} finally {
    server.kill();
    await new Promise((ended) => server.on("exit", ended));
    rmSync(folder, { recursive: true });
}
