"use strict";
// Orchestrations that call others.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAll } = require("@microsoft/durabletask-js");
const { Log, begin, ended, failure, newId, nameOf, output, reaches, result, serve, status } = require("./harness.js");

const runs = new Log();

const activities = {
    note: (context, entry) => runs.add(context.orchestrationId, entry),
};

const orchestrators = {
    async *double(context, number) {
        yield context.callActivity("note", number);
        return number * 2;
    },
    failsWith: async (_, text) => {
        throw Object.assign(new Error(text), { name: "ChildError" });
    },
    family: async (context) => ({ id: context.instanceId, parent: context.parent, version: context.version }),
    async *waits(context) {
        return yield context.waitForExternalEvent("go");
    },
    async *nested(context, level) {
        const below = level > 0 ? yield context.callSubOrchestrator("nested", level - 1) : [];
        return [{ id: context.instanceId, level, parent: context.parent?.instanceId }, ...below];
    },
    async *calls(context, { name, input, options }) {
        return yield context.callSubOrchestrator(name, input, options);
    },
    async *fansOut(context, count) {
        return yield whenAll(Array.from({ length: count }, (_, number) => context.callSubOrchestrator("double", number)));
    },
    async *catches(context, { name, input, options }) {
        try {
            yield context.callSubOrchestrator(name, input, options);
        } catch (error) {
            return [error.details.errorType, error.details.message];
        }
        return "did not fail";
    },
    async *failsThreeLevelsDown(context, level) {
        yield level > 0 ? context.callSubOrchestrator("failsThreeLevelsDown", level - 1) : context.callSubOrchestrator("failsWith", "deep");
    },
    async *oneAfterTheOther(context, child) {
        const first = yield context.callSubOrchestrator("double", 1, { instanceId: child });
        return [first, yield context.callSubOrchestrator("double", 2, { instanceId: child })];
    },
};

const at = serve({ orchestrators, activities });

test("a child's result comes back, and the child knows its parent", async (t) => {
    const id = newId(t);
    const child = await result(at.client, "calls", { name: "family" }, id);
    assert.deepEqual(child.parent, { name: "calls", instanceId: id, taskScheduledId: 1 });
    const begun = (await at.client.getOrchestrationHistory(id)).find((event) => event.type === "ExecutionStarted");
    assert.equal(child.id, `${begun.orchestrationInstance.executionId}:0001`);
    const started = (await at.client.getOrchestrationHistory(child.id)).find((event) => event.type === "ExecutionStarted");
    assert.equal(started.parentInstance.orchestrationInstance.instanceId, id);
    assert.equal(started.parentInstance.orchestrationInstance.executionId, begun.orchestrationInstance.executionId);
});

test("three levels below each other", async (t) => {
    const id = newId(t);
    const levels = await result(at.client, "nested", 3, id);
    assert.deepEqual(levels.map(({ level }) => level), [3, 2, 1, 0]);
    assert.equal(levels[0].id, id);
    levels.slice(1).forEach(({ parent }, index) => assert.equal(parent, levels[index].id));
    for (const level of levels) {
        assert.equal(await status(at.client, level.id), "COMPLETED");
    }
});

test("twenty children at once", async () => {
    assert.deepEqual(await result(at.client, "fansOut", 20), Array.from({ length: 20 }, (_, number) => number * 2));
});

test("a failing child fails its parent with its own words", async (t) => {
    const id = newId(t);
    await at.client.scheduleNewOrchestration("calls", { name: "failsWith", input: "out of luck" }, id);
    assert.match((await failure(at.client, id)).message, /out of luck/);
});

test("a parent can catch the failure and read its details", async () => {
    const caught = await result(at.client, "catches", { name: "failsWith", input: "no harm" });
    assert.deepEqual(caught, ["ChildError", "no harm"]);
});

test("a failure climbs up three levels", async (t) => {
    const id = newId(t);
    await at.client.scheduleNewOrchestration("failsThreeLevelsDown", 2, id);
    assert.match((await failure(at.client, id)).message, /deep/);
});

test("a child that is terminated fails in the parent with the reason", async (t) => {
    const id = newId(t);
    const child = `${id}-child`;
    await at.client.scheduleNewOrchestration("catches", { name: "waits", options: { instanceId: child } }, id);
    await reaches(at.client, child, "RUNNING");
    await at.client.terminateOrchestration(child, "no longer needed");
    const [type, message] = await output(at.client, id);
    assert.equal(type, "OrchestrationTerminatedError");
    assert.match(message, /no longer needed/);
    assert.equal(nameOf(await ended(at.client, child)), "TERMINATED");
});

test("an id that a live instance holds fails the call and leaves that instance alone", async (t) => {
    const taken = await begin(at.client, "waits", undefined, newId(t, "taken"));
    const [type] = await result(at.client, "catches", { name: "double", input: 1, options: { instanceId: taken } });
    assert.equal(type, "OrchestrationAlreadyExistsError");
    await at.client.raiseOrchestrationEvent(taken, "go", "still here");
    assert.equal(await output(at.client, taken), "still here");
});

test("an id can be used again once its instance has ended", async (t) => {
    const child = newId(t, "child");
    assert.deepEqual(await result(at.client, "oneAfterTheOther", child, newId(t)), [2, 4]);
    assert.deepEqual(runs.of(child), [1, 2]);
    assert.equal((await at.client.getOrchestrationState(child)).serializedInput, "2");
});

test("a child gets its own version, and the tags of both", async (t) => {
    const child = newId(t, "child");
    const options = { instanceId: child, version: "2.1", tags: { team: "red", step: "one" } };
    const answer = await result(at.client, "calls", { name: "family", options }, { tags: { team: "blue", city: "Oslo" } });
    assert.equal(answer.version, "2.1");
    assert.deepEqual((await at.client.getOrchestrationState(child)).tags, { team: "red", step: "one", city: "Oslo" });
});

test("a child without a worker's name fails like any unknown orchestrator", async () => {
    const [, message] = await result(at.client, "catches", { name: "nobodyHasThis" });
    assert.match(message, /nobodyHasThis/);
});
