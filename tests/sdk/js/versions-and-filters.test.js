"use strict";
// Which worker gets what: filters, versions, rejection.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { VersionFailureStrategy, VersionMatchStrategy, whenAll } = require("@microsoft/durabletask-js");
const { Log, ended, eventually, failure, holdsFor, newId, output, result, serve, status } = require("./harness.js");

const runs = new Log();
const at = serve(undefined, { environment: { DURAHUB__HUBS__CREATE_ON_START: "true" } });

/** The same shape for every worker, under names of its own; each tells who it was. */
function code(me, { flow, step }) {
    return {
        activities: {
            [step]: (context, number) => {
                runs.add(context.orchestrationId, me);
                return number;
            },
        },
        orchestrators: {
            async *[flow](context, count) {
                const options = context.version ? { version: context.version } : undefined;
                const tasks = Array.from({ length: count }, (_, number) => context.callActivity(step, number, options));
                return { version: context.version, count: (yield whenAll(tasks)).length };
            },
        },
    };
}

const namesOf = (t) => ({ flow: newId(t, "flow"), step: newId(t, "step") });

/** Workers in a hub that only this test uses, so that nobody else's can take its work, and a client of that hub. */
async function workersFor(t, list) {
    const hub = `h${newId(t).slice(-8)}`;
    const add = async (more) => {
        const earlier = at.server.joined();
        await Promise.all(more.map(([of, options]) => at.startWorker(of, { ...options, hub })));
        await eventually(() => at.server.joined() >= earlier + more.length, "the workers to join");
    };
    await add(list);
    return { hub, client: at.newClient(hub), add };
}

const strict = (version, failureStrategy) => ({ version, matchStrategy: VersionMatchStrategy.Strict, failureStrategy });

test("with automatic filters each worker gets what it has registered", async (t) => {
    const [red, blue] = [namesOf(t), namesOf(t)];
    const { client } = await workersFor(t, [
        [code("red", red), { workItemFilters: "auto" }],
        [code("blue", blue), { workItemFilters: "auto" }],
    ]);
    for (const [who, { flow }] of [["red", red], ["blue", blue], ["red", red]]) {
        const ids = await Promise.all(Array.from({ length: 5 }, () => client.scheduleNewOrchestration(flow, 3)));
        for (const id of ids) {
            assert.equal((await output(client, id)).count, 3);
            assert.deepEqual(runs.of(id), [who, who, who]);
        }
    }
});

test("what no filter names stays pending until a worker for it comes", async (t) => {
    const [served, lonely] = [namesOf(t), namesOf(t)];
    const { client, add } = await workersFor(t, [[code("served", served), { workItemFilters: "auto" }]]);
    const waiting = await client.scheduleNewOrchestration(lonely.flow, 2, newId(t));
    assert.equal((await result(client, served.flow, 1)).count, 1);
    await holdsFor(300, async () => (await status(client, waiting)) === "PENDING", "PENDING");
    await add([[code("lonely", lonely), { workItemFilters: "auto" }]]);
    assert.equal((await output(client, waiting)).count, 2);
});

test("an activity without a worker waits while its orchestration runs", async (t) => {
    const names = namesOf(t);
    const { orchestrators, activities } = code("late", names);
    const { client, add } = await workersFor(t, [[{ orchestrators }, { workItemFilters: "auto" }]]);
    const id = await client.scheduleNewOrchestration(names.flow, 2, newId(t));
    await client.waitForOrchestrationStart(id, false, 30);
    await holdsFor(200, async () => (await status(client, id)) === "RUNNING", "RUNNING");
    await add([[{ activities }, { workItemFilters: "auto" }]]);
    assert.equal((await output(client, id)).count, 2);
    assert.deepEqual(runs.of(id), ["late", "late"]);
});

test("filters that are written out choose by version, too", async (t) => {
    const names = namesOf(t);
    const filters = (version) => ({
        orchestrations: [{ name: names.flow, versions: [version] }],
        activities: [{ name: names.step, versions: [version] }],
    });
    const { client } = await workersFor(t, [
        [code("one", names), { workItemFilters: filters("1.0") }],
        [code("two", names), { workItemFilters: filters("2.0") }],
    ]);
    for (const [version, who] of [["2.0", "two"], ["1.0", "one"], ["2.0", "two"]]) {
        const id = await client.scheduleNewOrchestration(names.flow, 2, { instanceId: newId(t), version });
        assert.deepEqual(await output(client, id), { version, count: 2 });
        assert.deepEqual(runs.of(id), [who, who]);
    }
    for (const version of [undefined, "3.0"]) {
        const unserved = await client.scheduleNewOrchestration(names.flow, 2, { instanceId: newId(t), version });
        await holdsFor(150, async () => (await status(client, unserved)) === "PENDING", "PENDING");
    }
});

test("a strict worker with automatic filters gets its own version only", async (t) => {
    const names = namesOf(t);
    const { client } = await workersFor(t, [
        [code("one", names), { workItemFilters: "auto", versioning: strict("1.0", VersionFailureStrategy.Fail) }],
        [code("two", names), { workItemFilters: "auto", versioning: strict("2.0", VersionFailureStrategy.Fail) }],
    ]);
    for (const [version, who] of [["1.0", "one"], ["2.0", "two"]]) {
        const id = await client.scheduleNewOrchestration(names.flow, 2, { instanceId: newId(t), version });
        assert.deepEqual(await output(client, id), { version, count: 2 });
        assert.deepEqual(runs.of(id), [who, who]);
    }
});

test("what a worker rejects by version goes to another", async (t) => {
    const [names, other] = [namesOf(t), namesOf(t)];
    const { client } = await workersFor(t, [
        [code("one", names), { versioning: strict("1.0", VersionFailureStrategy.Reject) }],
        [code("two", { ...other, flow: names.flow }), { versioning: strict("2.0", VersionFailureStrategy.Reject) }],
    ]);
    for (const version of ["1.0", "2.0"]) {
        const id = await client.scheduleNewOrchestration(names.flow, 0, { instanceId: newId(t), version });
        assert.deepEqual(await output(client, id), { version, count: 0 });
    }
});

test("what every worker rejects waits, and can be terminated", async (t) => {
    const names = namesOf(t);
    const { client } = await workersFor(t, [[code("one", names), { versioning: strict("1.0", VersionFailureStrategy.Reject) }]]);
    const id = await client.scheduleNewOrchestration(names.flow, 1, { instanceId: newId(t), version: "9.0" });
    await holdsFor(300, async () => (await status(client, id)) === "PENDING", "PENDING");
    assert.equal((await result(client, names.flow, 1, { version: "1.0" })).count, 1);
    await client.terminateOrchestration(id, "nobody wants it");
    assert.equal((await ended(client, id)).serializedOutput, '"nobody wants it"');
});

test("a mismatch can fail the orchestration instead", async (t) => {
    const names = namesOf(t);
    const { client } = await workersFor(t, [[code("one", names), { versioning: strict("1.0", VersionFailureStrategy.Fail) }]]);
    const id = await client.scheduleNewOrchestration(names.flow, 1, { instanceId: newId(t), version: "2.0" });
    assert.equal((await failure(client, id)).errorType, "VersionMismatch");
});

test("a worker for this version and older ones", async (t) => {
    const names = namesOf(t);
    const versioning = { version: "2.0", matchStrategy: VersionMatchStrategy.CurrentOrOlder, failureStrategy: VersionFailureStrategy.Fail };
    const { client } = await workersFor(t, [[code("two", names), { versioning }]]);
    for (const version of [undefined, "1.5", "2.0"]) {
        assert.deepEqual(await result(client, names.flow, 1, { version }), { version: version ?? "", count: 1 });
    }
    const newer = await client.scheduleNewOrchestration(names.flow, 1, { version: "2.1" });
    assert.equal((await failure(client, newer)).errorType, "VersionMismatch");
});

test("a client's default version counts where none is named", async (t) => {
    const names = namesOf(t);
    const { hub } = await workersFor(t, [[code("any", names), {}]]);
    const client = at.newClient(hub, { defaultVersion: "4.2" });
    assert.equal((await result(client, names.flow, 0)).version, "4.2");
    assert.equal((await result(client, names.flow, 0, { version: "5.0" })).version, "5.0");
});

test("two workers without filters share the work, and everything is done once", async (t) => {
    const names = namesOf(t);
    const { client } = await workersFor(t, [[code("one", names), {}], [code("two", names), {}]]);
    const ids = await Promise.all(Array.from({ length: 30 }, () => client.scheduleNewOrchestration(names.flow, 5)));
    for (const id of ids) {
        assert.equal((await output(client, id)).count, 5);
    }
    const all = ids.flatMap((id) => runs.of(id));
    assert.equal(all.length, 150);
    assert.ok(all.includes("one") && all.includes("two"), "only one of them worked");
});
