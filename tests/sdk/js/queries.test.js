"use strict";
// Lists of instances and of ids, in pages.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { OrchestrationStatus } = require("@microsoft/durabletask-js");
const { begin, ended, nameOf, newId, serve } = require("./harness.js");

const orchestrators = {
    async *echo(context, value) {
        context.setCustomStatus("echoing");
        yield context.createTimer(0);
        return value;
    },
    async *waits(context) {
        return yield context.waitForExternalEvent("go");
    },
    fails: async () => {
        throw new Error("on purpose");
    },
    async *callsChild(context, child) {
        return yield context.callSubOrchestrator("echo", 1, { instanceId: child });
    },
};

/** Seven completed, two failed, three running, one terminated; in this order, which is that of their creation. */
const population = [];
async function prepare({ client }) {
    const plan = [...Array(7).fill("echo"), "fails", "fails", ...Array(4).fill("waits")];
    for (const [number, name] of plan.entries()) {
        population.push(await client.scheduleNewOrchestration(name, `input ${number}`, `people-${String(number).padStart(2, "0")}`));
    }
    await Promise.all(population.slice(0, 9).map((id) => ended(client, id)));
    await client.terminateOrchestration(population[12], "over");
    await ended(client, population[12]);
    await Promise.all(population.slice(9, 12).map((id) => client.waitForOrchestrationStart(id, false, 30)));
}

const at = serve({ orchestrators }, { prepare });

async function found(filter) {
    const states = [];
    for await (const state of at.client.getAllInstances({ instanceIdPrefix: "people-", ...filter })) {
        states.push(state);
    }
    return states;
}

const idsOf = (states) => states.map((state) => state.instanceId);

test("a prefix finds what begins with it, in the order of creation", async () => {
    assert.deepEqual(idsOf(await found({})), population);
    assert.deepEqual(idsOf(await found({ instanceIdPrefix: "people-0" })), population.slice(0, 10));
    assert.deepEqual(await found({ instanceIdPrefix: "people_" }), []);
    assert.deepEqual(await found({ instanceIdPrefix: "people%" }), []);
});

for (const pageSize of [1, 3, 13, 14]) {
    test(`pages of ${pageSize} meet everyone once, and end`, async () => {
        const pages = [];
        for await (const page of at.client.getAllInstances({ instanceIdPrefix: "people-", pageSize }).asPages()) {
            pages.push(page);
            assert.ok(pages.length <= population.length, "more pages than instances");
        }
        assert.deepEqual(pages.flatMap((page) => idsOf(page.values)), population);
        assert.ok(pages.slice(0, -1).every((page) => page.values.length === pageSize && page.continuationToken));
        assert.equal(pages.at(-1).continuationToken, undefined);
        assert.ok(!pages.at(-1).hasMoreResults);
        const tokens = pages.slice(0, -1).map((page) => page.continuationToken);
        assert.equal(new Set(tokens).size, tokens.length);
    });
}

test("a page can be continued by its token later", async () => {
    const query = { instanceIdPrefix: "people-", pageSize: 5 };
    let token;
    for await (const page of at.client.getAllInstances(query).asPages()) {
        token = page.continuationToken;
        break;
    }
    const rest = [];
    for await (const page of at.client.getAllInstances(query).asPages(token, 2)) {
        rest.push(...idsOf(page.values));
    }
    assert.deepEqual(rest, population.slice(5));
});

test("statuses are alternatives", async () => {
    assert.deepEqual(idsOf(await found({ statuses: [OrchestrationStatus.FAILED] })), population.slice(7, 9));
    const both = [OrchestrationStatus.RUNNING, OrchestrationStatus.TERMINATED];
    assert.deepEqual(idsOf(await found({ statuses: both, pageSize: 1 })), population.slice(9));
    assert.deepEqual(await found({ statuses: [OrchestrationStatus.SUSPENDED] }), []);
});

test("times of creation bound a query", async () => {
    const all = await found({});
    const [first, last] = [all[0].createdAt, new Date(all.at(-1).createdAt.getTime() + 1)];
    assert.deepEqual(idsOf(await found({ createdFrom: first, createdTo: last })), population);
    assert.deepEqual(await found({ createdTo: first }), []);
    assert.deepEqual(await found({ createdFrom: last }), []);
    // This SDK knows milliseconds only, so what was created within the same one comes along.
    const late = all.filter((state) => state.createdAt >= all[6].createdAt);
    assert.deepEqual(idsOf(await found({ createdFrom: all[6].createdAt })), idsOf(late));
});

test("payloads come when asked for", async () => {
    const [full] = await found({ fetchInputsAndOutputs: true, pageSize: 1 });
    assert.equal(full.serializedInput, '"input 0"');
    assert.equal(full.serializedOutput, '"input 0"');
    assert.equal(full.serializedCustomStatus, '"echoing"');
    const [bare] = await found({});
    assert.equal(bare.serializedInput ?? bare.serializedOutput ?? bare.serializedCustomStatus, undefined);
    assert.equal(bare.name, "echo");
    assert.equal(nameOf(bare), "COMPLETED");
    const failed = (await found({ statuses: [OrchestrationStatus.FAILED] }))[0];
    assert.match(failed.failureDetails.message, /on purpose/);
});

test("children are listed, too", async (t) => {
    const prefix = newId(t);
    const parent = await at.client.scheduleNewOrchestration("callsChild", `${prefix}-child`, `${prefix}-parent`);
    await ended(at.client, parent);
    assert.deepEqual(idsOf(await found({ instanceIdPrefix: prefix })), [`${prefix}-parent`, `${prefix}-child`]);
});

test("paging meets whoever stays exactly once while others come and go", async (t) => {
    const prefix = newId(t);
    const stay = [];
    for (let number = 0; number < 10; number++) {
        stay.push(await begin(at.client, "waits", undefined, `${prefix}:stays:${number}`));
        await ended(at.client, await at.client.scheduleNewOrchestration("fails", undefined, `${prefix}:goes:${number}`));
    }
    const met = [];
    let round = 0;
    for await (const page of at.client.getAllInstances({ instanceIdPrefix: prefix, pageSize: 2 }).asPages()) {
        met.push(...idsOf(page.values));
        await at.client.purgeOrchestration(`${prefix}:goes:${9 - round}`);
        await at.client.scheduleNewOrchestration("waits", undefined, `${prefix}:comes:${round}`);
        round += 1;
        assert.ok(round < 40, "paging does not end");
    }
    assert.equal(new Set(met).size, met.length);
    assert.deepEqual(met.filter((id) => id.includes(":stays:")), stay);
});

test("ids of ended instances, page by page in the order of their ends", async () => {
    const listed = [];
    let lastInstanceKey;
    do {
        const page = await at.client.listInstanceIds({ pageSize: 1, lastInstanceKey });
        assert.ok(page.values.length <= 1);
        listed.push(...page.values);
        lastInstanceKey = page.continuationToken;
        assert.ok(listed.length < 500, "the list does not end");
    } while (lastInstanceKey);
    const people = listed.filter((id) => id.startsWith("people-"));
    assert.deepEqual([...people].sort(), [...population.slice(0, 9), population[12]]);
    assert.equal(people.at(-1), population[12]);
    assert.equal(new Set(listed).size, listed.length);
});

test("ids by status and time of the end", async () => {
    const failed = await at.client.listInstanceIds({ runtimeStatus: [OrchestrationStatus.FAILED], pageSize: 100 });
    assert.deepEqual(failed.values.filter((id) => id.startsWith("people-")).sort(), population.slice(7, 9));
    const future = new Date(Date.now() + 60_000);
    assert.deepEqual((await at.client.listInstanceIds({ completedTimeFrom: future })).values, []);
    assert.ok((await at.client.listInstanceIds({ completedTimeTo: future })).values.includes(population[0]));
    assert.deepEqual((await at.client.listInstanceIds({ runtimeStatus: [OrchestrationStatus.RUNNING] })).values, []);
});
