"use strict";
// Rewinding failed instances: what failed runs again, what succeeded does not.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAll } = require("@microsoft/durabletask-js");
const { Log, begin, ended, failure, newId, output, result, serve, status } = require("./harness.js");

const runs = new Log();
const broken = new Set();

const activities = {
    /** Fails as long as its key is broken. */
    fragile: (context, key) => {
        runs.add(context.orchestrationId, key);
        if (broken.has(key)) {
            throw Object.assign(new Error(`${key} is broken`), { name: "Broken" });
        }
        return `${key} done`;
    },
};

const orchestrators = {
    async *inARow(context, keys) {
        const results = [];
        for (const key of keys) {
            results.push(yield context.callActivity("fragile", key));
        }
        return results;
    },
    async *atOnce(context, keys) {
        return yield whenAll(keys.map((key) => context.callActivity("fragile", key)));
    },
    /** Lets all have their turn before it fails. */
    async *allThenFail(context, keys) {
        const [results, failures] = [[], []];
        for (const key of keys) {
            try {
                results.push(yield context.callActivity("fragile", key));
            } catch (error) {
                failures.push(error.details.message);
            }
        }
        if (failures.length > 0) {
            throw new Error(failures.join());
        }
        return results;
    },
    async *parent(context, { keys, levels }) {
        const first = yield context.callActivity("fragile", `${keys[0]}-level-${levels}`);
        const options = { instanceId: `${context.instanceId}-c` };
        const below = levels > 1
            ? yield context.callSubOrchestrator("parent", { keys, levels: levels - 1 }, options)
            : yield context.callSubOrchestrator("inARow", keys, options);
        return [first, below];
    },
    async *throwsWhileBroken(context, key) {
        yield context.callActivity("fragile", `${key}-step`);
        if (broken.has(key)) {
            throw new Error("by its own hand");
        }
        return "mended";
    },
    async *waits(context) {
        return yield context.waitForExternalEvent("go");
    },
};

const at = serve({ orchestrators, activities });

/** Keys of this test only; the second of them is broken. */
function keysOf(t) {
    const id = newId(t);
    const keys = ["a", "b", "c"].map((letter) => `${id}-${letter}`);
    broken.add(keys[1]);
    return { id, keys };
}

const done = (keys) => keys.map((key) => `${key} done`);

test("a failed activity runs again, those that succeeded do not", async (t) => {
    const { id, keys } = keysOf(t);
    await at.client.scheduleNewOrchestration("inARow", keys, { instanceId: id, tags: { a: "b" }, version: "1.0" });
    assert.match((await failure(at.client, id)).message, /is broken/);
    const before = await at.client.getOrchestrationState(id);
    broken.delete(keys[1]);
    await at.client.rewindInstance(id, "mended");
    assert.deepEqual(await output(at.client, id), done(keys));
    assert.deepEqual(runs.of(id), [keys[0], keys[1], keys[1], keys[2]]);
    const state = await at.client.getOrchestrationState(id);
    assert.equal(state.failureDetails, undefined);
    assert.deepEqual([state.createdAt, state.tags, state.serializedInput], [before.createdAt, { a: "b" }, JSON.stringify(keys)]);
    const events = await at.client.getOrchestrationHistory(id);
    assert.deepEqual(events.filter((event) => event.type === "TaskFailed"), []);
    assert.equal(events.filter((event) => event.type === "ExecutionCompleted").length, 1);
});

test("several activities that failed run again", async (t) => {
    const { id, keys } = keysOf(t);
    keys.forEach((key) => broken.add(key));
    await at.client.scheduleNewOrchestration("atOnce", keys, id);
    await failure(at.client, id);
    keys.forEach((key) => broken.delete(key));
    await at.client.rewindInstance(id);
    assert.deepEqual(await output(at.client, id), done(keys));
});

test("a failed child is rewound with its parent", async (t) => {
    const { id, keys } = keysOf(t);
    await at.client.scheduleNewOrchestration("parent", { keys, levels: 1 }, id);
    await failure(at.client, id);
    await failure(at.client, `${id}-c`);
    broken.delete(keys[1]);
    await at.client.rewindInstance(id, "from above");
    assert.deepEqual(await output(at.client, id), [`${keys[0]}-level-1 done`, done(keys)]);
    assert.equal(await status(at.client, `${id}-c`), "COMPLETED");
    assert.equal(runs.of(id).length, 1, "the parent's own activity does not run again");
    assert.deepEqual(runs.of(`${id}-c`), [keys[0], keys[1], keys[1], keys[2]]);
});

test("three levels are rewound from the top", async (t) => {
    const { id, keys } = keysOf(t);
    await at.client.scheduleNewOrchestration("parent", { keys, levels: 3 }, id);
    await failure(at.client, id);
    broken.delete(keys[1]);
    await at.client.rewindInstance(id, "from the top");
    const [, [, [, lowest]]] = await output(at.client, id);
    assert.deepEqual(lowest, done(keys));
    for (const each of [`${id}-c`, `${id}-c-c`, `${id}-c-c-c`]) {
        assert.equal(await status(at.client, each), "COMPLETED");
    }
});

test("a child that was purged meanwhile is started anew", async (t) => {
    const { id, keys } = keysOf(t);
    await at.client.scheduleNewOrchestration("parent", { keys, levels: 1 }, id);
    await failure(at.client, id);
    await at.client.purgeOrchestration(`${id}-c`);
    broken.delete(keys[1]);
    await at.client.rewindInstance(id, "without the child");
    assert.deepEqual((await output(at.client, id))[1], done(keys));
    assert.deepEqual(runs.of(`${id}-c`), [keys[0], keys[1], ...keys]);
});

test("what fails again can be rewound again", async (t) => {
    const { id, keys } = keysOf(t);
    await at.client.scheduleNewOrchestration("inARow", keys, id);
    await failure(at.client, id);
    await at.client.rewindInstance(id, "too early");
    assert.match((await failure(at.client, id)).message, /is broken/);
    broken.delete(keys[1]);
    await at.client.rewindInstance(id, "now");
    assert.deepEqual(await output(at.client, id), done(keys));
    assert.deepEqual(runs.of(id), [keys[0], keys[1], keys[1], keys[1], keys[2]]);
});

test("an orchestration that failed by itself replays, fails again, and goes on once its code is mended", async (t) => {
    const { id, keys: [, key] } = keysOf(t);
    await at.client.scheduleNewOrchestration("throwsWhileBroken", key, id);
    await failure(at.client, id);
    await at.client.rewindInstance(id, "hope");
    assert.match((await failure(at.client, id)).message, /by its own hand/);
    broken.delete(key);
    await at.client.rewindInstance(id, "knowledge");
    assert.equal(await output(at.client, id), "mended");
    assert.deepEqual(runs.of(id), [`${key}-step`]);
});

test("a missing instance cannot be rewound", async (t) => {
    await assert.rejects(at.client.rewindInstance(newId(t, "missing"), "x"), /was not found/);
});

test("what has not failed cannot be rewound and stays as it is", async (t) => {
    const running = await begin(at.client, "waits", undefined, newId(t, "running"));
    const completed = newId(t, "completed");
    await result(at.client, "inARow", [completed], completed);
    const terminated = await begin(at.client, "waits", undefined, newId(t, "terminated"));
    await at.client.terminateOrchestration(terminated);
    await ended(at.client, terminated);
    for (const id of [running, completed, terminated]) {
        const before = await at.client.getOrchestrationState(id);
        const error = await at.client.rewindInstance(id, "x").then(() => assert.fail("was accepted"), (refusal) => refusal);
        assert.equal(error.cause?.code, 9, String(error));
        assert.deepEqual(await at.client.getOrchestrationState(id), before);
    }
    await at.client.raiseOrchestrationEvent(running, "go", "on");
    assert.equal(await output(at.client, running), "on");
});

// The protocol's own rewrite takes back every failure. Code that has caught one and gone on may have undone its work, or may call
// something else now, so such a failure stays (docs/decisions/0007-rewind.md).
test("a failure that the orchestration caught and went on after stays; the last one is taken back", async (t) => {
    const { id, keys } = keysOf(t);
    broken.add(keys[2]);
    await at.client.scheduleNewOrchestration("allThenFail", keys, id);
    await failure(at.client, id);
    broken.delete(keys[1]);
    broken.delete(keys[2]);
    await at.client.rewindInstance(id, "both mended");
    await failure(at.client, id);
    assert.deepEqual(runs.of(id), [...keys, keys[2]]);
});

test("the history tells that it was rewound, and why", async (t) => {
    const { id, keys } = keysOf(t);
    await at.client.scheduleNewOrchestration("inARow", keys, id);
    await failure(at.client, id);
    broken.delete(keys[1]);
    await at.client.rewindInstance(id, "mended");
    await output(at.client, id);
    const marks = (await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "ExecutionRewound");
    assert.deepEqual(marks.map((event) => event.reason), ["mended"]);
});
