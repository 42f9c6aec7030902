"use strict";
// Removing what has ended: one by one, with its children, and by filter. Filters meet a whole hub, so each test has its own.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { OrchestrationStatus, PurgeInstanceCriteria } = require("@microsoft/durabletask-js");
const { begin, ended, newId, output, reaches, result, serve, status } = require("./harness.js");

const orchestrators = {
    echo: async (_, value) => value,
    fails: async () => {
        throw new Error("on purpose");
    },
    async *waits(context) {
        return yield context.waitForExternalEvent("go");
    },
    async *parent(context, level) {
        if (level === 0) {
            return level;
        }
        // A child is younger by at least one millisecond, which is as exact as this SDK's times are.
        yield context.createTimer(0.005);
        return yield context.callSubOrchestrator("parent", level - 1, { instanceId: `${context.instanceId}-c` });
    },
};

const at = serve({ orchestrators }, { environment: { DURAHUB__HUBS__CREATE_ON_START: "true" } });

/** A client in a hub that only this test uses, with a worker. */
async function hubOf(t) {
    const hub = newId(t).slice(-20).toLowerCase().replace(/^-+/, "h");
    await at.startWorker({ orchestrators }, { hub });
    return at.newClient(hub);
}

function criteria({ from, to, statuses = [] }) {
    const made = new PurgeInstanceCriteria();
    made.setCreatedTimeFrom(from);
    made.setCreatedTimeTo(to);
    made.setRuntimeStatusList(statuses);
    return made;
}

const purged = async (promise) => (await promise).deletedInstanceCount;

test("an ended instance goes with its history, and the id is free", async (t) => {
    const id = newId(t);
    await result(at.client, "echo", 1, id);
    assert.equal(await purged(at.client.purgeOrchestration(id)), 1);
    assert.equal(await at.client.getOrchestrationState(id), undefined);
    assert.deepEqual(await at.client.getOrchestrationHistory(id), []);
    assert.equal(await purged(at.client.purgeOrchestration(id)), 0);
    assert.equal(await result(at.client, "echo", 2, id), 2);
});

test("what runs, is suspended, pending or missing stays and counts nothing", async (t) => {
    const running = await begin(at.client, "waits", undefined, newId(t, "running"));
    const suspended = await begin(at.client, "waits", undefined, newId(t, "suspended"));
    await at.client.suspendOrchestration(suspended);
    await reaches(at.client, suspended, "SUSPENDED");
    const startAt = new Date(Date.now() + 3_600_000);
    const pending = await at.client.scheduleNewOrchestration("waits", undefined, { instanceId: newId(t, "pending"), startAt });
    for (const id of [running, suspended, pending, newId(t, "missing")]) {
        const before = await status(at.client, id);
        assert.equal(await purged(at.client.purgeOrchestration(id)), 0);
        assert.equal(await status(at.client, id), before);
    }
    await at.client.raiseOrchestrationEvent(running, "go", "still here");
    assert.equal(await output(at.client, running), "still here");
});

test("children stay without recursion and go with it", async (t) => {
    const [alone, tree] = [newId(t, "alone"), newId(t, "tree")];
    await result(at.client, "parent", 2, alone);
    await result(at.client, "parent", 2, tree);
    assert.equal(await purged(at.client.purgeOrchestration(alone)), 1);
    assert.equal(await status(at.client, `${alone}-c`), "COMPLETED");
    assert.equal(await purged(at.client.purgeOrchestration(tree, { recursive: true })), 3);
    for (const id of [tree, `${tree}-c`, `${tree}-c-c`]) {
        assert.equal(await status(at.client, id), undefined);
    }
});

test("a filter by status takes these and no others", async (t) => {
    const client = await hubOf(t);
    for (let number = 0; number < 3; number++) {
        await result(client, "echo", number);
    }
    const failed = await client.scheduleNewOrchestration("fails");
    await ended(client, failed);
    const running = await begin(client, "waits");
    const terminated = await begin(client, "waits");
    await client.terminateOrchestration(terminated);
    await ended(client, terminated);
    assert.equal(await purged(client.purgeOrchestration(criteria({ statuses: [OrchestrationStatus.COMPLETED] }))), 3);
    const both = [OrchestrationStatus.FAILED, OrchestrationStatus.TERMINATED];
    assert.equal(await purged(client.purgeOrchestration(criteria({ statuses: both }))), 2);
    assert.equal(await status(client, failed), undefined);
    assert.equal(await status(client, terminated), undefined);
    assert.equal(await status(client, running), "RUNNING");
});

test("a filter by time takes what was created from its first to before its last moment", async (t) => {
    const client = await hubOf(t);
    const made = [];
    for (let number = 0; number < 3; number++) {
        // Apart by at least one millisecond, which is as exact as this SDK's times are.
        const last = made.at(-1)?.createdAt.getTime() ?? 0;
        while (Date.now() <= last + 1) {
            await new Promise(setImmediate);
        }
        made.push(await ended(client, await client.scheduleNewOrchestration("echo", number)));
    }
    const [first, second, third] = made;
    // The server knows microseconds; the time it tells is cut to milliseconds, never later than the moment itself.
    assert.equal(await purged(client.purgeOrchestration(criteria({ from: second.createdAt, to: third.createdAt }))), 1);
    assert.equal(await status(client, second.instanceId), undefined);
    assert.equal(await purged(client.purgeOrchestration(criteria({ to: first.createdAt }))), 0);
    assert.equal(await purged(client.purgeOrchestration(criteria({ from: new Date(third.createdAt.getTime() + 60_000) }))), 0);
    assert.equal(await purged(client.purgeOrchestration(criteria({ from: first.createdAt }))), 2);
});

test("an empty filter takes all that has ended, and nothing that lives, even if its status is named", async (t) => {
    const client = await hubOf(t);
    const running = await begin(client, "waits");
    for (let number = 0; number < 25; number++) {
        await client.scheduleNewOrchestration("echo", number, `n-${number}`);
    }
    for (let number = 0; number < 25; number++) {
        await ended(client, `n-${number}`);
    }
    const live = [OrchestrationStatus.RUNNING, OrchestrationStatus.PENDING, OrchestrationStatus.SUSPENDED];
    assert.equal(await purged(client.purgeOrchestration(criteria({ statuses: live }))), 0);
    assert.equal(await purged(client.purgeOrchestration(criteria({}))), 25);
    assert.equal(await status(client, running), "RUNNING");
});

test("a filter with recursion takes the children of what it finds", async (t) => {
    const client = await hubOf(t);
    await result(client, "parent", 1, "p");
    const [child] = [await client.getOrchestrationState("p-c")];
    const filter = criteria({ to: child.createdAt, statuses: [OrchestrationStatus.COMPLETED] });
    assert.equal(await purged(client.purgeOrchestration(filter, { recursive: true })), 2);
    assert.equal(await status(client, "p-c"), undefined);
});

test("a filter meets its own hub only", async (t) => {
    const [one, other] = [await hubOf(t), await hubOf(t)];
    await result(one, "echo", 1, "same-id");
    await result(other, "echo", 2, "same-id");
    assert.equal(await purged(one.purgeOrchestration(criteria({}))), 1);
    assert.equal(await status(one, "same-id"), undefined);
    assert.equal(await status(other, "same-id"), "COMPLETED");
});
