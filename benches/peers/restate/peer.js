// Sequences of steps in Restate, measured as `durahub bench sequence` measures them: so many connections to the ingress, each calls the handler and
// calls it again until the time is over. Starts the server on a new folder and the service beside it, ends both, prints one JSON object.
import { execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    activities: { type: "string", default: "3" },
    "in-flight": { type: "string", default: "64" },
    seconds: { type: "string", default: "10" },
    // The same for so many seconds before, which do not count.
    "warm-up": { type: "string", default: "2" },
  },
});
if (!values.folder) throw new Error("--folder is missing: where the server's data goes");
const inFlight = Number(values["in-flight"]);

// The package of the server is a launcher; the program is in one package for each platform.
const require = createRequire(import.meta.url);
const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`;
const program = path.join(path.dirname(require.resolve(`${platform}/package.json`)), "bin", "restate-server");

// Ports that were free a moment ago; the server cannot say which ones it took.
async function freePorts(count) {
  const listeners = Array.from({ length: count }, () => net.createServer().listen(0, "127.0.0.1"));
  await Promise.all(listeners.map((listener) => once(listener, "listening")));
  const ports = listeners.map((listener) => listener.address().port);
  await Promise.all(listeners.map((listener) => once(listener.close(), "close")));
  return ports;
}

const [ingress, admin, node] = await freePorts(3);
const env = {
  ...process.env,
  RESTATE_BASE_DIR: path.resolve(values.folder),
  RESTATE_LISTEN_MODE: "tcp",
  RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
  RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}/`,
  RESTATE_NODE_NAME: "peer",
  RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
  RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
  RESTATE_DISABLE_TELEMETRY: "true",
  DO_NOT_TRACK: "1",
  RESTATE_LOG_FILTER: "warn",
  // The service's log, which has two lines per call otherwise.
  RESTATE_LOGGING: "WARN",
};

// What the server's settings say about the log that every step goes to.
function durability() {
  const config = execFileSync(program, ["--dump-config"], { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const logServer = config.split(/^(?=\[)/m).find((section) => section.startsWith("[log-server]")) ?? "";
  const provider = /^default-provider = "(.*)"/m.exec(config)?.[1];
  const fsync = /^rocksdb-disable-wal-fsync = (.*)$/m.exec(logServer)?.[1];
  return `log "${provider}" in RocksDB, one node, rocksdb-disable-wal-fsync=${fsync}`;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight });

function post(port, path, body, agent) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const options = { host: "127.0.0.1", port, path, method: "POST", headers, agent, timeout: 60_000 };
    const request = http.request(options, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }));
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 60 s")));
    request.on("error", reject);
    request.end(body);
  });
}

async function call() {
  const { status, body } = await post(ingress, "/Bench/sequence", values.activities, agent);
  if (status !== 200 || body !== '"done"') throw new Error(`the handler answered ${status}: ${body}`);
}

// Tries until it succeeds: the server takes a few seconds to be there.
async function within(seconds, what) {
  for (const until = performance.now() + seconds * 1000; ; await sleep(200)) {
    if (server.exitCode !== null) throw new Error("the server ended; see its log");
    try {
      return await what();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
  }
}

async function register(port) {
  const { status, body } = await post(admin, "/deployments", JSON.stringify({ uri: `http://127.0.0.1:${port}` }));
  if (status >= 300) throw new Error(`the service was not registered: ${status} ${body}`);
}

// All lanes for so many seconds, and until what they began has ended; how many milliseconds each call took.
async function drive(seconds) {
  const latencies = [];
  const until = performance.now() + seconds * 1000;
  const lane = async () => {
    for (let start; (start = performance.now()) < until; ) {
      await call();
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return latencies.sort((a, b) => a - b);
}

const log = openSync(path.join(values.folder, "server.log"), "w");
const server = spawn(program, ["--no-logo"], { env, stdio: ["ignore", log, log] });
const service = fork(new URL("service.js", import.meta.url), { env, stdio: ["ignore", log, log, "ipc"] });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
process.on("exit", () => [service, server].forEach((child) => child.kill("SIGKILL")));

const [port] = await once(service, "message");
await within(60, () => register(port));
await within(60, call);
await drive(Number(values["warm-up"]));
const begun = performance.now();
const latencies = await drive(Number(values.seconds));
const seconds = (performance.now() - begun) / 1000;
const ms = (share) => latencies[Math.ceil(latencies.length * share) - 1] ?? null;
console.log(
  JSON.stringify({
    count: latencies.length,
    seconds,
    per_second: latencies.length / seconds,
    p50_ms: ms(0.5),
    p99_ms: ms(0.99),
    errors: 0,
    settings: durability(),
  }),
);
process.exit();
