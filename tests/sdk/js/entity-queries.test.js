"use strict";
// What a client sees of entities: one of them, pages of many, and what there is to clean up.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { EntityInstanceId } = require("@microsoft/durabletask-js");
const { counter, entities, journal } = require("./counter.js");
const { begin, eventually, holds, newId, serve, status } = require("./harness.js");

const orchestrators = {
    async *locks(context, key) {
        yield context.entities.lockEntities(counter(key));
        yield context.waitForExternalEvent("go");
    },
};

const at = serve({ orchestrators, entities }, { environment: { DURAHUB__HUBS__CREATE_ON_START: "true" } });

/** A client and, if wanted, a worker of a hub that nobody else uses. */
async function ownHub(t, { worker = true } = {}) {
    const hub = newId(t).slice(-20).replaceAll("-", "h");
    if (worker) {
        await at.startWorker({ orchestrators, entities }, { hub });
    }
    return at.newClient(hub);
}

/** Ids in the order of a query. */
async function found(client, query) {
    const ids = [];
    for await (const entity of client.getEntities(query)) {
        ids.push(entity.id.toString());
    }
    return ids;
}

test("one entity, with its state and without", async (t) => {
    const id = newId(t);
    const before = Date.now();
    await at.client.signalEntity(counter(id), "add", 3);
    await holds(at.client, counter(id), 3);
    const whole = await at.client.getEntity(counter(id));
    assert.deepEqual([whole.id.toString(), whole.state, whole.backlogQueueSize, whole.lockedBy], [`@counter@${id}`, 3, 0, undefined]);
    assert.ok(whole.lastModifiedTime.getTime() >= before - 1 && whole.lastModifiedTime.getTime() <= Date.now() + 1);
    const bare = await at.client.getEntity(counter(id), false);
    assert.deepEqual([bare.id.toString(), bare.includesState], [`@counter@${id}`, false]);
});

test("an entity that nobody has signalled is not there", async (t) => {
    assert.equal(await at.client.getEntity(counter(newId(t))), undefined);
    assert.equal(await at.client.getEntity(new EntityInstanceId("nosuch", "")), undefined);
});

test("an orchestration is no entity, and an entity no orchestration", async (t) => {
    const id = newId(t);
    await at.client.signalEntity(counter(id), "add", 1);
    await holds(at.client, counter(id), 1);
    assert.equal(await status(at.client, `@counter@${id}`), undefined);
});

test("pages hold what they are asked for, in order, each entity once", async (t) => {
    const client = await ownHub(t);
    const keys = Array.from({ length: 25 }, (_, number) => String(number).padStart(2, "0"));
    await Promise.all(keys.map((key) => client.signalEntity(counter(key), "add", Number(key))));
    await client.signalEntity(journal("00"), "note", "one");
    await eventually(async () => (await found(client)).length === 26, "all of them to have a state");
    const pages = [];
    for await (const page of client.getEntities({ instanceIdStartsWith: "counter", pageSize: 10 }).asPages()) {
        pages.push(page.values);
    }
    assert.deepEqual(pages.map((page) => page.length), [10, 10, 5]);
    const listed = pages.flat().map((entity) => [entity.id.toString(), entity.state]);
    assert.deepEqual(listed, keys.map((key) => [`@counter@${key}`, Number(key)]));
    assert.deepEqual((await found(client, { pageSize: 1 })).at(-1), "@journal@00");
});

test("a query goes on from a continuation token", async (t) => {
    const client = await ownHub(t);
    for (const key of ["a", "b", "c"]) {
        await client.signalEntity(counter(key), "add", 1);
        await holds(client, counter(key), 1);
    }
    const { value: page } = await client.getEntities({ pageSize: 2 }).asPages()[Symbol.asyncIterator]().next();
    assert.deepEqual(page.values.map((entity) => entity.id.key), ["a", "b"]);
    assert.deepEqual(await found(client, { pageSize: 2, continuationToken: page.continuationToken }), ["@counter@c"]);
});

test("queries choose by prefix and by time", async (t) => {
    const client = await ownHub(t);
    for (const entity of [counter("apple"), counter("apricot"), counter("pear"), journal("apple")]) {
        await client.signalEntity(entity, entity.name === "counter" ? "add" : "note", 1);
        await holds(client, entity, entity.name === "counter" ? 1 : [1]);
    }
    assert.deepEqual(await found(client, { instanceIdStartsWith: "@counter@ap" }), ["@counter@apple", "@counter@apricot"]);
    assert.deepEqual(await found(client, { instanceIdStartsWith: "Journal" }), ["@journal@apple"]);
    assert.deepEqual(await found(client, { instanceIdStartsWith: "@nosuch@" }), []);
    const { lastModifiedTime } = await client.getEntity(counter("pear"));
    const after = new Date(lastModifiedTime.getTime() + 60_000);
    assert.equal((await found(client, { lastModifiedTo: after })).length, 4);
    assert.deepEqual(await found(client, { lastModifiedFrom: after }), []);
    const since = await found(client, { lastModifiedFrom: new Date(lastModifiedTime.getTime()) });
    assert.ok(since.includes("@counter@pear") && since.includes("@journal@apple"), String(since));
});

test("states come only if they are wanted", async (t) => {
    const client = await ownHub(t);
    await client.signalEntity(counter("a"), "add", 1);
    await holds(client, counter("a"), 1);
    for await (const entity of client.getEntities({ includeState: false })) {
        assert.equal(entity.includesState, false);
    }
    for await (const entity of client.getEntities()) {
        assert.equal(entity.state, 1);
    }
});

test("entities that only wait or are only locked show when they are asked for", async (t) => {
    const client = await ownHub(t, { worker: false });
    await client.signalEntity(journal("waits"), "note", 1);
    assert.deepEqual(await found(client), []);
    assert.deepEqual(await found(client, { includeTransient: true }), ["@journal@waits"]);
    assert.equal((await client.getEntity(journal("waits"))).backlogQueueSize, 1);
});

test("an entity that is only locked shows who has locked it, and goes with the lock", async (t) => {
    const client = await ownHub(t);
    const owner = await begin(client, "locks", "locked");
    const lockedBy = async () => (await client.getEntity(counter("locked")))?.lockedBy;
    await eventually(async () => (await lockedBy()) === owner, "the lock");
    assert.deepEqual(await found(client), []);
    assert.deepEqual(await found(client, { includeTransient: true }), ["@counter@locked"]);
    await client.terminateOrchestration(owner);
    await eventually(async () => (await client.getEntity(counter("locked"))) === undefined, "it to be gone");
});

test("there is never anything to clean up", async (t) => {
    const client = await ownHub(t);
    const owner = await begin(client, "locks", "a");
    await client.signalEntity(counter("b"), "add", 1);
    await holds(client, counter("b"), 1);
    await client.signalEntity(counter("b"), "delete");
    await client.terminateOrchestration(owner);
    await eventually(async () => (await found(client, { includeTransient: true })).length === 0, "all to be gone");
    const cleaned = await client.cleanEntityStorage();
    assert.deepEqual([cleaned.emptyEntitiesRemoved, cleaned.orphanedLocksReleased, cleaned.continuationToken], [0, 0, undefined]);
});

test("hubs have their own entities", async (t) => {
    const [client, id] = [await ownHub(t), newId(t)];
    await client.signalEntity(counter(id), "add", 1);
    await holds(client, counter(id), 1);
    assert.equal(await at.client.getEntity(counter(id)), undefined);
});
