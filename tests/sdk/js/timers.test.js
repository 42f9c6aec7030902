"use strict";
// Durable timers.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { whenAll, whenAny } = require("@microsoft/durabletask-js");
const { begin, newId, output, result, serve } = require("./harness.js");

const orchestrators = {
    async *sleeps(context, milliseconds) {
        const before = context.currentUtcDateTime;
        const fireAt = new Date(before.getTime() + milliseconds);
        yield context.createTimer(fireAt);
        return [before, fireAt, context.currentUtcDateTime].map((time) => time.getTime());
    },
    async *sleepsSeconds(context, seconds) {
        const before = context.currentUtcDateTime.getTime();
        yield context.createTimer(seconds);
        return context.currentUtcDateTime.getTime() - before;
    },
    async *eventOrAnHour(context) {
        const event = context.waitForExternalEvent("go");
        const timer = context.createTimer(3600);
        if ((yield whenAny([event, timer])) === event) {
            timer.cancel();
            return ["event", event.getResult()];
        }
        return ["timer"];
    },
    async *eventOrMoment(context, seconds) {
        const event = context.waitForExternalEvent("go");
        const timer = context.createTimer(seconds);
        return (yield whenAny([event, timer])) === timer ? "timer" : "event";
    },
    async *cancelledBeforeItWasSent(context) {
        const timer = context.createTimer(3600);
        timer.cancel();
        yield context.createTimer(0.02);
        return timer.isCanceled;
    },
    async *fifty(context) {
        yield whenAll(Array.from({ length: 50 }, (_, number) => context.createTimer(number * 0.005)));
        return "all fired";
    },
    async *inARow(context, count) {
        const times = [context.currentUtcDateTime.getTime()];
        for (let number = 0; number < count; number++) {
            yield context.createTimer(0.02);
            times.push(context.currentUtcDateTime.getTime());
        }
        return times;
    },
    async *order(context) {
        const fired = [];
        const timers = [0.3, 0.1, 0.2].map((seconds) => context.createTimer(seconds));
        while (timers.some((timer) => timer !== undefined)) {
            const first = yield whenAny(timers.filter((timer) => timer !== undefined));
            fired.push(timers.indexOf(first));
            timers[timers.indexOf(first)] = undefined;
        }
        return fired;
    },
};

const at = serve({ orchestrators });

for (const [when, milliseconds] of [["now", 0], ["the past", -3_600_000]]) {
    test(`a timer for ${when} fires at once`, async () => {
        const [before, , after] = await result(at.client, "sleeps", milliseconds);
        assert.ok(after >= before && after - before < 60_000, `${after - before}`);
    });
}

test("a timer of two seconds fires after two seconds", async (t) => {
    const id = await at.client.scheduleNewOrchestration("sleeps", 2000, newId(t));
    const [, fireAt, after] = await output(at.client, id);
    assert.ok(after >= fireAt && after - fireAt < 60_000, `${after - fireAt}`);
    const state = await at.client.getOrchestrationState(id);
    assert.ok(state.lastUpdatedAt - state.createdAt >= 2000);
});

test("seconds as a number, with parts", async () => {
    const slept = await result(at.client, "sleepsSeconds", 0.25);
    assert.ok(slept >= 250 && slept < 60_000, `${slept}`);
});

test("a timer of a year is accepted and can be ended with its orchestration", async (t) => {
    const id = await begin(at.client, "sleeps", 365 * 24 * 3_600_000, newId(t));
    const [created] = (await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "TimerCreated");
    assert.ok(created.fireAt.getTime() - Date.now() > 364 * 24 * 3_600_000);
    await at.client.terminateOrchestration(id, null);
});

test("an event ends the race with a long timer", async (t) => {
    const id = await begin(at.client, "eventOrAnHour", undefined, newId(t));
    await at.client.raiseOrchestrationEvent(id, "go", "now");
    assert.deepEqual(await output(at.client, id), ["event", "now"]);
});

test("a short timer wins where no event comes", async () => {
    assert.equal(await result(at.client, "eventOrMoment", 0.1), "timer");
});

test("a timer that is cancelled in the turn that made it is never made", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "cancelledBeforeItWasSent", undefined, id), true);
    const created = (await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "TimerCreated");
    assert.deepEqual(created.map((event) => event.eventId), [2]);
});

test("fifty timers at once", async () => {
    assert.equal(await result(at.client, "fifty"), "all fired");
});

test("timers in a row move time forward", async () => {
    const times = await result(at.client, "inARow", 10);
    times.slice(1).forEach((time, index) => assert.ok(time >= times[index] + 20, String(times)));
});

test("timers fire in the order of their times", async () => {
    assert.deepEqual(await result(at.client, "order"), [1, 2, 0]);
});
