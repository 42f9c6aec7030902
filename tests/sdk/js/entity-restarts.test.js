"use strict";
// Entities while workers and servers come and go.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { counter, entities, journal } = require("./counter.js");
const { begin, brokeOff, eventually, holds, holdsFor, newId, output, serve, stateOf, status } = require("./harness.js");

const orchestrators = {
    /** Moves one from `from` to `to`, again and again, and never loses any. */
    async *moves(context, { from, to, rounds }) {
        for (let round = 0; round < rounds; round++) {
            const lock = yield context.entities.lockEntities(counter(from), counter(to));
            for (const [key, amount] of [[from, -1], [to, 1]]) {
                const value = yield context.entities.callEntity(counter(key), "get");
                yield context.entities.callEntity(counter(key), "set", value + amount);
            }
            lock.release();
        }
        return rounds;
    },
    async *locks(context, key) {
        const lock = yield context.entities.lockEntities(counter(key));
        context.setCustomStatus("inside");
        yield context.waitForExternalEvent("go");
        const value = yield context.entities.callEntity(counter(key), "add", 1);
        lock.release();
        return value;
    },
};

const code = { orchestrators, entities };
const at = serve(code);

/** The server is killed and comes back, and so do its workers. */
async function killed() {
    await at.server.kill();
    await at.server.run();
    await eventually(() => at.server.joined() >= at.workers.length, "the workers to be back");
}

/** Repeats a call while the server cannot be reached. */
async function patiently(call) {
    return eventually(() => call().then((answer) => ({ answer }), (error) => {
        assert.ok(brokeOff(error), String(error));
    }), "the server to be back").then(({ answer }) => answer);
}

test("signals wait for a worker, and the next one goes on with the state", async (t) => {
    const id = newId(t);
    await at.client.signalEntity(counter(id), "add", 1);
    await holds(at.client, counter(id), 1);
    await at.stopWorker(at.worker);
    for (let number = 0; number < 5; number++) {
        await at.client.signalEntity(counter(id), "add", 1);
    }
    await holdsFor(150, async () => (await stateOf(at.client, counter(id))) === 1, "the state");
    assert.equal((await at.client.getEntity(counter(id))).backlogQueueSize, 5);
    at.worker = await at.startWorker(code);
    await holds(at.client, counter(id), 6);
});

test("a section outlives the worker", async (t) => {
    const id = newId(t);
    const owner = await begin(at.client, "locks", id);
    await eventually(async () => (await at.client.getEntity(counter(id)))?.lockedBy === owner, "the lock");
    await at.stopWorker(at.worker);
    await at.client.signalEntity(counter(id), "add", 100);
    await at.client.raiseOrchestrationEvent(owner, "go");
    at.worker = await at.startWorker(code);
    assert.equal(await output(at.client, owner), 1);
    await holds(at.client, counter(id), 101);
});

test("a section outlives the server", async (t) => {
    const id = newId(t);
    const owner = await begin(at.client, "locks", id);
    await eventually(async () => (await at.client.getEntity(counter(id)))?.lockedBy === owner, "the lock");
    await at.client.signalEntity(counter(id), "add", 100);
    await killed();
    assert.equal((await patiently(() => at.client.getEntity(counter(id)))).lockedBy, owner);
    await at.client.raiseOrchestrationEvent(owner, "go");
    assert.equal(await output(at.client, owner), 1);
    await holds(at.client, counter(id), 101);
});

test("a signal for later survives the server", async (t) => {
    const id = newId(t);
    const due = Date.now() + 1500;
    await at.client.signalEntity(journal(id), "noteTime", undefined, { signalTime: new Date(due) });
    await killed();
    const [ran] = await eventually(() => stateOf(at.client, journal(id)), "the signal");
    assert.ok(ran >= due, `${due - ran} ms early`);
});

test("what moves between locked entities is still there after two kills in the middle", async (t) => {
    const id = newId(t);
    const [names, rounds] = [["a", "b", "c"].map((name) => `${id}-${name}`), 12];
    for (const name of names) {
        await at.client.signalEntity(counter(name), "add", 50);
        await holds(at.client, counter(name), 50);
    }
    const moves = [[0, 1], [1, 2], [2, 0], [1, 0]].map(([from, to]) => ({ from: names[from], to: names[to], rounds }));
    const instances = await Promise.all(moves.map((input, number) => at.client.scheduleNewOrchestration("moves", input, `${id}-${number}`)));
    for (let kill = 0; kill < 2; kill++) {
        const before = await Promise.all(names.map((name) => stateOf(at.client, counter(name))));
        const moved = async () => (await stateOf(at.client, counter(names[1]))) !== before[1];
        const over = async () => (await Promise.all(instances.map((id) => status(at.client, id)))).every((found) => found === "COMPLETED");
        await eventually(async () => (await moved()) || (await over()), "something to move");
        await killed();
    }
    for (const instance of instances) {
        assert.equal(await patiently(() => output(at.client, instance)), rounds);
    }
    // a gives and gets from b as often as c gives to it, and so on: the moves are known, so every balance is.
    const balance = (name) => moves.reduce((sum, { from, to }) => sum + rounds * ((to === name) - (from === name)), 50);
    for (const name of names) {
        await holds(at.client, counter(name), balance(name));
        assert.equal((await at.client.getEntity(counter(name))).lockedBy, undefined);
    }
});

test("acknowledged signals survive a kill, and none counts twice", async (t) => {
    const id = newId(t);
    const [sent, acknowledged] = [new Set(), new Set()];
    let stopped = false;
    const send = async (sender) => {
        for (let number = 0; !stopped; number++) {
            const line = `${sender}/${number}`;
            sent.add(line);
            await at.client.signalEntity(journal(id), "note", line).then(
                () => acknowledged.add(line), (error) => assert.ok(brokeOff(error), String(error)));
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    };
    const senders = Array.from({ length: 6 }, (_, number) => send(number));
    await eventually(() => acknowledged.size >= 40, "signals before");
    await killed();
    const atRestart = acknowledged.size;
    await eventually(() => acknowledged.size >= atRestart + 40, "signals after");
    stopped = true;
    await Promise.all(senders);
    const all = await eventually(async () => {
        const entity = await at.client.getEntity(journal(id));
        return entity.backlogQueueSize === 0 && entity.state;
    }, "no signal to wait");
    assert.equal(new Set(all).size, all.length, "a signal counted twice");
    assert.deepEqual([...acknowledged].filter((line) => !all.includes(line)), [], "acknowledged and lost");
    assert.deepEqual(all.filter((line) => !sent.has(line)), []);
    for (let sender = 0; sender < 6; sender++) {
        const numbers = all.filter((line) => line.startsWith(`${sender}/`)).map((line) => Number(line.split("/")[1]));
        assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), "out of order");
    }
});
