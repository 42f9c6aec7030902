"use strict";
// Retry policies and retry handlers. This SDK takes a new action id for each attempt, but keeps the child's instance id.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { RetryPolicy } = require("@microsoft/durabletask-js");
const { Log, failure, newId, result, serve } = require("./harness.js");

const runs = new Log();

function failUntil(key, succeedsAt) {
    const attempt = runs.add(key, Date.now());
    if (attempt < succeedsAt) {
        throw Object.assign(new Error(`attempt ${attempt}`), { name: "Flaky" });
    }
    return attempt;
}

const activities = {
    flaky: (context, succeedsAt) => failUntil(context.orchestrationId, succeedsAt),
};

const policies = {
    four: { maxNumberOfAttempts: 4, firstRetryIntervalInMilliseconds: 20 },
    doubling: { maxNumberOfAttempts: 5, firstRetryIntervalInMilliseconds: 100, backoffCoefficient: 2, maxRetryIntervalInMilliseconds: 250 },
    notFlaky: { maxNumberOfAttempts: 9, firstRetryIntervalInMilliseconds: 10, handleFailure: (details) => details.errorType !== "Flaky" },
    impatient: { maxNumberOfAttempts: 99, firstRetryIntervalInMilliseconds: 450, retryTimeoutInMilliseconds: 3000 },
};

const handlers = {
    always: () => true,
    never: () => false,
    threeTimes: (retry) => retry.lastAttemptNumber < 3,
    later: async (retry) => (retry.lastFailure.errorType === "Flaky" ? 80 : false),
    throws: () => {
        throw new Error("the handler itself");
    },
};

const retryOf = ({ policy, handler }) => (policy ? new RetryPolicy(policies[policy]) : handlers[handler]);

const orchestrators = {
    async *calls(context, { succeedsAt, ...retry }) {
        return yield context.callActivity("flaky", succeedsAt, { retry: retryOf(retry) });
    },
    flakyChild: async (context, succeedsAt) => failUntil(context.instanceId, succeedsAt),
    async *callsChild(context, { succeedsAt, ...retry }) {
        const options = { retry: retryOf(retry), instanceId: `${context.instanceId}-child` };
        return yield context.callSubOrchestrator("flakyChild", succeedsAt, options);
    },
};

const at = serve({ orchestrators, activities });

const gaps = (times) => times.slice(1).map((time, index) => time - times[index]);

test("a policy repeats until it works", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "calls", { succeedsAt: 3, policy: "four" }, id), 3);
    const events = await at.client.getOrchestrationHistory(id);
    const of = (type) => events.filter((event) => event.type === type);
    assert.deepEqual(of("TaskScheduled").map((event) => event.eventId), [1, 3, 5]);
    assert.deepEqual(of("TimerCreated").map((event) => event.eventId), [2, 4]);
    assert.deepEqual(of("TaskFailed").map((event) => event.taskScheduledId), [1, 3]);
    assert.deepEqual(of("TaskCompleted").map((event) => event.taskScheduledId), [5]);
});

test("a policy gives up after its number of attempts", async (t) => {
    const id = await at.client.scheduleNewOrchestration("calls", { succeedsAt: 99, policy: "four" }, newId(t));
    assert.match((await failure(at.client, id)).message, /attempt 4/);
    assert.equal(runs.of(id).length, 4);
});

test("the pauses of a policy grow up to their limit", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "calls", { succeedsAt: 5, policy: "doubling" }, id), 5);
    const [first, second, third, fourth] = gaps(runs.of(id));
    // Timers never fire early; by how much they are late is the machine's matter.
    assert.ok(first >= 100 && second >= 200 && third >= 250 && fourth >= 250, String(gaps(runs.of(id))));
});

test("a policy can refuse a kind of failure", async (t) => {
    const id = await at.client.scheduleNewOrchestration("calls", { succeedsAt: 2, policy: "notFlaky" }, newId(t));
    assert.match((await failure(at.client, id)).message, /attempt 1/);
    assert.equal(runs.of(id).length, 1);
});

test("a policy gives up when its time is over", async (t) => {
    const id = await at.client.scheduleNewOrchestration("calls", { succeedsAt: 99, policy: "impatient" }, newId(t));
    await failure(at.client, id);
    const times = runs.of(id);
    assert.ok(times.length >= 2 && times.length <= 7, String(times.length));
});

test("a child is repeated under the same id", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "callsChild", { succeedsAt: 3, policy: "four" }, id), 3);
    assert.equal(runs.of(`${id}-child`).length, 3);
    const created = (await at.client.getOrchestrationHistory(id)).filter((event) => event.type === "SubOrchestrationInstanceCreated");
    assert.deepEqual(created.map((event) => event.instanceId), Array(3).fill(`${id}-child`));
});

test("a child that keeps failing fails its parent", async (t) => {
    const id = await at.client.scheduleNewOrchestration("callsChild", { succeedsAt: 99, policy: "four" }, newId(t));
    assert.match((await failure(at.client, id)).message, /attempt 4/);
});

test("a handler that says yes repeats at once", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "calls", { succeedsAt: 5, handler: "always" }, id), 5);
    assert.ok(!(await at.client.getOrchestrationHistory(id)).some((event) => event.type === "TimerCreated"));
});

test("a handler that says no fails the call", async (t) => {
    const id = await at.client.scheduleNewOrchestration("calls", { succeedsAt: 2, handler: "never" }, newId(t));
    assert.match((await failure(at.client, id)).message, /attempt 1/);
});

test("a handler sees the number of the attempt", async (t) => {
    const id = await at.client.scheduleNewOrchestration("calls", { succeedsAt: 99, handler: "threeTimes" }, newId(t));
    assert.match((await failure(at.client, id)).message, /attempt 3/);
    assert.equal(runs.of(id).length, 3);
});

test("a handler can ask for a pause, and take its time to answer", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "calls", { succeedsAt: 3, handler: "later" }, id), 3);
    assert.ok(gaps(runs.of(id)).every((gap) => gap >= 80), String(gaps(runs.of(id))));
});

test("a handler that fails itself leaves the first failure standing", async (t) => {
    const id = await at.client.scheduleNewOrchestration("calls", { succeedsAt: 2, handler: "throws" }, newId(t));
    assert.match((await failure(at.client, id)).message, /attempt 1/);
});

test("a handler repeats a child, too", async (t) => {
    const id = newId(t);
    assert.equal(await result(at.client, "callsChild", { succeedsAt: 4, handler: "always" }, id), 4);
    assert.equal(runs.of(`${id}-child`).length, 4);
});
