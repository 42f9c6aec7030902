"use strict";
// Critical sections: who is inside, who waits, and that whoever ends lets go.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { counter, entities } = require("./counter.js");
const { begin, ended, eventually, holds, holdsFor, nameOf, newId, output, reaches, serve, stateOf } = require("./harness.js");

const keys = (id) => [counter(`${id}-a`), counter(`${id}-b`)];

/** Locks both entities of `id`. */
const lockBoth = (context, id) => context.entities.lockEntities(...keys(id));

const orchestrators = {
    /** Reads and writes in two steps, so every other writer in between would be lost. */
    async *increments(context, { id, rounds, turned }) {
        for (let round = 0; round < rounds; round++) {
            const both = turned ? keys(id).reverse() : keys(id);
            const lock = yield context.entities.lockEntities(...both);
            for (const entity of both) {
                const value = yield context.entities.callEntity(entity, "get");
                yield context.entities.callEntity(entity, "set", value + 1);
            }
            lock.release();
        }
        return context.entities.isInCriticalSection().inSection;
    },
    /** Locks both, then waits to be told how to go on. */
    async *locks(context, id) {
        const lock = yield lockBoth(context, id);
        context.setCustomStatus("inside");
        const how = yield context.waitForExternalEvent("go");
        if (how === "release") {
            lock.release();
            context.setCustomStatus("outside");
            return yield context.waitForExternalEvent("end");
        }
        if (how === "call") {
            return yield context.entities.callEntity(counter(`${id}-a`), "add", 100);
        }
        if (how === "fail") {
            throw new Error("inside");
        }
        return how;
    },
    /** Begins anew inside; its next execution only waits. */
    async *locksOnce(context, id) {
        if (id === null) {
            return yield context.waitForExternalEvent("end");
        }
        yield lockBoth(context, id);
        context.setCustomStatus("inside");
        yield context.waitForExternalEvent("go");
        context.continueAsNew(null, false);
    },
};

const at = serve({ orchestrators, entities });

const lockedBy = async (entity) => (await at.client.getEntity(entity))?.lockedBy;

/** Starts an orchestration that is inside by the time this is over. */
async function inside(id, name = "locks") {
    // With a state, so that they are there when they are free.
    for (const entity of keys(id)) {
        await at.client.signalEntity(entity, "add", 1);
        await holds(at.client, entity, 1);
    }
    const owner = await begin(at.client, name, id, `${id}-owner`);
    await eventually(async () => (await at.client.getOrchestrationState(owner))?.serializedCustomStatus === '"inside"', "the lock");
    return owner;
}

async function free(id) {
    for (const entity of keys(id)) {
        await eventually(async () => (await lockedBy(entity)) === undefined, `${entity} to be free`);
    }
}

/** Somebody else gets in, and out again. */
async function nextGetsIn(id) {
    await free(id);
    assert.equal(await output(at.client, await at.client.scheduleNewOrchestration("increments", { id, rounds: 1 })), false);
}

test("three orchestrations in two orders do not lose a step and do not wait for each other", async (t) => {
    const [id, rounds] = [newId(t), 8];
    const starts = [0, 1, 2].map((number) => {
        const input = { id, rounds, turned: number % 2 === 1 };
        return at.client.scheduleNewOrchestration("increments", input, `${id}-${number}`);
    });
    for (const instance of await Promise.all(starts)) {
        assert.equal(await output(at.client, instance), false);
    }
    for (const entity of keys(id)) {
        await holds(at.client, entity, 3 * rounds);
    }
    await free(id);
});

test("who has locked an entity shows while it has, and no longer", async (t) => {
    const id = newId(t);
    const owner = await inside(id);
    assert.deepEqual(await Promise.all(keys(id).map(lockedBy)), [owner, owner]);
    await at.client.raiseOrchestrationEvent(owner, "go", "release");
    await free(id);
    assert.equal(nameOf(await at.client.getOrchestrationState(owner)), "RUNNING");
    await at.client.raiseOrchestrationEvent(owner, "end", "over");
    assert.equal(await output(at.client, owner), "over");
});

test("signals wait while the owner's calls run", async (t) => {
    const id = newId(t);
    const [first] = keys(id);
    const owner = await inside(id);
    await at.client.signalEntity(first, "add", 10);
    await holdsFor(200, async () => (await stateOf(at.client, first)) === 1, "the state");
    assert.equal((await at.client.getEntity(first)).backlogQueueSize, 1);
    await at.client.raiseOrchestrationEvent(owner, "go", "call");
    assert.equal(await output(at.client, owner), 101);
    await holds(at.client, first, 111);
});

test("a second section waits for the first one", async (t) => {
    const id = newId(t);
    const owner = await inside(id);
    const next = await begin(at.client, "increments", { id, rounds: 1 }, `${id}-next`);
    await holdsFor(200, async () => nameOf(await at.client.getOrchestrationState(next)) === "RUNNING", "it waits");
    assert.deepEqual(await Promise.all(keys(id).map(lockedBy)), [owner, owner]);
    await at.client.raiseOrchestrationEvent(owner, "go", "release");
    assert.equal(await output(at.client, next), false);
});

for (const [how, status] of [["fail", "FAILED"], ["return", "COMPLETED"]]) {
    test(`an orchestration that ends inside lets go: ${how}`, async (t) => {
        const id = newId(t);
        const owner = await inside(id);
        await at.client.raiseOrchestrationEvent(owner, "go", how);
        assert.equal(nameOf(await ended(at.client, owner)), status);
        await nextGetsIn(id);
    });
}

test("an orchestration that is terminated inside lets go", async (t) => {
    const id = newId(t);
    const owner = await inside(id);
    const next = await begin(at.client, "increments", { id, rounds: 1 }, `${id}-next`);
    await at.client.terminateOrchestration(owner, "enough");
    await reaches(at.client, owner, "TERMINATED");
    assert.equal(await output(at.client, next), false);
    await nextGetsIn(id);
    await holds(at.client, keys(id)[0], 3);
});

test("an orchestration that is terminated while it waits never gets in", async (t) => {
    const id = newId(t);
    const owner = await inside(id);
    const waits = await begin(at.client, "locks", id, `${id}-waits`);
    await at.client.terminateOrchestration(waits, "enough");
    await reaches(at.client, waits, "TERMINATED");
    await at.client.raiseOrchestrationEvent(owner, "go", "return");
    await ended(at.client, owner);
    await nextGetsIn(id);
});

test("an orchestration that begins anew inside lets go", async (t) => {
    const id = newId(t);
    const owner = await inside(id, "locksOnce");
    await at.client.raiseOrchestrationEvent(owner, "go");
    await nextGetsIn(id);
    await at.client.raiseOrchestrationEvent(owner, "end", "over");
    assert.equal(await output(at.client, owner), "over");
});

test("a suspended orchestration keeps its locks", async (t) => {
    const id = newId(t);
    const owner = await inside(id);
    await at.client.suspendOrchestration(owner);
    await reaches(at.client, owner, "SUSPENDED");
    const next = await begin(at.client, "increments", { id, rounds: 1 }, `${id}-next`);
    await holdsFor(200, async () => (await lockedBy(keys(id)[0])) === owner, "the lock");
    await at.client.resumeOrchestration(owner);
    await at.client.raiseOrchestrationEvent(owner, "go", "release");
    assert.equal(await output(at.client, next), false);
});
