"use strict";
// Entities: operations by signal and call, what they do to the state, and what they set going.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { EntityInstanceId, whenAll } = require("@microsoft/durabletask-js");
const { counter, entities, journal } = require("./counter.js");
const { eventually, holds, newId, output, result, serve, stateOf, status } = require("./harness.js");

/** Calls an entity, and gives what went wrong instead of failing. */
async function* attempt(context, entity, operation, input) {
    try {
        return { value: yield context.entities.callEntity(entity, operation, input) };
    } catch (error) {
        return { error: error.message };
    }
}

const orchestrators = {
    echoes: async (_, input) => ({ echo: input }),
    async *signalsThenCalls(context, key) {
        for (let amount = 1; amount <= 4; amount++) {
            context.entities.signalEntity(counter(key), "add", amount);
        }
        const seen = yield context.entities.callEntity(counter(key), "get");
        return [seen, yield context.entities.callEntity(counter(key), "add", 10)];
    },
    async *callsManyAtOnce(context, key) {
        return yield whenAll([1, 2, 3, 4, 5].map(() => context.entities.callEntity(counter(key), "add", 1)));
    },
    async *triesThreeTimes(context, key) {
        const results = [];
        for (const [operation, input] of [["add", 5], ["spoil", "out of range"], ["no such operation"], ["get"]]) {
            results.push(yield* attempt(context, counter(key), operation, input));
        }
        return results;
    },
    async *callsNobody(context, key) {
        return yield* attempt(context, new EntityInstanceId("nosuch", key), "get");
    },
    async *signalsLater(context, { key, after }) {
        const signalTime = new Date(context.currentUtcDateTime.getTime() + after);
        context.entities.signalEntity(journal(key), "noteTime", undefined, { signalTime });
        return signalTime.getTime();
    },
    async *calls(context, { key, operation, input }) {
        return yield context.entities.callEntity(counter(key), operation, input);
    },
};

const at = serve({ orchestrators, entities });

test("signals of one client run in the order in which they were sent", async (t) => {
    const id = newId(t);
    const lines = Array.from({ length: 20 }, (_, number) => `line ${number}`);
    for (const line of lines) {
        await at.client.signalEntity(journal(id), "note", line);
    }
    await holds(at.client, journal(id), lines);
});

test("500 signals at once count 500 times", async (t) => {
    const id = newId(t);
    await Promise.all(Array.from({ length: 500 }, () => at.client.signalEntity(counter(id), "add", 1)));
    const entity = await eventually(async () => {
        const found = await at.client.getEntity(counter(id));
        return found?.backlogQueueSize === 0 && found;
    }, "no signal to wait");
    assert.equal(entity.state, 500);
});

test("an orchestration's call sees the signals that it has sent before", async (t) => {
    const id = newId(t);
    assert.deepEqual(await result(at.client, "signalsThenCalls", id), [10, 20]);
    await holds(at.client, counter(id), 20);
});

test("calls at once run one after the other", async (t) => {
    assert.deepEqual(await result(at.client, "callsManyAtOnce", newId(t)), [1, 2, 3, 4, 5]);
});

test("keys are told apart by case, and names are not", async (t) => {
    const id = newId(t);
    await at.client.signalEntity(new EntityInstanceId("COUNTER", id), "ADD", 1);
    await at.client.signalEntity(counter(id.toUpperCase()), "add", 2);
    await holds(at.client, counter(id), 1);
    await holds(at.client, counter(id.toUpperCase()), 2);
});

test("an operation that fails is told to its caller and leaves the state alone", async (t) => {
    const [added, spoilt, unknown, got] = await result(at.client, "triesThreeTimes", newId(t));
    assert.deepEqual([added, got], [{ value: 5 }, { value: 5 }]);
    assert.match(spoilt.error, /spoil.*out of range/s);
    assert.match(unknown.error, /no such operation/i);
});

test("a signal that fails disturbs nobody", async (t) => {
    const id = newId(t);
    for (const [operation, input] of [["add", 1], ["spoil", "no"], ["add", 1]]) {
        await at.client.signalEntity(counter(id), operation, input);
    }
    await holds(at.client, counter(id), 2);
});

test("a call of an entity that the worker does not know fails", async (t) => {
    const { error } = await result(at.client, "callsNobody", newId(t));
    assert.match(error, /nosuch/);
});

test("the state is there until it is deleted, and then the entity is gone", async (t) => {
    const id = newId(t);
    await at.client.signalEntity(counter(id), "add", 7);
    await holds(at.client, counter(id), 7);
    await at.client.signalEntity(counter(id), "delete");
    await eventually(async () => (await at.client.getEntity(counter(id))) === undefined, "the entity to be gone");
    await at.client.signalEntity(counter(id), "add", 1);
    await holds(at.client, counter(id), 1);
});

test("a large state comes back as it was", async (t) => {
    const id = newId(t);
    const lines = Array.from({ length: 10 }, (_, number) => `${number}`.repeat(50_000));
    for (const line of lines) {
        await at.client.signalEntity(journal(id), "note", line);
    }
    await holds(at.client, journal(id), lines);
});

test("a signal for later runs when it is due and not before", async (t) => {
    const id = newId(t);
    const inMemory = journal(`${id}-3`);
    await at.client.signalEntity(inMemory, "note", "first");
    await holds(at.client, inMemory, ["first"]);
    const due = Date.now() + 1200;
    for (const entity of [journal(id), inMemory]) {
        await at.client.signalEntity(entity, "noteTime", undefined, { signalTime: new Date(due) });
    }
    const fromOrchestration = await result(at.client, "signalsLater", { key: `${id}-2`, after: 1200 });
    for (const [key, time] of [[id, due], [`${id}-2`, fromOrchestration], [`${id}-3`, due]]) {
        const isTime = (line) => typeof line === "number";
        const ran = await eventually(async () => (await stateOf(at.client, journal(key)))?.find(isTime), `the signal to ${key}`);
        assert.ok(ran >= time, `${key} ran ${time - ran} ms early`);
    }
});

test("an entity signals another one, now and for later", async (t) => {
    const id = newId(t);
    const call = { key: `${id}-from`, operation: "relay", input: { to: `${id}-to`, amount: 3 } };
    assert.equal(await result(at.client, "calls", call), 0);
    await holds(at.client, counter(`${id}-to`), 3);
    call.input.after = 300;
    await result(at.client, "calls", call);
    await holds(at.client, counter(`${id}-to`), 6);
});

test("an entity signals itself", async (t) => {
    const id = newId(t);
    await at.client.signalEntity(counter(id), "relay", { to: id, amount: 2 });
    await holds(at.client, counter(id), 2);
});

test("an entity starts an orchestration, once under one id", async (t) => {
    const id = newId(t);
    const launch = (input) => result(at.client, "calls", { key: id, operation: "launch", input });
    const chosen = { name: "echoes", input: "first", instanceId: `${id}-o` };
    assert.equal(await launch(chosen), `${id}-o`);
    assert.deepEqual(await output(at.client, `${id}-o`), { echo: "first" });
    await launch({ ...chosen, input: "second" });
    assert.deepEqual(await output(at.client, `${id}-o`), { echo: "first" });
    const made = await launch({ name: "echoes", input: [1, 2] });
    assert.deepEqual(await output(at.client, made), { echo: [1, 2] });
    assert.equal(await status(at.client, made), "COMPLETED");
});
