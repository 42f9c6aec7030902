"use strict";
// The unmodified client of durable-functions and a server that asks for a key: through links it sends the key of its binding, to an
// rpcBaseUrl it sends none.

const assert = require("node:assert/strict");
const { createHash, randomUUID } = require("node:crypto");
const { after, before, describe, test } = require("node:test");
const { DurableClient } = require("durable-functions/lib/src/durableClient/DurableClient");
const { PUBLIC, RPC, binding } = require("./binding");
const { Server, eventually } = require("./server");

const KEYS = { operate: "operate-key-of-the-test", read: "read-key-of-the-test" };
const settings = Object.entries(KEYS).map(([role, key]) => `${role}:${role}:${createHash("sha256").update(key).digest("hex")}`);
const refused = (code) => new RegExp(`unexpected status code: ${code}`);

describe("a server with keys", () => {
    let server;
    before(async () => {
        server = await Server.start({ DURAHUB__AUTH__KEYS: settings.join() });
    });
    after(() => server.stop());

    test("the key in the links is enough for an instance's whole life", async () => {
        const client = new DurableClient(binding(server.origin, null, KEYS.operate));
        const id = await client.startNew("HumanApproval", { instanceId: `js-${randomUUID()}`, input: { timeoutSeconds: 600 } });
        const state = (name) => eventually(async () => (await client.getStatus(id)).runtimeStatus === name, `${id} to be ${name}`);
        await state("Running");
        await client.suspend(id, "why");
        await state("Suspended");
        await client.resume(id, "go");
        await client.raiseEvent(id, "Approval", true);
        await state("Completed");
        assert((await client.getStatusAll()).some((row) => row.instanceId === id));
        assert.equal((await client.purgeInstanceHistory(id)).instancesDeleted, 1);
    });

    test("the key is for one instance at a time, and so is a link from an answer", async () => {
        const client = new DurableClient(binding(server.origin, null, KEYS.operate));
        await assert.rejects(client.purgeInstanceHistoryBy({ createdTimeFrom: new Date(0) }), refused(403));
        const [one, other] = [await client.startNew("HumanApproval"), await client.startNew("HumanApproval")];
        const poll = await fetch(client.createHttpManagementPayload(one).statusQueryGetUri);
        const location = poll.headers.get("location");
        assert.equal(poll.status, 202);
        assert(!location.includes(KEYS.operate), location);
        assert.equal((await fetch(location)).status, 202);
        assert.equal((await fetch(location.replace(one, other))).status, 403);
    });

    test("a key that may only look is refused where it wants more", async () => {
        const client = new DurableClient(binding(server.origin, null, KEYS.read));
        await client.getStatusAll();
        await assert.rejects(client.startNew("HumanApproval"), refused(403));
        await assert.rejects(client.terminate("x", "why"), refused(403));
    });

    test("a wrong key is refused, and so is a mount for which the client has none", async () => {
        for (const given of [binding(server.origin, null, "wrong"), binding(server.origin, RPC, KEYS.operate),
            binding(server.origin, PUBLIC, KEYS.operate)]) {
            await assert.rejects(new DurableClient(given).startNew("HumanApproval"), refused(401));
        }
    });
});

test("the mount for clients on this machine can be opened", async () => {
    const server = await Server.start({ DURAHUB__AUTH__KEYS: settings.join(), DURAHUB__AUTH__OPEN_RPC_MOUNT: "true" });
    try {
        const client = new DurableClient(binding(server.origin, RPC));
        const id = await client.startNew("HelloCities");
        await eventually(async () => (await client.getStatus(id)).runtimeStatus === "Completed", `${id} to complete`);
        await assert.rejects(new DurableClient(binding(server.origin, PUBLIC)).getStatus(id), refused(401));
    } finally {
        await server.stop();
    }
});
