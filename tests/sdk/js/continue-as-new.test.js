"use strict";
// Generations.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAny } = require("@microsoft/durabletask-js");
const { Gates, Log, begin, ended, eventually, failure, newId, output, result, serve } = require("./harness.js");

const gates = new Gates();
const runs = new Log();

const activities = {
    count: (context, generation) => runs.add(context.orchestrationId, generation),
    behindGate: (_, key) => gates.pass(key).then(() => "late"),
};

const orchestrators = {
    async *generations(context, { generation, last }) {
        yield context.callActivity("count", generation);
        if (generation < last) {
            context.continueAsNew({ generation: generation + 1, last });
            return;
        }
        return generation;
    },
    /** Takes up to `each` events in a generation, and goes on with what it has seen until there are `last`. */
    async *gathers(context, { seen, each, last }) {
        if (seen.length === 0) {
            yield context.callActivity("behindGate", context.instanceId);
        }
        for (let number = 0; number < each && seen.length < last; number++) {
            seen.push(yield context.waitForExternalEvent("item"));
        }
        if (seen.length < last) {
            context.continueAsNew({ seen, each, last }, true);
            return;
        }
        return seen;
    },
    child: async (_, generation) => generation * 2,
    async *oneChildEach(context, { generation, total, last }) {
        const doubled = yield context.callSubOrchestrator("child", generation);
        if (generation < last) {
            context.continueAsNew({ generation: generation + 1, total: total + doubled, last });
            return;
        }
        return total + doubled;
    },
    async *leavesWorkBehind(context, generation) {
        if (generation === 0) {
            const tasks = [context.callActivity("behindGate", context.instanceId), context.createTimer(86400)];
            yield whenAny([...tasks, context.waitForExternalEvent("move on")]);
            context.continueAsNew(1);
            return;
        }
        const first = yield context.callActivity("count", "second generation");
        yield context.waitForExternalEvent("finish");
        return ["second generation", first];
    },
    async *failsLater(context, generation) {
        yield context.callActivity("count", generation);
        if (generation === 3) {
            throw new Error("third generation");
        }
        context.continueAsNew(generation + 1);
    },
    async *tellsStatus(context, generation) {
        if (generation === 1) {
            context.setCustomStatus("first");
            yield context.createTimer(0);
            context.continueAsNew(2);
            return;
        }
        yield context.waitForExternalEvent("go");
        return context.version;
    },
    async *dropsEvents(context, generation) {
        if (generation === 1) {
            yield context.waitForExternalEvent("go");
            context.continueAsNew(2, false);
            return;
        }
        return yield context.waitForExternalEvent("item");
    },
};

const at = serve({ orchestrators, activities });

/** The id of the current execution, undefined as long as its first turn is not committed. */
const executionOf = async (id) => {
    const begun = (await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "ExecutionStarted");
    assert.ok(begun.length <= 1, "one start in each generation");
    return begun[0]?.orchestrationInstance.executionId;
};

/** Waits for the first turn of the generation after `execution`. */
const goesOn = (id, execution) => eventually(async () => ![execution, undefined].includes(await executionOf(id)), "the next generation");

test("twenty generations", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "generations", { generation: 1, last: 20 }, id), 20);
    assert.deepEqual(runs.of(id), Array.from({ length: 20 }, (_, index) => index + 1));
    const state = await at.client.getOrchestrationState(id);
    assert.deepEqual(JSON.parse(state.serializedInput), { generation: 20, last: 20 });
});

test("a thousand events from fifty senders, counted over many generations", async (t) => {
    const id = await begin(at.client, "gathers", { seen: [], each: 25, last: 1000 }, newId(t));
    await gates.visited(id);
    const sender = async (name) => {
        for (let number = 0; number < 20; number++) {
            await at.client.raiseOrchestrationEvent(id, "item", [name, number]);
            if (name === 0 && number === 3) {
                gates.open(id);
            }
        }
    };
    await Promise.all(Array.from({ length: 50 }, (_, name) => sender(name)));
    const seen = await output(at.client, id);
    assert.equal(seen.length, 1000);
    for (let name = 0; name < 50; name++) {
        const own = seen.filter(([from]) => from === name).map(([, number]) => number);
        assert.deepEqual(own, Array.from({ length: 20 }, (_, number) => number), `sender ${name}`);
    }
});

test("events in hand go along to the next generation, in order", async (t) => {
    const id = await begin(at.client, "gathers", { seen: [], each: 1, last: 30 }, newId(t));
    await gates.visited(id);
    for (let number = 0; number < 30; number++) {
        await at.client.raiseOrchestrationEvent(id, "item", number);
    }
    gates.open(id);
    assert.deepEqual(await output(at.client, id), Array.from({ length: 30 }, (_, number) => number));
});

test("events in hand are dropped when the orchestration says so", async (t) => {
    const id = await begin(at.client, "dropsEvents", 1, newId(t));
    const first = await executionOf(id);
    await at.client.suspendOrchestration(id);
    await at.client.raiseOrchestrationEvent(id, "item", "in hand");
    await at.client.raiseOrchestrationEvent(id, "go");
    await at.client.resumeOrchestration(id);
    await goesOn(id, first);
    await at.client.raiseOrchestrationEvent(id, "item", "later");
    assert.equal(await output(at.client, id), "later");
});

test("each generation calls its child under an id of its own", async () => {
    assert.equal(await result(at.client, "oneChildEach", { generation: 1, total: 0, last: 20 }), 420);
});

test("a generation is a new execution; the instance stays the one that was created", async (t) => {
    const id = await begin(at.client, "leavesWorkBehind", 0, newId(t));
    await gates.visited(id);
    const [before, state] = [await executionOf(id), await at.client.getOrchestrationState(id)];
    await at.client.raiseOrchestrationEvent(id, "move on");
    await goesOn(id, before);
    await at.client.raiseOrchestrationEvent(id, "finish");
    const after = await ended(at.client, id);
    gates.open(id);
    assert.notEqual(await executionOf(id), before);
    assert.deepEqual(after.createdAt, state.createdAt);
});

test("results for an old generation do not reach the new one", async (t) => {
    const id = await begin(at.client, "leavesWorkBehind", 0, newId(t));
    await gates.visited(id);
    const first = await executionOf(id);
    await at.client.raiseOrchestrationEvent(id, "move on");
    gates.open(id);
    await goesOn(id, first);
    await at.client.raiseOrchestrationEvent(id, "finish");
    assert.deepEqual(await output(at.client, id), ["second generation", 1]);
});

test("a failure in a later generation fails the instance", async (t) => {
    const id = await at.client.scheduleNewOrchestration("failsLater", 1, newId(t));
    assert.match((await failure(at.client, id)).message, /third generation/);
    assert.deepEqual(runs.of(id), [1, 2, 3]);
});

test("version and tags stay over generations, a custom status until a turn has none", async (t) => {
    const options = { instanceId: newId(t), version: "1.2", tags: { a: "b" } };
    const id = await begin(at.client, "tellsStatus", 1, options);
    const second = async () => {
        const events = await at.client.getOrchestrationHistory(id);
        return events.find((event) => event.type === "ExecutionStarted")?.input === "2";
    };
    await eventually(second, "the second generation");
    assert.equal((await at.client.getOrchestrationState(id)).serializedCustomStatus, undefined);
    await at.client.raiseOrchestrationEvent(id, "go");
    assert.equal(await output(at.client, id), "1.2");
    assert.deepEqual((await at.client.getOrchestrationState(id)).tags, { a: "b" });
});
