"use strict";
// The history that the server tells, event by event.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { begin, ended, failure, newId, output, reaches, result, serve } = require("./harness.js");

const activities = {
    double: (_, value) => value + value,
    fails: () => {
        throw Object.assign(new Error("broken"), { name: "OnPurpose", cause: new Error("the reason") });
    },
};

const orchestrators = {
    async *doublesAll(context, values) {
        const results = [];
        for (const value of values) {
            results.push(yield context.callActivity("double", value));
        }
        return results.length;
    },
    async *everything(context, child) {
        yield context.callActivity("double", 1, { tags: { kind: "work" }, version: "7" });
        try {
            yield context.callActivity("fails");
        } catch {
            yield context.createTimer(0.01);
        }
        yield context.callSubOrchestrator("doublesAll", [1], { instanceId: child });
        context.sendEvent(child, "late", { a: 1 });
        return yield context.waitForExternalEvent("go");
    },
    fails: async () => {
        throw new RangeError("no good");
    },
    async *waits(context) {
        return yield context.waitForExternalEvent("go");
    },
    async *again(context, number) {
        yield context.callActivity("double", number);
        if (number > 0) {
            context.continueAsNew(number - 1);
            return;
        }
        return "done";
    },
};

const at = serve({ orchestrators, activities });

const FRAME = ["OrchestratorStarted", "OrchestratorCompleted"];
const history = (id) => at.client.getOrchestrationHistory(id);
const without = (events, types) => events.filter((event) => !types.includes(event.type));

test("a simple run: complete, in order, with rising ids and times", async (t) => {
    const id = newId(t);
    await result(at.client, "doublesAll", [1, "ü"], id);
    const events = await history(id);
    assert.deepEqual(without(events, FRAME).map((event) => event.type), [
        "ExecutionStarted", "TaskScheduled", "TaskCompleted", "TaskScheduled", "TaskCompleted", "ExecutionCompleted",
    ]);
    assert.equal(events[0].type, "OrchestratorStarted");
    const turns = events.filter((event) => event.type === "OrchestratorStarted").length;
    assert.equal(events.filter((event) => event.type === "OrchestratorCompleted").length, turns);
    assert.equal(turns, 3);
    const ids = events.map((event) => event.eventId).filter((eventId) => eventId >= 0);
    assert.deepEqual(ids, [1, 2, 3]);
    assert.ok(events.every((event) => event.timestamp.getTime() > 0));
    const started = events.filter((event) => event.type === "OrchestratorStarted").map((event) => event.timestamp.getTime());
    assert.deepEqual(started, [...started].sort((one, other) => one - other));
});

test("all that the events say", async (t) => {
    const id = newId(t);
    const child = `${id}-child`;
    await at.client.scheduleNewOrchestration("everything", child, { instanceId: id, version: "3", tags: { a: "b" } });
    await reaches(at.client, child, "COMPLETED");
    await at.client.raiseOrchestrationEvent(id, "Go", ["x"]);
    await output(at.client, id);
    const events = without(await history(id), FRAME);
    assert.deepEqual(events.filter((event) => event.type !== "EventRaised").map((event) => [event.type, event.eventId]), [
        ["ExecutionStarted", -1],
        ["TaskScheduled", 1], ["TaskCompleted", -1],
        ["TaskScheduled", 2], ["TaskFailed", -1],
        ["TimerCreated", 3], ["TimerFired", -1],
        ["SubOrchestrationInstanceCreated", 4], ["SubOrchestrationInstanceCompleted", -1],
        ["EventSent", 5],
        ["ExecutionCompleted", 6],
    ]);
    const [one] = events.filter((event) => event.type === "ExecutionStarted");
    assert.deepEqual([one.name, one.version, one.input, one.tags], ["everything", "3", JSON.stringify(child), { a: "b" }]);
    assert.equal(one.orchestrationInstance.instanceId, id);
    assert.match(one.orchestrationInstance.executionId, /^[0-9a-f]{32}$/);
    const of = (type) => events.filter((event) => event.type === type);
    const [work] = of("TaskScheduled");
    assert.deepEqual([work.name, work.version, work.input, work.tags], ["double", "7", "1", { kind: "work" }]);
    assert.deepEqual(of("TaskCompleted").map((event) => [event.taskScheduledId, event.result]), [[1, "2"]]);
    const [{ taskScheduledId, failureDetails }] = of("TaskFailed");
    assert.deepEqual([taskScheduledId, failureDetails.errorType, failureDetails.message], [2, "OnPurpose", "broken"]);
    const [[created], [fired]] = [of("TimerCreated"), of("TimerFired")];
    assert.equal(fired.timerId, 3);
    assert.deepEqual(fired.fireAt, created.fireAt);
    assert.ok(fired.timestamp >= fired.fireAt);
    assert.deepEqual(of("SubOrchestrationInstanceCreated").map((event) => [event.instanceId, event.name, event.input]), [[child, "doublesAll", "[1]"]]);
    assert.deepEqual(of("SubOrchestrationInstanceCompleted").map((event) => [event.taskScheduledId, event.result]), [[4, "1"]]);
    assert.deepEqual(of("EventSent").map((event) => [event.instanceId, event.name, event.input]), [[child, "late", '{"a":1}']]);
    assert.deepEqual(of("EventRaised").map((event) => [event.name, event.input]), [["Go", '["x"]']]);
    assert.deepEqual(of("ExecutionCompleted").map((event) => event.result), ['["x"]']);
});

test("failure, termination, suspension and resumption are told", async (t) => {
    const failed = await at.client.scheduleNewOrchestration("fails", undefined, newId(t, "f"));
    await failure(at.client, failed);
    const end = (await history(failed)).filter((event) => event.type === "ExecutionCompleted");
    assert.equal(end.length, 1);
    assert.deepEqual([end[0].failureDetails.errorType, end[0].failureDetails.message], ["RangeError", "no good"]);

    const id = await begin(at.client, "waits", undefined, newId(t, "t"));
    await at.client.suspendOrchestration(id);
    await reaches(at.client, id, "SUSPENDED");
    await at.client.resumeOrchestration(id);
    await reaches(at.client, id, "RUNNING");
    await at.client.suspendOrchestration(id);
    await reaches(at.client, id, "SUSPENDED");
    await at.client.terminateOrchestration(id, { why: 1 });
    await ended(at.client, id);
    const types = without(await history(id), FRAME).map((event) => event.type);
    assert.deepEqual(types, [
        "ExecutionStarted", "ExecutionSuspended", "ExecutionResumed", "ExecutionSuspended", "ExecutionTerminated", "ExecutionCompleted",
    ]);
    const [terminated] = (await history(id)).filter((event) => event.type === "ExecutionTerminated");
    assert.deepEqual([terminated.input, terminated.recurse], ['{"why":1}', false]);
});

test("a live instance tells what it has done so far", async (t) => {
    const id = await begin(at.client, "waits", undefined, newId(t));
    const soFar = await history(id);
    assert.deepEqual(soFar.map((event) => event.type), ["OrchestratorStarted", "ExecutionStarted", "OrchestratorCompleted"]);
    await at.client.raiseOrchestrationEvent(id, "go");
    await output(at.client, id);
    assert.deepEqual((await history(id)).slice(0, soFar.length), soFar);
});

test("only the newest execution has a history", async (t) => {
    const id = newId(t);
    await result(at.client, "again", 3, id);
    const events = await history(id);
    assert.deepEqual(without(events, FRAME).map((event) => event.type), ["ExecutionStarted", "TaskScheduled", "TaskCompleted", "ExecutionCompleted"]);
    assert.equal(events.find((event) => event.type === "ExecutionStarted").input, "0");
});

test("what is missing, and what has not begun, has none", async (t) => {
    assert.deepEqual(await history(newId(t, "missing")), []);
    const options = { instanceId: newId(t), startAt: new Date(Date.now() + 3_600_000) };
    const id = await at.client.scheduleNewOrchestration("waits", undefined, options);
    assert.deepEqual(await history(id), []);
    await at.client.terminateOrchestration(id);
});

test("a history of many megabytes and events arrives whole", async (t) => {
    const [large, many] = [newId(t, "large"), newId(t, "many")];
    const words = ["x", "y", "z"].map((letter) => letter.repeat(300_000));
    await result(at.client, "doublesAll", words, large);
    const results = (await history(large)).filter((event) => event.type === "TaskCompleted");
    assert.deepEqual(results.map((event) => event.result), words.map((word) => JSON.stringify(word + word)));
    await result(at.client, "doublesAll", Array.from({ length: 150 }, (_, number) => number), many);
    const steps = (await history(many)).filter((event) => event.type === "TaskCompleted").map((event) => Number(event.result));
    assert.deepEqual(steps, Array.from({ length: 150 }, (_, number) => number * 2));
});
