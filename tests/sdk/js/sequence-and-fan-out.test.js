"use strict";
// Activities one after the other and side by side.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAll, whenAny } = require("@microsoft/durabletask-js");
const { Gates, Log, failure, newId, output, result, serve } = require("./harness.js");

const gates = new Gates();
const runs = new Log();

const activities = {
    addOne: (context, number) => {
        runs.add(context.orchestrationId, number);
        return number + 1;
    },
    square: async (_, number) => number * number,
    behindGate: async (context, key) => {
        runs.add(context.orchestrationId, key);
        await gates.pass(`${context.orchestrationId}/${key}`);
        return key;
    },
    whoAmI: (context) => [context.orchestrationId, context.taskId],
    nothing: () => undefined,
    fails: (_, text) => {
        throw new RangeError(text);
    },
};

const orchestrators = {
    async *chain(context, { from, steps }) {
        let number = from;
        for (let step = 0; step < steps; step++) {
            number = yield context.callActivity("addOne", number);
        }
        return number;
    },
    async *fanOut(context, count) {
        const tasks = Array.from({ length: count }, (_, number) => context.callActivity("square", number));
        return yield whenAll(tasks);
    },
    async *race(context, keys) {
        const tasks = keys.map((key) => context.callActivity("behindGate", key));
        const first = yield whenAny(tasks);
        return [tasks.indexOf(first), first.getResult()];
    },
    async *introductions(context) {
        const first = yield context.callActivity("whoAmI");
        const second = yield context.callActivity("whoAmI");
        return [first, second];
    },
    plain: async (context, input) => ({ id: context.instanceId, input }),
    async *returnsNothing(context) {
        return yield context.callActivity("nothing");
    },
    async *sameEveryReplay(context) {
        const before = [context.newGuid(), context.newGuid(), context.currentUtcDateTime.toISOString()];
        runs.add(`${context.instanceId}/replays`, before.join());
        yield context.callActivity("addOne", 1);
        yield context.callActivity("addOne", 2);
        return [before, context.newGuid(), context.currentUtcDateTime.toISOString()];
    },
    async *catches(context, text) {
        try {
            yield context.callActivity("fails", text);
        } catch (error) {
            return yield context.callActivity("addOne", error.message.includes(text) ? 1 : -1);
        }
        return "did not fail";
    },
    async *oneOfManyFails(context, count) {
        yield whenAll(Array.from({ length: count }, (_, number) =>
            number === 3 ? context.callActivity("fails", "number three") : context.callActivity("square", number)));
    },
    async *callsTheUnknown(context) {
        yield context.callActivity("nobodyHasThis");
    },
};

const at = serve({ orchestrators, activities });

test("a chain passes each result on and runs every step once", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "chain", { from: 5, steps: 12 }, id), 17);
    assert.deepEqual(runs.of(id), [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
});

test("fifty activities at once come back in the order of their calls", async () => {
    const squares = await result(at.client, "fanOut", 50);
    assert.deepEqual(squares, Array.from({ length: 50 }, (_, number) => number * number));
    assert.deepEqual(await result(at.client, "fanOut", 0), []);
});

test("thirty chains at once do not mix", async (t) => {
    const ids = Array.from({ length: 30 }, (_, number) => newId(t, String(number)));
    await Promise.all(ids.map((id, number) => at.client.scheduleNewOrchestration("chain", { from: number * 100, steps: 4 }, id)));
    assert.deepEqual(await Promise.all(ids.map((id) => output(at.client, id))), ids.map((_, number) => number * 100 + 4));
    assert.ok(ids.every((id) => runs.of(id).length === 4));
});

test("the first of several decides a race, and the rest does not harm", async (t) => {
    const id = await at.client.scheduleNewOrchestration("race", ["a", "b", "c"], newId(t));
    for (const key of ["a", "b", "c"]) {
        await gates.visited(`${id}/${key}`);
    }
    gates.open(`${id}/b`);
    assert.deepEqual(await output(at.client, id), [1, "b"]);
    gates.open(`${id}/a`);
    gates.open(`${id}/c`);
    assert.deepEqual(runs.of(id).sort(), ["a", "b", "c"]);
});

test("activities know their orchestration and their number", async (t) => {
    const id = newId(t);
    assert.deepEqual(await result(at.client, "introductions", undefined, id), [[id, 1], [id, 2]]);
});

test("an orchestrator without tasks ends in its first turn", async (t) => {
    const id = newId(t);
    assert.deepEqual(await result(at.client, "plain", { a: [1] }, id), { id, input: { a: [1] } });
});

test("no result is no output", async () => {
    assert.equal(await result(at.client, "returnsNothing"), undefined);
});

test("made-up ids and the time are the same in every replay", async (t) => {
    const id = newId(t);
    const [[first, second, began], third, ended] = await result(at.client, "sameEveryReplay", undefined, id);
    const replays = runs.of(`${id}/replays`);
    assert.equal(replays.length, 3);
    assert.equal(new Set(replays).size, 1);
    assert.equal(new Set([first, second, third]).size, 3);
    assert.ok(began <= ended);
});

test("a failure can be caught and the orchestration goes on", async () => {
    assert.equal(await result(at.client, "catches", "out of range"), 2);
});

test("a failure that nobody catches fails the orchestration with its text", async (t) => {
    const id = await at.client.scheduleNewOrchestration("oneOfManyFails", 10, newId(t));
    const details = await failure(at.client, id);
    assert.match(details.message, /number three/);
});

test("names that no worker knows fail", async (t) => {
    const unknown = await at.client.scheduleNewOrchestration("nobodyHasThisEither", undefined, newId(t));
    assert.match((await failure(at.client, unknown)).message, /nobodyHasThisEither/);
    const caller = await at.client.scheduleNewOrchestration("callsTheUnknown", undefined, newId(t));
    assert.match((await failure(at.client, caller)).message, /nobodyHasThis/);
});
