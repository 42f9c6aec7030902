"use strict";
// External events, from clients and from other orchestrations.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAll } = require("@microsoft/durabletask-js");
const { Gates, begin, ended, newId, output, reaches, refused, serve, status } = require("./harness.js");

const NOT_FOUND = 5;
const gates = new Gates();

const activities = {
    behindGate: (_, key) => gates.pass(key).then(() => null),
};

const orchestrators = {
    async *collects(context, { name, count }) {
        const values = [];
        while (values.length < count) {
            values.push(yield context.waitForExternalEvent(name));
        }
        return values;
    },
    async *collectsAtOnce(context, names) {
        return yield whenAll(names.map((name) => context.waitForExternalEvent(name)));
    },
    async *firstWorksThenCollects(context, count) {
        yield context.callActivity("behindGate", context.instanceId);
        const values = [];
        for (let number = 0; number < count; number++) {
            values.push(yield context.waitForExternalEvent("item"));
        }
        return values;
    },
    async *sends(context, { to, values }) {
        for (const value of values) {
            context.sendEvent(to, "item", value);
        }
        yield context.createTimer(0);
        return "sent";
    },
    async *pingsItsParent(context) {
        context.sendEvent(context.parent.instanceId, "ping", context.instanceId);
        return yield context.waitForExternalEvent("pong");
    },
    async *playsWithChild(context) {
        const child = context.callSubOrchestrator("pingsItsParent");
        const from = yield context.waitForExternalEvent("ping");
        context.sendEvent(from, "PONG", "back");
        return yield child;
    },
};

const at = serve({ orchestrators, activities });

test("an event with data, and one without", async (t) => {
    const id = await begin(at.client, "collects", { name: "go", count: 2 }, newId(t));
    await at.client.raiseOrchestrationEvent(id, "go", { deep: [1, "ü"] });
    await at.client.raiseOrchestrationEvent(id, "go");
    assert.deepEqual(await output(at.client, id), [{ deep: [1, "ü"] }, null]);
});

test("events raised before the first turn are kept, in order", async (t) => {
    const startAt = new Date(Date.now() + 1000);
    const id = await at.client.scheduleNewOrchestration("collects", { name: "early", count: 3 }, { instanceId: newId(t), startAt });
    for (const number of [1, 2, 3]) {
        await at.client.raiseOrchestrationEvent(id, "early", number);
    }
    const early = await status(at.client, id);
    assert.ok(early === "PENDING" || Date.now() >= startAt.getTime(), early);
    assert.deepEqual(await output(at.client, id), [1, 2, 3]);
});

test("the case of a name does not matter to the worker, and the server keeps it", async (t) => {
    const id = await begin(at.client, "collects", { name: "ApproVal", count: 3 }, newId(t));
    for (const name of ["approval", "APPROVAL", "ApproVal"]) {
        await at.client.raiseOrchestrationEvent(id, name, name);
    }
    assert.deepEqual(await output(at.client, id), ["approval", "APPROVAL", "ApproVal"]);
    const raised = (await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "EventRaised");
    assert.deepEqual(raised.map((event) => event.name), ["approval", "APPROVAL", "ApproVal"]);
});

test("one hundred events of one name arrive in order while the orchestration works", async (t) => {
    const id = await begin(at.client, "firstWorksThenCollects", 100, newId(t));
    await gates.visited(id);
    for (let number = 0; number < 100; number++) {
        await at.client.raiseOrchestrationEvent(id, "item", number);
        if (number === 60) {
            gates.open(id);
        }
    }
    assert.deepEqual(await output(at.client, id), Array.from({ length: 100 }, (_, number) => number));
});

test("several waits for one name get one event each", async (t) => {
    const id = await begin(at.client, "collectsAtOnce", ["a", "a", "b"], newId(t));
    await at.client.raiseOrchestrationEvent(id, "b", "third");
    await at.client.raiseOrchestrationEvent(id, "a", "first");
    await at.client.raiseOrchestrationEvent(id, "a", "second");
    assert.deepEqual(await output(at.client, id), ["first", "second", "third"]);
});

test("events that nobody waits for do no harm", async (t) => {
    const id = await begin(at.client, "collects", { name: "wanted", count: 1 }, newId(t));
    await at.client.raiseOrchestrationEvent(id, "unwanted", 1);
    await at.client.raiseOrchestrationEvent(id, "wanted", 2);
    assert.deepEqual(await output(at.client, id), [2]);
});

test("an event to an ended instance is ignored, one to a missing instance refused", async (t) => {
    const id = await begin(at.client, "collects", { name: "go", count: 1 }, newId(t));
    await at.client.raiseOrchestrationEvent(id, "go", 1);
    const before = await ended(at.client, id);
    await at.client.raiseOrchestrationEvent(id, "go", 2);
    assert.deepEqual(await ended(at.client, id), before);
    await refused(at.client.raiseOrchestrationEvent(newId(t, "missing"), "go"), NOT_FOUND);
});

test("an orchestration sends events to another", async (t) => {
    const receiver = await begin(at.client, "collects", { name: "item", count: 3 }, newId(t, "to"));
    const sender = await at.client.scheduleNewOrchestration("sends", { to: receiver, values: ["a", null, { b: 1 }] }, newId(t));
    assert.deepEqual(await output(at.client, receiver), ["a", null, { b: 1 }]);
    assert.equal(await output(at.client, sender), "sent");
    const sent = (await at.client.getOrchestrationHistory(sender)).filter((event) => event.type === "EventSent");
    assert.deepEqual(sent.map((event) => [event.instanceId, event.name]), Array(3).fill([receiver, "item"]));
});

test("an event that an orchestration sends into the void is dropped", async (t) => {
    const sender = await at.client.scheduleNewOrchestration("sends", { to: newId(t, "missing"), values: [1] }, newId(t));
    assert.equal(await output(at.client, sender), "sent");
});

test("parent and child talk to each other", async (t) => {
    const id = await at.client.scheduleNewOrchestration("playsWithChild", undefined, newId(t));
    await reaches(at.client, id, "COMPLETED");
    assert.equal(await output(at.client, id), "back");
});
