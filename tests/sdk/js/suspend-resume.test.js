"use strict";
// Suspended instances hold everything and lose nothing.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAll } = require("@microsoft/durabletask-js");
const { Gates, Log, begin, ended, eventually, holdsFor, nameOf, newId, output, reaches, refused, serve, status } = require("./harness.js");

const NOT_FOUND = 5;
const gates = new Gates();
const runs = new Log();

const activities = {
    gated: async (context, step) => {
        runs.add(context.orchestrationId, step);
        await gates.pass(context.orchestrationId);
        return step;
    },
    free: async (context, step) => {
        runs.add(context.orchestrationId, step);
        return step;
    },
};

const orchestrators = {
    async *gatedThenFree(context, gated) {
        const first = yield whenAll(Array.from({ length: gated }, (_, step) => context.callActivity("gated", step)));
        return [...first, yield context.callActivity("free", gated)];
    },
    async *nap(context, seconds) {
        yield context.createTimer(seconds);
        return yield context.callActivity("free", "after the nap");
    },
    async *threeEvents(context) {
        const values = [];
        while (values.length < 3) {
            values.push(yield context.waitForExternalEvent("item"));
        }
        return values;
    },
    /** Rounds of activities side by side, with a timer, an event to itself and a child between them. */
    async *busy(context, { rounds, width }) {
        const all = [];
        for (let round = 0; round < rounds; round++) {
            all.push(yield whenAll(Array.from({ length: width }, (_, index) => context.callActivity("free", `${round}/${index}`))));
            yield context.createTimer(0.01);
            all.push(yield context.callSubOrchestrator("echo", round));
        }
        return all.flat();
    },
    echo: async (_, value) => value,
};

const at = serve({ orchestrators, activities });

async function suspend(id) {
    await at.client.suspendOrchestration(id);
    await reaches(at.client, id, "SUSPENDED");
}

/**
 * Suspends an instance that `start` begins, for which something falls due after so many seconds, before that. On a machine that
 * stalls it can come too late; then it tries again with more time.
 */
async function suspendedInTime(start) {
    for (const seconds of [0.3, 3, 10]) {
        const due = Date.now() + seconds * 1000;
        const id = await start(seconds, due);
        await at.client.suspendOrchestration(id);
        await eventually(async () => ["SUSPENDED", "COMPLETED"].includes(await status(at.client, id)), `${id} to stand`);
        if (Date.now() < due) {
            return { id, seconds, due };
        }
    }
    assert.fail("never suspended in time");
}

test("suspending shows, and resuming shows running again", async (t) => {
    const id = await begin(at.client, "threeEvents", undefined, newId(t));
    await suspend(id);
    await at.client.resumeOrchestration(id);
    await reaches(at.client, id, "RUNNING");
    const types = (await at.client.getOrchestrationHistory(id)).map((event) => event.type);
    assert.deepEqual(types.filter((type) => /Suspended|Resumed/.test(type)), ["ExecutionSuspended", "ExecutionResumed"]);
});

test("results of activities wait for the resume, and nothing is scheduled twice", async (t) => {
    const id = await begin(at.client, "gatedThenFree", 3, newId(t));
    await gates.visited(id, 3);
    for (let round = 0; round < 3; round++) {
        await suspend(id);
        await at.client.resumeOrchestration(id);
        await reaches(at.client, id, "RUNNING");
    }
    await suspend(id);
    gates.open(id);
    await holdsFor(400, async () => (await status(at.client, id)) === "SUSPENDED" && !runs.of(id).includes(3), "suspended without a fourth step");
    await at.client.resumeOrchestration(id);
    assert.deepEqual(await output(at.client, id), [0, 1, 2, 3]);
    assert.deepEqual(runs.of(id).sort(), [0, 1, 2, 3]);
});

test("a timer that falls due waits for the resume", async (t) => {
    const { id, seconds } = await suspendedInTime((seconds) => begin(at.client, "nap", seconds, newId(t)));
    await holdsFor(seconds * 1000 + 300, async () => (await status(at.client, id)) === "SUSPENDED" && runs.of(id).length === 0, "suspended past the timer");
    await at.client.resumeOrchestration(id);
    assert.equal(await output(at.client, id), "after the nap");
    assert.equal(runs.of(id).length, 1);
});

test("events keep their order over a suspension", async (t) => {
    const id = await begin(at.client, "threeEvents", undefined, newId(t));
    await at.client.raiseOrchestrationEvent(id, "item", 1);
    await suspend(id);
    await at.client.raiseOrchestrationEvent(id, "item", 2);
    await at.client.raiseOrchestrationEvent(id, "item", 3);
    await holdsFor(200, async () => (await status(at.client, id)) === "SUSPENDED", "suspended");
    await at.client.resumeOrchestration(id);
    assert.deepEqual(await output(at.client, id), [1, 2, 3]);
});

test("suspending and resuming under load schedules nothing twice and loses nothing", async (t) => {
    const [rounds, width] = [4, 6];
    const ids = Array.from({ length: 10 }, (_, number) => newId(t, String(number)));
    await Promise.all(ids.map((id) => at.client.scheduleNewOrchestration("busy", { rounds, width }, id)));
    let switches = 0;
    const disturb = async (id) => {
        while (!["COMPLETED", "FAILED"].includes(await status(at.client, id))) {
            await at.client.suspendOrchestration(id);
            await at.client.resumeOrchestration(id);
            switches += 1;
        }
    };
    await Promise.all(ids.map(disturb));
    assert.ok(switches > ids.length, `only ${switches} switches`);
    const steps = Array.from({ length: rounds }, (_, round) => Array.from({ length: width }, (_, index) => `${round}/${index}`));
    const expected = steps.flatMap((step, round) => [...step, round]);
    for (const id of ids) {
        assert.deepEqual(await output(at.client, id), expected);
        assert.deepEqual(runs.of(id).sort(), steps.flat(), "each activity ran once");
        const events = await at.client.getOrchestrationHistory(id);
        const of = (type) => events.filter((event) => event.type === type).map((event) => event.eventId);
        for (const type of ["TaskScheduled", "TimerCreated", "SubOrchestrationInstanceCreated"]) {
            assert.equal(new Set(of(type)).size, of(type).length, `${type} doubled in ${id}`);
        }
    }
});

test("suspending twice is suspending once, and resuming what runs changes nothing", async (t) => {
    const id = await begin(at.client, "threeEvents", undefined, newId(t));
    await at.client.resumeOrchestration(id);
    await at.client.raiseOrchestrationEvent(id, "item", 0);
    for (let round = 0; round < 3; round++) {
        await at.client.suspendOrchestration(id);
    }
    await reaches(at.client, id, "SUSPENDED");
    await at.client.raiseOrchestrationEvent(id, "item", 1);
    await at.client.resumeOrchestration(id);
    await at.client.resumeOrchestration(id);
    await at.client.raiseOrchestrationEvent(id, "item", 2);
    assert.deepEqual(await output(at.client, id), [0, 1, 2]);
});

test("the wait for the end outlives a suspension", async (t) => {
    const id = await begin(at.client, "threeEvents", undefined, newId(t));
    const waiting = output(at.client, id);
    await suspend(id);
    await at.client.resumeOrchestration(id);
    for (const number of [1, 2, 3]) {
        await at.client.raiseOrchestrationEvent(id, "item", number);
    }
    assert.deepEqual(await waiting, [1, 2, 3]);
});

test("what has not begun can be suspended; it begins after the resume", async (t) => {
    const start = (_, due) => at.client.scheduleNewOrchestration("nap", 0, { instanceId: newId(t), startAt: new Date(due) });
    const { id, due } = await suspendedInTime(start);
    await eventually(() => Date.now() > due + 300, "the start time to pass");
    assert.equal(await status(at.client, id), "SUSPENDED");
    assert.deepEqual(runs.of(id), []);
    await at.client.resumeOrchestration(id);
    assert.equal(await output(at.client, id), "after the nap");
});

test("missing instances are refused and ended ones ignored", async (t) => {
    await refused(at.client.suspendOrchestration(newId(t, "missing")), NOT_FOUND);
    await refused(at.client.resumeOrchestration(newId(t, "missing")), NOT_FOUND);
    const id = await at.client.scheduleNewOrchestration("echo", 1, newId(t));
    await ended(at.client, id);
    await at.client.suspendOrchestration(id);
    await at.client.resumeOrchestration(id);
    assert.equal(nameOf(await at.client.getOrchestrationState(id)), "COMPLETED");
});
