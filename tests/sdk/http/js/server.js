"use strict";
// The server under test as a child process, and ways to wait.

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const repository = path.resolve(__dirname, "../../../..");
const binary = process.env.DURAHUB_BIN ? path.resolve(process.env.DURAHUB_BIN) : path.join(repository, "target/debug/durahub");

// A search that a stalling machine holds up must not end its page early.
const UNHURRIED = { DURAHUB__STORE__READ_BUDGET_MS: "60000" };

/** Polls until `probe` gives something true, and gives that. */
async function eventually(probe, what, timeout = 20_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
        const found = await probe();
        if (found) {
            return found;
        }
        if (Date.now() > deadline) {
            throw new Error(`waited ${timeout} ms for ${what}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

class Server {
    static async start(environment = {}) {
        const server = new Server();
        server.directory = fs.mkdtempSync(path.join(os.tmpdir(), "durahub-js-"));
        const log = fs.openSync(path.join(server.directory, "stderr"), "a");
        const store = `sqlite:${path.join(server.directory, "server.db")}`;
        const options = { stdio: ["ignore", "pipe", log], env: { ...process.env, ...UNHURRIED, ...environment } };
        server.process = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--store", store], options);
        let failure;
        server.process.on("error", (error) => (failure = error));
        let output = "";
        server.process.stdout.setEncoding("utf8").on("data", (text) => (output += text));
        server.origin = await eventually(() => {
            if (failure || server.process.exitCode !== null) {
                throw new Error(`${binary} does not run: ${failure ?? `it ended with ${server.process.exitCode}`}\n${server.log()}`);
            }
            return /Listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
        }, "the Listening line");
        await eventually(() => fetch(`${server.origin}/readyz`).then((answer) => answer.ok), "/readyz");
        return server;
    }

    log() {
        return fs.readFileSync(path.join(this.directory, "stderr"), "utf8").split("\n").slice(-60).join("\n");
    }

    async stop() {
        if (this.process.exitCode === null) {
            this.process.kill("SIGTERM");
            await once(this.process, "exit");
        }
        fs.rmSync(this.directory, { recursive: true, force: true });
    }
}

module.exports = { Server, eventually };
