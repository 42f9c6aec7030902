"use strict";
// The unmodified client of durable-functions and entities: it reads and signals, and knows nothing else of them. Nobody serves these
// entities here, so signals wait; what arrives of them, and that a state is read, is tested in ../test_entities.py.

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const { after, before, describe, test } = require("node:test");
const { EntityId } = require("durable-functions");
const { DurableClient } = require("durable-functions/lib/src/durableClient/DurableClient");
const { PUBLIC, RPC, binding } = require("./binding");
const { Server } = require("./server");

let server;
before(async () => {
    server = await Server.start();
});
after(() => server.stop());

const status = (code) => new RegExp(`unexpected status code: ${code}`);

for (const [mode, rpcMount] of [["the public mount as rpcBaseUrl", PUBLIC], ["the links", null], ["the rpc mount", RPC]]) {
    describe(`through ${mode}`, () => {
        let client;
        let entity;

        before(() => {
            client = new DurableClient(binding(server.origin, rpcMount));
        });

        const isThere = async (id) => {
            const answer = await fetch(`${server.origin}${PUBLIC}/instances/${encodeURIComponent(id)}`);
            return answer.status === 202 && (await answer.json()).runtimeStatus === "Running";
        };

        test("a signal makes the entity, which has no state before it has run", async () => {
            for (const [operation, input] of [["reset"], ["add op", 5], ["set", { a: [1, null] }], ["set", "ü 🚀"], [""]]) {
                entity = new EntityId("NobodyServesThis", `k-${randomUUID()}`);
                await client.signalEntity(entity, operation, input);
                assert(await isThere(`@nobodyservesthis@${entity.key}`), operation);
                const read = await client.readEntityState(entity);
                assert.deepEqual([read.entityExists, read.entityState], [false, undefined]);
            }
        });

        test("an entity that nobody has signalled is not there", async () => {
            const read = await client.readEntityState(new EntityId("NobodyServesThis", randomUUID()));
            assert.equal(read.entityExists, false);
        });

        test("what breaks a rule is refused", async () => {
            for (const [name, key, operation] of [["NobodyServesThis", "k".repeat(256), "set"], ["count@er", "k", "set"], ["NobodyServesThis", "k", "o".repeat(257)]]) {
                await assert.rejects(client.signalEntity(new EntityId(name, key), operation), status(400));
                assert.equal((await client.readEntityState(new EntityId(name, key))).entityExists, false);
            }
        });

        test("an input that is too large is refused", async () => {
            const key = randomUUID();
            await assert.rejects(client.signalEntity(new EntityId("NobodyServesThis", key), "set", "x".repeat(4 << 20)), status(413));
            assert.equal(await isThere(`@nobodyservesthis@${key}`), false);
        });

        test("a hub that does not exist has no entities and takes none", async () => {
            const id = new EntityId("NobodyServesThis", randomUUID());
            const options = { taskHubName: "nowhere", connectionName: "Storage" };
            assert.equal((await client.readEntityState(id, options)).entityExists, false);
            await assert.rejects(client.signalEntity(id, "set", 1, options), status(400));
        });
    });
}
