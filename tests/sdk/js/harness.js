"use strict";
// What the test files share: a server with a client and a worker of the stock SDK, doors for activities, and a log of what ran.

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const { after, afterEach, before } = require("node:test");
const { isDeepStrictEqual } = require("node:util");
const { Metadata } = require("@grpc/grpc-js");
const { NoOpLogger, OrchestrationStatus, TaskHubGrpcClient, TaskHubGrpcWorker } = require("@microsoft/durabletask-js");
const { Server, eventually, holdsFor } = require("./server.js");

/** How clients and workers name a task hub; without one they send no metadata at all. */
function connection(address, hub) {
    const options = { hostAddress: address, logger: new NoOpLogger() };
    if (hub !== undefined) {
        options.metadataGenerator = async () => {
            const metadata = new Metadata();
            metadata.set("taskhub", hub);
            return metadata;
        };
    }
    return options;
}

function newClient(address, hub, options = {}) {
    return new TaskHubGrpcClient({ ...connection(address, hub), ...options });
}

/** `code` holds `orchestrators`, `activities` and classes of `entities` by name; `options` are those of the SDK, and `hub`. Not started yet. */
function newWorker(address, { orchestrators = {}, activities = {}, entities = {} }, { hub, ...options } = {}) {
    const worker = new TaskHubGrpcWorker({ ...connection(address, hub), shutdownTimeoutMs: 2000, ...options });
    for (const [name, orchestrator] of Object.entries(orchestrators)) {
        worker.addNamedOrchestrator(name, orchestrator);
    }
    for (const [name, activity] of Object.entries(activities)) {
        worker.addNamedActivity(name, activity);
    }
    for (const [name, Entity] of Object.entries(entities)) {
        worker.addNamedEntity(name, () => new Entity());
    }
    return worker;
}

/**
 * Gives the test file a server, a client, and a worker that runs `code` (none without code). `environment` is the server's,
 * `prepare` runs before the first test, everything else goes to the worker. What is made later is stopped with the rest.
 */
function serve(code, { environment, prepare, ...options } = {}) {
    const fixture = {
        server: new Server(environment),
        workers: [],
        clients: [],
        async startWorker(of, workerOptions = {}) {
            const worker = newWorker(fixture.server.address, of, workerOptions);
            await worker.start();
            fixture.workers.push(worker);
            return worker;
        },
        async stopWorker(worker) {
            fixture.workers.splice(fixture.workers.indexOf(worker), 1);
            await worker.stop();
        },
        newClient(hub, clientOptions) {
            const client = newClient(fixture.server.address, hub, clientOptions);
            fixture.clients.push(client);
            return client;
        },
    };
    before(async () => {
        await fixture.server.run();
        fixture.client = fixture.newClient(options.hub);
        if (code !== undefined) {
            fixture.worker = await fixture.startWorker(code, options);
        }
        await prepare?.(fixture);
    });
    afterEach((test) => {
        if (test.passed === false && fixture.server.log().trim()) {
            test.diagnostic(`the server's log (end):\n${fixture.server.log()}`);
        }
    });
    after(async () => {
        try {
            assert.ok(fixture.server.alive(), `the server died during the tests:\n${fixture.server.log()}`);
            await Promise.all([...fixture.workers, ...fixture.clients].map((each) => each.stop()));
        } finally {
            await fixture.server.remove();
        }
    });
    return fixture;
}

/** A fresh instance id that carries the test's name. */
function newId(test, suffix = "") {
    return `${test.name.replace(/[^a-zA-Z0-9]+/g, "-").slice(0, 40)}-${randomUUID().slice(0, 8)}${suffix && `-${suffix}`}`;
}

/** Starts `name` and waits until its first turn is committed. */
async function begin(client, name, input, options) {
    const id = await client.scheduleNewOrchestration(name, input, options);
    await client.waitForOrchestrationStart(id, false, 30);
    return id;
}

/** Waits for the end, whatever it is. */
async function ended(client, id, timeout = 40) {
    const state = await client.waitForOrchestrationCompletion(id, true, timeout);
    assert.ok(state, `no instance ${id}`);
    return state;
}

/** Waits for success and gives the output (`undefined` when there is none). */
async function output(client, id, timeout = 40) {
    const state = await ended(client, id, timeout);
    assert.equal(nameOf(state), "COMPLETED", `${id}: ${state.failureDetails?.errorType}: ${state.failureDetails?.message}`);
    return state.serializedOutput ? JSON.parse(state.serializedOutput) : undefined;
}

/** Starts `name` and gives its output. */
async function result(client, name, input, options) {
    return output(client, await client.scheduleNewOrchestration(name, input, options));
}

/** Waits for failure and gives its details. */
async function failure(client, id) {
    const state = await ended(client, id);
    assert.equal(nameOf(state), "FAILED", `${id} should have failed`);
    assert.ok(state.failureDetails, `${id} failed without details`);
    return state.failureDetails;
}

const nameOf = (state) => state && OrchestrationStatus[state.runtimeStatus];

/** The status as text, undefined for a missing instance. */
async function status(client, id) {
    return nameOf(await client.getOrchestrationState(id, false));
}

/** Waits for a status. */
function reaches(client, id, wanted) {
    return eventually(async () => (await status(client, id)) === wanted, `${id} to be ${wanted}`);
}

/** The state of an entity, undefined if it has none. */
async function stateOf(client, entity) {
    const found = await client.getEntity(entity);
    return found?.includesState ? found.state : undefined;
}

/** Waits until the entity has this state. */
async function holds(client, entity, wanted) {
    let found;
    const same = async () => isDeepStrictEqual((found = await stateOf(client, entity)), wanted);
    await eventually(same, `${entity} to hold ${JSON.stringify(wanted)}`).catch((error) => {
        throw new Error(`${error.message}; it holds ${JSON.stringify(found)}`);
    });
}

/** Checks that a promise is refused with a gRPC code, and gives the error. */
async function refused(promise, code) {
    const error = await promise.then(() => assert.fail(`was accepted; expected code ${code}`), (error) => error);
    assert.equal(error.code, code, String(error));
    return error;
}

/** Whether a call broke with its connection. It is UNAVAILABLE then, or INTERNAL if it was written when the connection was reset already. */
function brokeOff(error) {
    return error.code === 14 || (error.code === 13 && /RST_STREAM|HTTP\/2 stream|Write error/.test(error.message));
}

/** Doors that activities wait at until the test opens them, by key. */
class Gates {
    #doors = new Map();

    #door(key) {
        if (!this.#doors.has(key)) {
            const door = { visitors: 0 };
            door.opened = new Promise((resolve) => (door.open = resolve));
            this.#doors.set(key, door);
        }
        return this.#doors.get(key);
    }

    pass(key) {
        this.#door(key).visitors += 1;
        return this.#door(key).opened;
    }

    open(key) {
        this.#door(key).open();
    }

    visited(key, times = 1) {
        return eventually(() => this.#door(key).visitors >= times, `${times} at gate ${key}`);
    }
}

/** What happened, by key and in order. */
class Log {
    #entries = new Map();

    /** Gives how many entries the key has now. */
    add(key, entry) {
        return this.#entries.set(key, [...this.of(key), entry]).get(key).length;
    }

    of(key) {
        return this.#entries.get(key) ?? [];
    }
}

module.exports = {
    Gates, Log, Server, begin, brokeOff, ended, eventually, failure, holds, holdsFor, nameOf, newClient, newId, newWorker, output, reaches, refused,
    result, serve, stateOf, status,
};
