"use strict";
// Waiting clients, and task hubs.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { begin, ended, nameOf, newId, output, refused, result, serve, status } = require("./harness.js");

const NOT_FOUND = 5;

const orchestrators = {
    echo: async (_, value) => value,
    async *waits(context) {
        return yield context.waitForExternalEvent("go");
    },
    async *generations(context, number) {
        yield context.waitForExternalEvent("go");
        if (number > 0) {
            context.continueAsNew(number - 1, true);
            return;
        }
        return "last";
    },
};

const at = serve({ orchestrators }, { workItemFilters: "auto", environment: { DURAHUB__HUBS__NAMES: "default,second" } });

const timedOut = (error) => error.name === "TimeoutError" || /[Tt]imed out/.test(error.message);

test("a wait gives up at its deadline and leaves the instance alone", async (t) => {
    const running = await begin(at.client, "waits", undefined, newId(t));
    const pending = await at.client.scheduleNewOrchestration("nobodyServesThis", 1, newId(t));
    const before = Date.now();
    await assert.rejects(at.client.waitForOrchestrationCompletion(running, true, 0.4), timedOut);
    await assert.rejects(at.client.waitForOrchestrationStart(pending, true, 0.4), timedOut);
    assert.ok(Date.now() - before >= 790); // Timers of Node.js may be a millisecond early.
    await at.client.raiseOrchestrationEvent(running, "go", "after all");
    assert.equal(await output(at.client, running), "after all");
    await at.client.terminateOrchestration(pending);
});

test("a wait for what does not exist answers at once", async (t) => {
    const before = Date.now();
    assert.equal(await at.client.waitForOrchestrationStart(newId(t), true, 120), undefined);
    assert.equal(await at.client.waitForOrchestrationCompletion(newId(t), true, 120), undefined);
    assert.equal(await at.client.getOrchestrationState(newId(t)), undefined);
    assert.ok(Date.now() - before < 60_000);
});

test("a wait for what has ended answers at once, with payloads or without", async (t) => {
    const id = newId(t);
    await result(at.client, "echo", "x", id);
    const [full, bare] = [await at.client.waitForOrchestrationCompletion(id, true, 30), await at.client.waitForOrchestrationCompletion(id, false, 30)];
    assert.deepEqual([full.serializedInput, full.serializedOutput], ['"x"', '"x"']);
    assert.deepEqual([bare.serializedInput, bare.serializedOutput], [undefined, undefined]);
    assert.equal(nameOf(await at.client.waitForOrchestrationStart(id, false, 30)), "COMPLETED");
});

test("a wait for the start ends with the first turn, or with whatever else ends being pending", async (t) => {
    const startAt = new Date(Date.now() + 400);
    const id = await at.client.scheduleNewOrchestration("waits", undefined, { instanceId: newId(t), startAt });
    assert.equal(nameOf(await at.client.waitForOrchestrationStart(id, false, 30)), "RUNNING");
    const pending = await at.client.scheduleNewOrchestration("nobodyServesThis", 1, newId(t));
    const waiting = at.client.waitForOrchestrationStart(pending, false, 30);
    await at.client.terminateOrchestration(pending);
    assert.equal(nameOf(await waiting), "TERMINATED");
});

test("a wait lasts over generations", async (t) => {
    const id = await begin(at.client, "generations", 3, newId(t));
    const waiting = output(at.client, id);
    for (let number = 0; number < 4; number++) {
        await at.client.raiseOrchestrationEvent(id, "go");
    }
    assert.equal(await waiting, "last");
});

test("fifty waits for one instance all end", async (t) => {
    const id = await begin(at.client, "waits", undefined, newId(t));
    const waits = Array.from({ length: 50 }, () => output(at.client, id));
    await at.client.raiseOrchestrationEvent(id, "go", "everyone");
    assert.deepEqual(await Promise.all(waits), Array(50).fill("everyone"));
});

test("a wait sees the instance that takes the place of an ended one", async (t) => {
    const id = newId(t);
    await result(at.client, "echo", "old", id);
    await at.client.scheduleNewOrchestration("waits", undefined, id);
    const waiting = ended(at.client, id);
    await at.client.raiseOrchestrationEvent(id, "go", "new");
    assert.equal((await waiting).serializedOutput, '"new"');
});

test("hubs are worlds of their own", async (t) => {
    const second = at.newClient("second");
    const id = newId(t);
    await result(at.client, "echo", "in the default hub", id);
    assert.equal(await second.getOrchestrationState(id), undefined);
    await second.scheduleNewOrchestration("echo", "in the second hub", id);
    assert.equal(await status(second, id), "PENDING", "the default hub's worker does not serve the second");
    const worker = await at.startWorker({ orchestrators }, { hub: "second" });
    assert.equal(await output(second, id), "in the second hub");
    assert.equal((await at.client.getOrchestrationState(id)).serializedOutput, '"in the default hub"');
    assert.equal(await output(at.newClient("Second"), id), "in the second hub", "names of hubs ignore case");
    const found = [];
    for await (const state of second.getAllInstances()) {
        found.push(state.instanceId);
    }
    assert.deepEqual(found, [id]);
    await at.stopWorker(worker);
});

test("a hub that does not exist is refused", async (t) => {
    const lost = at.newClient("nowhere");
    await refused(lost.scheduleNewOrchestration("echo", 1, newId(t)), NOT_FOUND);
    await refused(lost.getOrchestrationState(newId(t)), NOT_FOUND);
});
