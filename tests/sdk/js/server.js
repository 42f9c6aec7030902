"use strict";
// The server under test as a child process, and ways to wait.

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const repository = path.resolve(__dirname, "../../..");
const binary = process.env.DURAHUB_BIN ? path.resolve(process.env.DURAHUB_BIN) : path.join(repository, "target/debug/durahub");

// A search that a stalling machine holds up must not end its page early.
const UNHURRIED = { DURAHUB__STORE__READ_BUDGET_MS: "60000" };

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Polls until `probe` gives something true, and gives that. */
async function eventually(probe, what, timeout = 30_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
        const found = await probe();
        if (found) {
            return found;
        }
        if (Date.now() > deadline) {
            throw new Error(`waited ${timeout} ms for ${what}`);
        }
        await pause(15);
    }
}

/** For what must NOT happen: `probe` has to stay true all the while. */
async function holdsFor(milliseconds, probe, what) {
    const deadline = Date.now() + milliseconds;
    while (Date.now() < deadline) {
        if (!(await probe())) {
            throw new Error(`${what} stopped holding`);
        }
        await pause(15);
    }
}

/** Neither a server nor its folder outlives a test file, also when the file is cut off for taking too long. */
function goesWithUs(server) {
    process.once("SIGTERM", () => process.exit(1));
    process.once("exit", () => {
        if (server.process && server.alive()) {
            server.process.kill("SIGKILL");
        }
        fs.rmSync(server.directory, { recursive: true, force: true });
    });
}

/** The binary with a store of its own. `run` again after `kill` or `end` keeps the port and the store. */
class Server {
    constructor(environment = {}) {
        this.environment = environment;
        this.directory = fs.mkdtempSync(path.join(os.tmpdir(), "durahub-sdk-js-"));
        this.port = 0;
        goesWithUs(this);
    }

    async run() {
        const deadline = Date.now() + 10_000;
        for (;;) {
            try {
                return await this.#start();
            } catch (error) {
                // While nobody listened, the port may have gone to a connection of somebody else's.
                if (!/Address already in use/.test(error.message) || Date.now() > deadline) {
                    throw error;
                }
                await pause(100);
            }
        }
    }

    async #start() {
        const log = fs.openSync(path.join(this.directory, "stderr"), "a");
        this.logged = fs.fstatSync(log).size;
        const store = `sqlite:${path.join(this.directory, "server.db")}`;
        const child = spawn(binary, ["serve", "--listen", `127.0.0.1:${this.port}`, "--store", store], {
            stdio: ["ignore", "pipe", log],
            env: { ...process.env, ...UNHURRIED, ...this.environment },
        });
        fs.closeSync(log);
        this.process = child;
        let failure;
        child.on("error", (error) => (failure = error));
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
        const origin = await eventually(() => {
            if (failure || child.exitCode !== null) {
                throw new Error(`${binary} does not run: ${failure ?? `it ended with ${child.exitCode}`}\n${this.log()}`);
            }
            return /Listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
        }, "the Listening line");
        this.port = Number(new URL(origin).port);
        await eventually(() => fetch(`${origin}/readyz`).then((answer) => answer.ok), "/readyz");
        return this;
    }

    get address() {
        return `127.0.0.1:${this.port}`;
    }

    alive() {
        return this.process.exitCode === null && this.process.signalCode === null;
    }

    /** How many workers of this SDK have joined since the server runs. */
    joined() {
        const log = fs.readFileSync(path.join(this.directory, "stderr")).subarray(this.logged).toString();
        return log.split("\n").filter((line) => line.includes('"worker joined"') && line.includes("durabletask-js")).length;
    }

    log() {
        return fs.readFileSync(path.join(this.directory, "stderr"), "utf8").split("\n").slice(-60).join("\n");
    }

    /** kill -9. */
    async kill() {
        const gone = once(this.process, "exit");
        this.process.kill("SIGKILL");
        await gone;
    }

    /** SIGTERM, and the exit code. */
    async end() {
        const gone = once(this.process, "exit");
        this.process.kill("SIGTERM");
        return (await gone)[0];
    }

    /** The end of the test file. */
    async remove() {
        if (this.alive()) {
            await this.end();
        }
        fs.rmSync(this.directory, { recursive: true, force: true });
    }
}

module.exports = { Server, eventually, holdsFor };
