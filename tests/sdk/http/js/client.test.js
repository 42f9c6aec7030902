"use strict";
// Every method of the unmodified client of durable-functions, with its successes and refusals, against the real binary.
// The functions that run are the server's samples: this client has no worker to go with it.

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const { after, before, describe, test } = require("node:test");
const { DurableClient } = require("durable-functions/lib/src/durableClient/DurableClient");
const { PUBLIC, RPC, binding } = require("./binding");
const { Server, eventually } = require("./server");

const LINKS = ["id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri", "purgeHistoryDeleteUri",
    "restartPostUri", "suspendPostUri", "resumePostUri"];

let server;
before(async () => {
    server = await Server.start();
});
after(async () => {
    const alive = server.process.exitCode === null;
    const log = server.log();
    await server.stop();
    assert(alive, `the server died during the tests:\n${log}`);
});

/** A time that parts what was created before the call from what is created after it. */
async function aMomentLater() {
    const middle = Date.now() + 5;
    await eventually(() => Date.now() > middle + 5, "the clock to move on");
    return new Date(middle);
}

const newId = (suffix = "") => `js-${randomUUID()}${suffix}`;
const noInstance = /No instance with ID|HTTP 404/;
const status = (code) => new RegExp(`unexpected status code: ${code}`);

for (const [mode, rpcMount] of [["the public mount as rpcBaseUrl", PUBLIC], ["the links", null], ["the rpc mount", RPC]]) {
    describe(`through ${mode}`, () => {
        let client;

        before(() => {
            client = new DurableClient(binding(server.origin, rpcMount));
        });

        const waitFor = (id, state) =>
            eventually(async () => {
                const found = await client.getStatus(id);
                return found.runtimeStatus === state && found;
            }, `${id} to be ${state}`);

        async function started(state) {
            const id = newId();
            const [name, input] = {
                Pending: ["NobodyServesThis", null],
                Completed: ["HelloCities", null],
                Failed: ["SlowChain", { steps: 1_000_000 }],
            }[state] ?? ["HumanApproval", { timeoutSeconds: 600 }];
            assert.equal(await client.startNew(name, { instanceId: id, input }), id);
            if (state === "Suspended" || state === "Terminated") {
                await waitFor(id, "Running");
                await (state === "Suspended" ? client.suspend(id, "why") : client.terminate(id, "over"));
            }
            await waitFor(id, state);
            return id;
        }

        for (const input of [null, 0, false, "hi", "ü 🚀", "", [], { a: { b: [1, null] } }]) {
            test(`an input is kept as it is: ${JSON.stringify(input)}`, async () => {
                const id = await client.startNew("NobodyServesThis", { input });
                assert.match(id, /^[0-9a-f]{32}$/);
                const found = await client.getStatus(id);
                assert.deepEqual(found.input, input);
                assert.equal(found.runtimeStatus, "Pending");
                assert.equal(found.name, "NobodyServesThis");
            });
        }

        test("without an input the client sends an empty text, and that is the input", async () => {
            assert.equal((await client.getStatus(await client.startNew("NobodyServesThis"))).input, "");
        });

        test("an id is taken as given, and a plus in it means a space", async () => {
            for (const id of ["x y", "ü 🚀", "a|b", "(a)'!*~", "a,b:c;d=e"]) {
                const unique = newId(id);
                assert.equal(await client.startNew("HelloCities", { instanceId: unique }), unique);
                assert.equal((await waitFor(unique, "Completed")).instanceId, unique);
            }
            const plus = newId("a+b");
            assert.equal(await client.startNew("HelloCities", { instanceId: plus }), plus.replace("+", " "));
            assert.equal((await client.getStatus(plus)).instanceId, plus.replace("+", " "));
        });

        test("a version is kept", async () => {
            const id = await client.startNew("NobodyServesThis", { version: "1.0 b+ü" });
            const answer = await fetch(`${server.origin}${PUBLIC}/instances/${id}`);
            assert.equal((await answer.json()).version, "1.0 b+ü");
        });

        test("an id in use is refused", async () => {
            for (const state of ["Pending", "Running", "Suspended"]) {
                const id = await started(state);
                await assert.rejects(client.startNew("HelloCities", { instanceId: id }), status(409));
                assert.equal((await client.getStatus(id)).runtimeStatus, state);
            }
        });

        test("an id that has ended starts anew", async () => {
            for (const state of ["Completed", "Failed", "Terminated"]) {
                const id = await started(state);
                assert.equal(await client.startNew("NobodyServesThis", { instanceId: id }), id);
                await waitFor(id, "Pending");
            }
        });

        test("an impossible id is refused", async () => {
            for (const id of ["@counter@k", "x".repeat(257)]) {
                await assert.rejects(client.startNew("HelloCities", { instanceId: id }), status(400));
            }
            await assert.rejects(client.startNew(""), /must be a valid string/);
        });

        test("an input that is too large is refused", async () => {
            await assert.rejects(client.startNew("NobodyServesThis", { input: "x".repeat(4 << 20) }), status(413));
        });

        for (const state of ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"]) {
            test(`the status of a ${state} instance reads`, async () => {
                const id = await started(state);
                const found = await client.getStatus(id, { showHistory: true, showHistoryOutput: true, showInput: true });
                assert.equal(found.instanceId, id);
                assert.equal(found.runtimeStatus, state);
                assert(found.createdTime instanceof Date && found.createdTime <= found.lastUpdatedTime);
            });
        }

        test("a status shows input, output and history as asked", async () => {
            const id = await client.startNew("SlowChain", { input: { steps: 2, delayMs: 0 } });
            await waitFor(id, "Completed");
            const bare = await client.getStatus(id);
            assert.deepEqual([bare.input, bare.output], [{ steps: 2, delayMs: 0 }, 2]);
            const full = await client.getStatus(id, { showHistory: true, showHistoryOutput: true });
            assert.equal(full.output, 2);
            const hidden = await client.getStatus(id, { showInput: false });
            // Only the links carry a false flag.
            assert.deepEqual(hidden.input, rpcMount ? bare.input : null);
        });

        test("the status of an unknown instance is refused", async () => {
            await assert.rejects(client.getStatus(newId()), noInstance);
        });

        test("an event decides", async () => {
            for (const [value, output] of [[true, "Approved"], [false, "Rejected"]]) {
                const id = await started("Running");
                await client.raiseEvent(id, "approval", value, { taskHubName: "default", connectionName: "Other" });
                assert.equal((await waitFor(id, "Completed")).output, output);
            }
        });

        test("an event without data, though its body is empty, is accepted as null", async () => {
            const id = await started("Running");
            await client.raiseEvent(id, "Approval");
            await eventually(async () => (await client.getStatus(id)).customStatus?.ignored === 1, "an ignored event");
        });

        test("an event with a blank in its name and any data is accepted", async () => {
            for (const value of [null, 0, "ü", [], { x: 1 }]) {
                await client.raiseEvent(await started("Pending"), "Ev 1", value);
            }
        });

        test("an event for an unknown instance, no name or another hub is refused", async () => {
            const id = await started("Running");
            await assert.rejects(client.raiseEvent(newId(), "Approval", true), noInstance);
            await assert.rejects(client.raiseEvent(id, "", true), /must be a valid string/);
            await assert.rejects(client.raiseEvent(id, "Approval", true, { taskHubName: "elsewhere" }), noInstance);
            assert.equal((await client.getStatus(id)).runtimeStatus, "Running");
        });

        test("what has not ended can be terminated, and the reason is the output", async () => {
            for (const state of ["Pending", "Running", "Suspended"]) {
                const id = await started(state);
                await client.terminate(id, "be cause/ü");
                assert.equal((await waitFor(id, "Terminated")).output, "be cause/ü");
            }
        });

        test("a suspended instance goes on when resumed", async () => {
            const id = await started("Suspended");
            await client.raiseEvent(id, "Approval", true);
            await client.resume(id, "r&r");
            assert.equal((await waitFor(id, "Completed")).output, "Approved");
        });

        test("suspending twice and resuming what runs are refused", async () => {
            await assert.rejects(client.suspend(await started("Suspended"), "why"), status(409));
            await assert.rejects(client.resume(await started("Running"), "why"), status(409));
            await assert.rejects(client.resume(await started("Pending"), "why"), status(409));
        });

        test("operations and events on an ended instance change nothing and are no error", async () => {
            for (const state of ["Completed", "Failed", "Terminated"]) {
                const id = await started(state);
                const earlier = await client.getStatus(id);
                for (const operation of ["terminate", "suspend", "resume"]) {
                    await client[operation](id, "late");
                }
                await client.raiseEvent(id, "Approval", true);
                assert.deepEqual(await client.getStatus(id), earlier);
            }
        });

        test("operations on an unknown instance are refused", async () => {
            for (const operation of ["terminate", "suspend", "resume"]) {
                await assert.rejects(client[operation](newId(), "why"), noInstance);
            }
        });

        test("an ended instance is purged once", async () => {
            for (const state of ["Completed", "Failed", "Terminated"]) {
                const id = await started(state);
                assert.deepEqual(await client.purgeInstanceHistory(id), { instancesDeleted: 1 });
                assert.equal((await client.purgeInstanceHistory(id)).instancesDeleted, 0);
                await assert.rejects(client.getStatus(id), noInstance);
            }
        });

        test("what has not ended is not purged", async () => {
            for (const state of ["Pending", "Running", "Suspended"]) {
                const id = await started(state);
                await assert.rejects(client.purgeInstanceHistory(id), status(412));
                assert.equal((await client.getStatus(id)).runtimeStatus, state);
            }
        });

        test("waiting gives the output, the status or, in the end, the links", async () => {
            const options = { timeoutInMilliseconds: 20_000, retryIntervalInMilliseconds: 20 };
            const wait = (id, given = options) => client.waitForCompletionOrCreateCheckStatusResponse(undefined, id, given);
            const done = await wait(await client.startNew("HelloCities"));
            assert.equal(done.status, 200);
            assert.deepEqual(await done.json(), ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"]);
            const failed = await wait(await started("Failed"));
            assert.equal(failed.status, 500);
            assert.equal((await failed.json()).runtimeStatus, "Failed");
            const terminated = await wait(await started("Terminated"));
            assert.equal(terminated.status, 200);
            assert.equal((await terminated.json()).output, "over");
            const id = await started("Running");
            const early = await wait(id, { timeoutInMilliseconds: 60, retryIntervalInMilliseconds: 20 });
            assert.equal(early.status, 202);
            assert.deepEqual(await early.json(), client.createHttpManagementPayload(id));
            await assert.rejects(wait(newId()), noInstance);
        });

        test("what has failed is rewound, and nothing else", async () => {
            const failed = await started("Failed");
            await client.rewind(failed, "a b");
            await waitFor(failed, "Failed"); // it fails by itself, so it fails again
            const answer = await fetch(`${server.origin}/api/v1/instances/${failed}/revisions`);
            assert.deepEqual((await answer.json()).map((row) => [row.revision, row.reason]), [[1, "a b"]]);
            for (const state of ["Pending", "Running", "Suspended", "Completed", "Terminated"]) {
                const id = await started(state);
                await assert.rejects(client.rewind(id, "why"), new RegExp(`cannot rewind instance ${id}: it is ${state}`));
                assert.equal((await client.getStatus(id)).runtimeStatus, state);
            }
            await assert.rejects(client.rewind(newId(), "why"), /does not exist|No instance with ID/);
        });

        test("every link of a management payload works", async () => {
            const id = await started("Running");
            const links = client.createHttpManagementPayload(id);
            assert.deepEqual(Object.keys(links).sort(), [...LINKS].sort());
            const call = async (method, link, body) => {
                const headers = body && { "Content-Type": "application/json" };
                const answer = await fetch(link.replace("{text}", "why").replace("{eventName}", "Other"), { method, body, headers });
                return answer.status;
            };
            assert.equal(await call("GET", links.statusQueryGetUri), 202);
            assert.equal(await call("POST", links.suspendPostUri), 202);
            await waitFor(id, "Suspended");
            assert.equal(await call("POST", links.resumePostUri), 202);
            await waitFor(id, "Running");
            assert.equal(await call("POST", links.sendEventPostUri, "1"), 202);
            assert.equal(await call("POST", links.terminatePostUri), 202);
            await waitFor(id, "Terminated");
            assert.equal(await call("DELETE", links.purgeHistoryDeleteUri), 200);
            assert.equal(await call("GET", links.statusQueryGetUri), 404);
        });

        test("a check status response points at the instance", async () => {
            const id = await started("Pending");
            const response = client.createCheckStatusResponse(undefined, id);
            assert.equal(response.status, 202);
            assert.equal(response.headers.get("Retry-After"), "10");
            assert.equal(response.headers.get("Location"), client.createHttpManagementPayload(id).statusQueryGetUri);
            const elsewhere = client.createCheckStatusResponse({ url: "https://example.org:8443/api/start" }, id);
            assert.match((await elsewhere.json()).terminatePostUri, /^https:\/\/example\.org:8443\/runtime\//);
        });

        test("all pages of a list are read, each instance once", async () => {
            const since = await aMomentLater();
            const ids = Array.from({ length: 105 }, () => newId());
            await Promise.all(ids.map((instanceId) => client.startNew("NobodyServesThis", { instanceId })));
            for (const list of [await client.getStatusAll(), await client.getStatusBy({ createdTimeFrom: since })]) {
                const listed = list.map((row) => row.instanceId);
                assert.equal(new Set(listed).size, listed.length);
                assert(ids.every((id) => listed.includes(id)));
            }
        });

        test("a list by state and time holds just those", async () => {
            await started("Completed");
            const since = await aMomentLater();
            const running = await started("Running");
            await started("Pending");
            await started("Completed");
            const listed = await client.getStatusBy({ createdTimeFrom: since, runtimeStatus: ["Running", "Failed"] });
            assert.deepEqual(listed.map((row) => row.instanceId), [running]);
            assert.deepEqual(await client.getStatusBy({ createdTimeFrom: since, createdTimeTo: since }), []);
        });

        test("a purge by filter takes what has ended, and nothing else", async () => {
            const earlier = await started("Completed");
            const since = await aMomentLater();
            const [gone, kept, live] = [await started("Completed"), await started("Failed"), await started("Running")];
            const filter = { createdTimeFrom: since, runtimeStatus: ["Completed"] };
            assert.equal((await client.purgeInstanceHistoryBy(filter)).instancesDeleted, 1);
            assert.equal((await client.purgeInstanceHistoryBy(filter)).instancesDeleted, 0);
            await assert.rejects(client.getStatus(gone), noInstance);
            for (const id of [earlier, kept, live]) {
                assert.equal((await client.getStatus(id)).instanceId, id);
            }
        });
    });
}

test("the client that the package's public face makes is the same", async () => {
    process.env.WEBSITE_HOSTNAME = new URL(server.origin).host;
    const df = require("durable-functions");
    const input = df.input.durableClient();
    const inputs = new Map([[input, binding(server.origin, PUBLIC)]]);
    const client = df.getClient({ options: { extraInputs: [input] }, extraInputs: inputs });
    assert(client instanceof DurableClient);
    const id = await client.startNew("HelloCities");
    await eventually(async () => (await client.getStatus(id)).runtimeStatus === "Completed", `${id} to complete`);
});
