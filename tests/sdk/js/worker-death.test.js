"use strict";
// Workers that die in the middle of their work: it is handed out again, and counts once.

const assert = require("node:assert/strict");
const { fork } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const { EntityInstanceId } = require("@microsoft/durabletask-js");
const { eventually, holds, newId, output, serve } = require("./harness.js");

const at = serve();

/** Worker processes of one test, with the log they share. */
function processesOf(t) {
    const prefix = newId(t);
    const log = path.join(at.server.directory, `${prefix}.log`);
    fs.writeFileSync(log, "");
    const all = [];
    t.after(() => all.forEach((each) => each.kill("SIGKILL")));
    return {
        name: `${prefix}-steps`,
        sum: new EntityInstanceId(`${prefix}-sum`, "k"),
        async start(mode) {
            const child = fork(path.join(__dirname, "worker-process.js"), [at.server.address, log, prefix, mode]);
            all.push(child);
            await once(child, "message");
            return child;
        },
        /** Lines of one kind as [pid, instance, step]. */
        lines: (kind) => fs.readFileSync(log, "utf8").split("\n").filter((line) => line.startsWith(`${kind} `))
            .map((line) => line.split(" ").slice(1)).map(([pid, instance, step]) => [Number(pid), instance, Number(step)]),
    };
}

async function kill(child, signal = "SIGKILL") {
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
}

/** Each step has one call and one answer in the history, whatever happened to workers. */
async function countsOnce(id, steps) {
    const events = await at.client.getOrchestrationHistory(id);
    const scheduled = events.filter((event) => event.type === "TaskScheduled").map((event) => event.eventId);
    const completed = events.filter((event) => event.type === "TaskCompleted").map((event) => event.taskScheduledId);
    const numbers = Array.from({ length: steps }, (_, index) => index + 1);
    assert.deepEqual([scheduled, completed], [numbers, numbers]);
}

test("an activity of a killed worker goes to another", async (t) => {
    const processes = processesOf(t);
    const victim = await processes.start("hang-in-activity");
    const id = await at.client.scheduleNewOrchestration(processes.name, 4, newId(t));
    await eventually(() => processes.lines("X").length === 2, "the second step");
    const heir = await processes.start("work");
    await kill(victim);
    assert.equal(await output(at.client, id), 10);
    const ran = processes.lines("X").map(([pid, , step]) => [pid, step]);
    // The first step was the victim's, and whoever came first did the rest; nothing that had been answered ran again.
    assert.deepEqual(ran.slice(0, 2), [[victim.pid, 1], [victim.pid, 2]]);
    assert.deepEqual(ran.slice(2), [[heir.pid, 2], [heir.pid, 3], [heir.pid, 4]]);
    await countsOnce(id, 4);
});

test("a turn of a killed worker goes to another", async (t) => {
    const processes = processesOf(t);
    const victim = await processes.start("hang-in-turn");
    const id = await at.client.scheduleNewOrchestration(processes.name, 3, newId(t));
    await eventually(() => processes.lines("T").length === 2, "the second turn");
    const heir = await processes.start("work");
    await kill(victim);
    assert.equal(await output(at.client, id), 6);
    const turns = processes.lines("T").map(([pid, , step]) => [pid, step]);
    assert.deepEqual(turns, [[victim.pid, 1], [victim.pid, 2], [heir.pid, 2], [heir.pid, 3]]);
    assert.deepEqual(processes.lines("X").map(([, , step]) => step), [1, 2, 3]);
    await countsOnce(id, 3);
});

test("work that was done but not told is done again, and counts once", async (t) => {
    const processes = processesOf(t);
    const victim = await processes.start("die-after-activity");
    const gone = once(victim, "exit");
    const id = await at.client.scheduleNewOrchestration(processes.name, 3, newId(t));
    await gone;
    const heir = await processes.start("work");
    assert.equal(await output(at.client, id), 6);
    assert.deepEqual(processes.lines("X").filter(([, , step]) => step === 2).map(([pid]) => pid), [victim.pid, heir.pid]);
    await countsOnce(id, 3);
});

test("a worker that dies of its turn does not take the orchestration with it", async (t) => {
    const processes = processesOf(t);
    const id = await at.client.scheduleNewOrchestration(processes.name, 3, newId(t));
    for (let round = 0; round < 2; round++) {
        await once(await processes.start("die-in-turn"), "exit");
    }
    await processes.start("work");
    assert.equal(await output(at.client, id), 6);
    assert.deepEqual(processes.lines("X").map(([, , step]) => step), [1, 2, 3]);
    await countsOnce(id, 3);
});

test("many orchestrations outlive one worker after the other", async (t) => {
    const processes = processesOf(t);
    const [count, steps] = [25, 5];
    const ids = Array.from({ length: count }, (_, number) => newId(t, String(number)));
    let [one, other] = [await processes.start("work"), await processes.start("work")];
    await Promise.all(ids.map((id) => at.client.scheduleNewOrchestration(processes.name, steps, id)));
    for (const share of [0.15, 0.4, 0.65]) {
        await eventually(() => processes.lines("X").length >= count * steps * share, "some of the work");
        await kill(one);
        [one, other] = [other, await processes.start("work")];
    }
    for (const id of ids) {
        assert.equal(await output(at.client, id), 15);
        await countsOnce(id, steps);
    }
});

test("a worker that stops in order gives its work back, too", async (t) => {
    const processes = processesOf(t);
    const [count, steps] = [20, 5];
    const ids = Array.from({ length: count }, (_, number) => newId(t, String(number)));
    const leaver = await processes.start("work");
    await Promise.all(ids.map((id) => at.client.scheduleNewOrchestration(processes.name, steps, id)));
    await eventually(() => processes.lines("X").length >= count, "some of the work");
    const [heir] = await Promise.all([processes.start("work"), kill(leaver, "SIGTERM")]);
    for (const id of ids) {
        assert.equal(await output(at.client, id), 15);
        await countsOnce(id, steps);
    }
    assert.equal(leaver.exitCode, 0);
    assert.ok(processes.lines("X").some(([pid]) => pid === heir.pid) || processes.lines("X").length === count * steps);
});

test("an operation of a killed worker goes to another, with the state from before", async (t) => {
    const processes = processesOf(t);
    const first = await processes.start("work");
    await at.client.signalEntity(processes.sum, "add", 10);
    await holds(at.client, processes.sum, 10);
    await kill(first);
    const victim = await processes.start("hang-in-batch");
    await at.client.signalEntity(processes.sum, "add", 1);
    await eventually(() => processes.lines("O").length === 2, "the operation");
    await at.client.signalEntity(processes.sum, "add", 2);
    const heir = await processes.start("work");
    await kill(victim);
    await holds(at.client, processes.sum, 13);
    const ran = processes.lines("O").map(([pid, , amount]) => [pid, amount]);
    assert.deepEqual(ran, [[first.pid, 10], [victim.pid, 1], [heir.pid, 1], [heir.pid, 2]]);
});
