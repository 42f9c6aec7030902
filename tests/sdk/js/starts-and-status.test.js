"use strict";
// Starts (now, later, long ago), custom status and tags.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { Gates, Log, begin, ended, eventually, failure, nameOf, newId, output, refused, result, serve, status } = require("./harness.js");

const INVALID_ARGUMENT = 3;
const gates = new Gates();
const runs = new Log();

const activities = {
    behindGate: (_, key) => gates.pass(key).then(() => null),
};

const orchestrators = {
    async *notesTheTime(context) {
        runs.add(context.instanceId, Date.now());
        yield context.createTimer(0);
        return "ran";
    },
    async *tells(context, statuses) {
        for (const [step, value] of statuses.entries()) {
            context.setCustomStatus(value);
            yield context.callActivity("behindGate", `${context.instanceId}/${step}`);
        }
        return "told";
    },
    async *tellsThenFails(context) {
        context.setCustomStatus("last words");
        yield context.createTimer(0);
        throw new Error("as announced");
    },
    async *tellsNothingSerializable(context) {
        const circle = {};
        circle.circle = circle;
        context.setCustomStatus(circle);
        yield context.createTimer(0);
    },
};

const at = serve({ orchestrators, activities });

const startOf = async (id) => (await at.client.getOrchestrationHistory(id)).find((event) => event.type === "ExecutionStarted");

test("a start without a time, which this SDK sends as 1970, means now", async (t) => {
    const id = newId(t);
    const before = Date.now();
    assert.equal(await result(at.client, "notesTheTime", undefined, id), "ran");
    assert.ok(runs.of(id)[0] - before < 60_000);
    const state = await at.client.getOrchestrationState(id);
    assert.ok(Math.abs(state.createdAt.getTime() - before) < 60_000, "created now, not in 1970");
    assert.equal((await startOf(id)).scheduledStartTimestamp, undefined);
});

for (const [when, startAt] of [["the epoch itself", new Date(0)], ["an hour ago", new Date(Date.now() - 3_600_000)]]) {
    test(`a start time in the past means now: ${when}`, async (t) => {
        assert.equal(await result(at.client, "notesTheTime", undefined, { instanceId: newId(t), startAt }), "ran");
    });
}

test("a start in the future waits for its time", async (t) => {
    const startAt = new Date(Date.now() + 1200);
    const id = await at.client.scheduleNewOrchestration("notesTheTime", undefined, newId(t), startAt);
    const early = await status(at.client, id);
    assert.ok(early === "PENDING" || Date.now() >= startAt.getTime(), early);
    assert.equal(nameOf(await at.client.waitForOrchestrationStart(id, false, 30)) === "PENDING", false);
    assert.equal(await output(at.client, id), "ran");
    assert.ok(runs.of(id)[0] >= startAt.getTime(), "ran too early");
    assert.deepEqual((await startOf(id)).scheduledStartTimestamp, startAt);
});

test("starts in the future begin in the order of their times", async (t) => {
    // On a machine that stalls several can be due at once; then it tries again with more time between them.
    for (const pause of [150, 1500, 5000]) {
        const base = Date.now() + 500;
        const ids = [newId(t, "c"), newId(t, "a"), newId(t, "b")];
        const delays = [2 * pause, 0, pause];
        await Promise.all(ids.map((id, index) =>
            at.client.scheduleNewOrchestration("notesTheTime", undefined, { instanceId: id, startAt: new Date(base + delays[index]) })));
        for (const [index, id] of ids.entries()) {
            await output(at.client, id);
            assert.ok(runs.of(id)[0] >= base + delays[index]);
        }
        const [third, first, second] = ids.map((id) => runs.of(id)[0]);
        if (first < second && second < third) {
            return;
        }
    }
    assert.fail("never in the order of their times");
});

test("a made-up id is given when none is named", async () => {
    const [one, other] = await Promise.all([1, 2].map(() => at.client.scheduleNewOrchestration("notesTheTime")));
    assert.ok(one && other && one !== other);
    await Promise.all([one, other].map((id) => output(at.client, id)));
});

test("ids up to 256 characters, of any alphabet; longer or unusable ones are refused", async () => {
    for (const id of ["ü漢字🦀 id:with-some~punctuation", "x".repeat(256), "a:b:0001"]) {
        assert.equal(await result(at.client, "notesTheTime", undefined, id), "ran");
        assert.equal((await at.client.getOrchestrationState(id)).instanceId, id);
    }
    for (const id of ["x".repeat(257), "@entity@1", "a/b", "line\nbreak"]) {
        await refused(at.client.scheduleNewOrchestration("notesTheTime", undefined, id), INVALID_ARGUMENT);
    }
    await refused(at.client.scheduleNewOrchestration(" "), INVALID_ARGUMENT);
});

test("the custom status is that of the last turn, and none clears it", async (t) => {
    const statuses = ["one", { step: 2, text: "zwölf ☃" }, [3], 0, null, "six"];
    const id = await begin(at.client, "tells", statuses, newId(t));
    for (const [step, value] of statuses.entries()) {
        await gates.visited(`${id}/${step}`);
        const { serializedCustomStatus } = await at.client.getOrchestrationState(id);
        assert.equal(serializedCustomStatus, value === null ? undefined : JSON.stringify(value), `step ${step}`);
        gates.open(`${id}/${step}`);
    }
    const state = await ended(at.client, id);
    assert.equal(state.serializedCustomStatus, '"six"');
    assert.equal((await at.client.getOrchestrationState(id, false)).serializedCustomStatus, undefined);
});

test("a failed instance keeps its last custom status", async (t) => {
    const id = await at.client.scheduleNewOrchestration("tellsThenFails", undefined, newId(t));
    await failure(at.client, id);
    assert.equal((await at.client.getOrchestrationState(id)).serializedCustomStatus, '"last words"');
});

test("a custom status that is no JSON fails its orchestration in the worker", async (t) => {
    const id = await at.client.scheduleNewOrchestration("tellsNothingSerializable", undefined, newId(t));
    assert.match((await failure(at.client, id)).message, /not JSON-serializable/);
});

test("tags come back in every answer", async (t) => {
    const tags = { team: "blue", "ключ": "значение ☃", empty: "" };
    const id = newId(t);
    await at.client.scheduleNewOrchestration("notesTheTime", undefined, { instanceId: id, tags });
    assert.deepEqual((await ended(at.client, id)).tags, tags);
    assert.deepEqual((await at.client.getOrchestrationState(id, false)).tags, tags);
    assert.deepEqual((await startOf(id)).tags, tags);
    for await (const state of at.client.getAllInstances({ instanceIdPrefix: id })) {
        assert.deepEqual(state.tags, tags);
    }
});

test("too many tags are refused", async () => {
    const tags = Object.fromEntries(Array.from({ length: 65 }, (_, number) => [`tag-${number}`, "x"]));
    const error = await refused(at.client.scheduleNewOrchestration("notesTheTime", undefined, { tags }), INVALID_ARGUMENT);
    assert.match(error.details, /tags.*64/);
});

test("times and name of an instance", async (t) => {
    const id = newId(t);
    const before = Date.now();
    await result(at.client, "notesTheTime", undefined, id);
    const state = await at.client.getOrchestrationState(id);
    assert.equal(state.name, "notesTheTime");
    assert.ok(before - 5 <= state.createdAt.getTime() && state.createdAt <= state.lastUpdatedAt);
    await eventually(() => Date.now() >= state.lastUpdatedAt.getTime(), "the last change to be past");
});
