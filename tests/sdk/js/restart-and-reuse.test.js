"use strict";
// Running again what has ended, by restart and by a new start with the same id.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { begin, ended, failure, nameOf, newId, output, reaches, refused, result, serve, status } = require("./harness.js");

const ALREADY_EXISTS = 6;

const orchestrators = {
    echo: async (_, value) => value,
    async *waits(context, value) {
        return [value, yield context.waitForExternalEvent("go")];
    },
    fails: async (_, text) => {
        throw new Error(text);
    },
    async *callsChild(context, value) {
        return yield context.callSubOrchestrator("echo", value, { instanceId: `${context.instanceId}-child` });
    },
    async *countsDown(context, number) {
        if (number > 0) {
            context.continueAsNew(number - 1);
            return;
        }
        return "done";
    },
};

const at = serve({ orchestrators });

const begun = async (id) => (await at.client.getOrchestrationHistory(id)).find((event) => event.type === "ExecutionStarted");

test("an ended instance runs again under its own id", async (t) => {
    const id = newId(t);
    await result(at.client, "echo", { a: "ü" }, id);
    const [before, old] = [await begun(id), await at.client.getOrchestrationState(id)];
    assert.equal(await at.client.restartOrchestration(id), id);
    assert.deepEqual(await output(at.client, id), { a: "ü" });
    const after = await begun(id);
    assert.notEqual(after.orchestrationInstance.executionId, before.orchestrationInstance.executionId);
    assert.ok((await at.client.getOrchestrationState(id)).createdAt >= old.createdAt);
    assert.ok(after.timestamp > before.timestamp);
});

test("a new id leaves the old instance alone", async (t) => {
    const options = { instanceId: newId(t), tags: { team: "blue" }, version: "1.5" };
    const id = await at.client.scheduleNewOrchestration("echo", 3, options);
    const old = await ended(at.client, id);
    const used = await at.client.restartOrchestration(id, true);
    assert.notEqual(used, id);
    assert.equal(await output(at.client, used), 3);
    assert.deepEqual(await at.client.getOrchestrationState(id), old);
    const { tags, version, input } = await begun(used);
    assert.deepEqual({ tags, version, input }, { tags: { team: "blue" }, version: "1.5", input: "3" });
});

test("a failed instance runs, and fails, again", async (t) => {
    const id = await at.client.scheduleNewOrchestration("fails", "on purpose", newId(t));
    await failure(at.client, id);
    const used = await at.client.restartOrchestration(id, true);
    assert.match((await failure(at.client, used)).message, /on purpose/);
});

test("events of the old run do not reach the new one", async (t) => {
    const id = await begin(at.client, "waits", 7, newId(t));
    await at.client.raiseOrchestrationEvent(id, "go", "first");
    assert.deepEqual(await output(at.client, id), [7, "first"]);
    await at.client.restartOrchestration(id);
    const state = await at.client.waitForOrchestrationStart(id, true, 30);
    assert.equal(nameOf(state), "RUNNING");
    assert.equal(state.serializedOutput, undefined);
    await at.client.raiseOrchestrationEvent(id, "go", "second");
    assert.deepEqual(await output(at.client, id), [7, "second"]);
});

for (const newInstance of [false, true]) {
    test(`what lives or is missing is not restarted (with a new id: ${newInstance})`, async (t) => {
        const id = await begin(at.client, "waits", 1, newId(t));
        await assert.rejects(at.client.restartOrchestration(id, newInstance), /cannot be restarted/);
        await assert.rejects(at.client.restartOrchestration(newId(t, "missing"), newInstance), /was not found/);
        await at.client.terminateOrchestration(id);
        await ended(at.client, id);
        await at.client.restartOrchestration(id, newInstance);
    });
}

test("a parent that is restarted runs its child again", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "callsChild", 4, id), 4);
    const child = await begun(`${id}-child`);
    await at.client.restartOrchestration(id);
    assert.equal(await output(at.client, id), 4);
    assert.ok((await begun(`${id}-child`)).timestamp > child.timestamp);
});

test("after continue-as-new the newest input counts", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "countsDown", 2, id), "done");
    const used = await at.client.restartOrchestration(id, true);
    assert.equal(await output(at.client, used), "done");
    assert.equal((await at.client.getOrchestrationState(used)).serializedInput, "0");
});

test("the id of a live instance is refused, whatever its state", async (t) => {
    const running = await begin(at.client, "waits", 1, newId(t, "running"));
    const suspended = await begin(at.client, "waits", 1, newId(t, "suspended"));
    await at.client.suspendOrchestration(suspended);
    await reaches(at.client, suspended, "SUSPENDED");
    const startAt = new Date(Date.now() + 3_600_000);
    const pending = await at.client.scheduleNewOrchestration("waits", 1, { instanceId: newId(t, "pending"), startAt });
    for (const [id, expected] of [[running, "RUNNING"], [suspended, "SUSPENDED"], [pending, "PENDING"]]) {
        await refused(at.client.scheduleNewOrchestration("echo", 2, id), ALREADY_EXISTS);
        assert.equal(await status(at.client, id), expected);
        assert.equal((await at.client.getOrchestrationState(id)).serializedInput, "1");
        await at.client.terminateOrchestration(id);
    }
});

test("the id of an ended instance is free, however it ended", async (t) => {
    const completed = newId(t, "completed");
    await result(at.client, "echo", 1, completed);
    const failed = await at.client.scheduleNewOrchestration("fails", "x", newId(t, "failed"));
    await failure(at.client, failed);
    const terminated = await begin(at.client, "waits", 1, newId(t, "terminated"));
    await at.client.terminateOrchestration(terminated);
    await ended(at.client, terminated);
    for (const id of [completed, failed, terminated]) {
        assert.equal(await result(at.client, "echo", "again", id), "again");
        const state = await at.client.getOrchestrationState(id);
        assert.equal(state.failureDetails, undefined);
        assert.equal((await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "ExecutionStarted").length, 1);
    }
});

test("of many starts with one id exactly one succeeds", async (t) => {
    const id = newId(t);
    const starts = Array.from({ length: 20 }, (_, number) =>
        at.client.scheduleNewOrchestration("waits", number, id).then(() => ({ number }), ({ code }) => ({ code })));
    const answers = await Promise.all(starts);
    const [winner, ...others] = answers.filter((answer) => answer.code === undefined);
    assert.deepEqual(others, []);
    assert.ok(answers.every((answer) => answer === winner || answer.code === ALREADY_EXISTS), JSON.stringify(answers));
    await at.client.raiseOrchestrationEvent(id, "go", "x");
    assert.deepEqual(await output(at.client, id), [winner.number, "x"]);
});
