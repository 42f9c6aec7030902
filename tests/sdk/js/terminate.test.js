"use strict";
// Termination, with and without a worker at hand.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { terminateOptions, whenAll } = require("@microsoft/durabletask-js");
const { Gates, Log, begin, ended, eventually, holdsFor, nameOf, newId, output, reaches, refused, serve, status } = require("./harness.js");

const NOT_FOUND = 5;
const gates = new Gates();
const runs = new Log();

const activities = {
    gated: async (_, key) => {
        runs.add(key);
        await gates.pass(key);
        return key;
    },
};

const orchestrators = {
    async *waits(context) {
        runs.add(context.instanceId);
        return yield context.waitForExternalEvent("go");
    },
    async *worksThenWaits(context) {
        yield context.callActivity("gated", context.instanceId);
        yield context.callActivity("gated", `${context.instanceId}/second`);
    },
    async *parent(context) {
        yield whenAll([0, 1, 2].map((number) => context.callSubOrchestrator("waits", undefined, { instanceId: `${context.instanceId}-${number}` })));
    },
    async *grandparent(context) {
        yield context.callSubOrchestrator("parent", undefined, { instanceId: `${context.instanceId}-p` });
    },
};

const at = serve({ orchestrators, activities }, { workItemFilters: "auto" });

async function terminated(id) {
    const state = await ended(at.client, id);
    assert.equal(nameOf(state), "TERMINATED");
    assert.equal(state.failureDetails, undefined);
    return JSON.parse(state.serializedOutput);
}

test("a running instance ends with the output it is given", async (t) => {
    const id = await begin(at.client, "waits", undefined, newId(t));
    await at.client.terminateOrchestration(id, { why: "test", recursive: "just a word" });
    assert.deepEqual(await terminated(id), { why: "test", recursive: "just a word" });
    const events = await at.client.getOrchestrationHistory(id);
    assert.equal(events.filter((event) => event.type === "ExecutionTerminated").length, 1);
});

test("without an output it ends with null", async (t) => {
    const id = await begin(at.client, "waits", undefined, newId(t));
    await at.client.terminateOrchestration(id);
    assert.equal(await terminated(id), null);
});

test("terminating again keeps the first output", async (t) => {
    const id = await begin(at.client, "waits", undefined, newId(t));
    await at.client.terminateOrchestration(id, "first");
    assert.equal(await terminated(id), "first");
    await at.client.terminateOrchestration(id, "second");
    assert.equal(await terminated(id), "first");
});

test("a late result wakes nothing", async (t) => {
    const id = await begin(at.client, "worksThenWaits", undefined, newId(t));
    await gates.visited(id);
    await at.client.terminateOrchestration(id, "enough");
    await terminated(id);
    gates.open(id);
    await holdsFor(300, async () => (await status(at.client, id)) === "TERMINATED" && runs.of(`${id}/second`).length === 0, "terminated");
});

test("with recursion all descendants end", async (t) => {
    const id = await begin(at.client, "grandparent", undefined, newId(t));
    const descendants = [`${id}-p`, `${id}-p-0`, `${id}-p-1`, `${id}-p-2`];
    for (const descendant of descendants) {
        await reaches(at.client, descendant, "RUNNING");
    }
    await at.client.terminateOrchestration(id, terminateOptions({ output: "all of you", recursive: true }));
    for (const each of [id, ...descendants]) {
        assert.equal(await terminated(each), "all of you", each);
    }
});

test("without recursion children live on", async (t) => {
    const id = await begin(at.client, "parent", undefined, newId(t));
    const children = [0, 1, 2].map((number) => `${id}-${number}`);
    for (const child of children) {
        await reaches(at.client, child, "RUNNING");
    }
    await at.client.terminateOrchestration(id, terminateOptions({ output: "only me" }));
    assert.equal(await terminated(id), "only me");
    for (const child of children) {
        assert.equal(await status(at.client, child), "RUNNING");
        await at.client.raiseOrchestrationEvent(child, "go", child);
        assert.equal(await output(at.client, child), child);
    }
});

test("a suspended instance ends, also with work under way", async (t) => {
    const id = await begin(at.client, "worksThenWaits", undefined, newId(t));
    await gates.visited(id);
    await at.client.suspendOrchestration(id);
    await reaches(at.client, id, "SUSPENDED");
    await at.client.terminateOrchestration(id, "out");
    assert.equal(await terminated(id), "out");
    gates.open(id);
    await holdsFor(200, () => runs.of(id).length === 1, "one run of the activity");
});

test("a pending instance that nobody serves ends at once", async (t) => {
    const id = await at.client.scheduleNewOrchestration("nobodyServesThis", 1, newId(t));
    assert.equal(await status(at.client, id), "PENDING");
    await at.client.terminateOrchestration(id, "never mind");
    assert.equal(await terminated(id), "never mind");
});

test("an instance that waits for its time ends before it", async (t) => {
    const options = { instanceId: newId(t), startAt: new Date(Date.now() + 3_600_000) };
    const id = await at.client.scheduleNewOrchestration("waits", undefined, options);
    await at.client.terminateOrchestration(id, "not today");
    assert.equal(await terminated(id), "not today");
    assert.deepEqual(runs.of(id), []);
});

test("a pending instance that is suspended ends, too", async (t) => {
    const id = await at.client.scheduleNewOrchestration("nobodyServesThis", 1, newId(t));
    await at.client.suspendOrchestration(id);
    await at.client.terminateOrchestration(id);
    assert.equal(await terminated(id), null);
});

test("a missing instance is refused", async (t) => {
    await refused(at.client.terminateOrchestration(newId(t, "missing")), NOT_FOUND);
});

test("an instance whose worker is gone ends", async (t) => {
    const lonely = { orchestrators: { [`lonely-${newId(t)}`]: orchestrators.waits } };
    const [name] = Object.keys(lonely.orchestrators);
    const worker = await at.startWorker(lonely, { workItemFilters: "auto" });
    const id = await begin(at.client, name, undefined, newId(t));
    await at.stopWorker(worker);
    await at.client.raiseOrchestrationEvent(id, "go", "unheard");
    await at.client.terminateOrchestration(id, "alone");
    assert.equal(await terminated(id), "alone");
    await eventually(async () => (await status(at.client, id)) === "TERMINATED", "to stay terminated");
});
