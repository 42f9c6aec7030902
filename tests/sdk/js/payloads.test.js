"use strict";
// What goes in comes out, to the letter, up to the limits of limits.payload_bytes (3 MiB) and limits.work_item_bytes (4 MiB - 64 KiB).

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { begin, ended, failure, newId, output, refused, result, serve } = require("./harness.js");

const RESOURCE_EXHAUSTED = 8;
const PAYLOAD_BYTES = 3 * 1024 * 1024;
const WORK_ITEM_BYTES = 4 * 1024 * 1024 - 64 * 1024;

/** A text whose JSON is exactly this long. */
const textOf = (bytes) => "x".repeat(bytes - 2);

const activities = {
    same: (_, value) => value,
    lengthOf: (_, text) => text.length,
    makes: (_, bytes) => textOf(bytes),
    nothing: () => undefined,
};

const orchestrators = {
    same: async (_, value) => value,
    async *everyWay(context, value) {
        const byActivity = yield context.callActivity("same", value);
        const byChild = yield context.callSubOrchestrator("same", value);
        const byEvent = yield context.waitForExternalEvent("value");
        context.setCustomStatus(value);
        return [byActivity, byChild, byEvent, value];
    },
    async *undefinedEverywhere(context, value) {
        const byActivity = yield context.callActivity("nothing", undefined);
        const byChild = yield context.callSubOrchestrator("same", undefined);
        return [value, byActivity, byChild].map((each) => typeof each);
    },
    lengthOf: async (_, text) => text.length,
    makes: async (_, bytes) => textOf(bytes),
    async *passesOn(context, text) {
        return yield context.callActivity("lengthOf", text);
    },
    async *asks(context, bytes) {
        return (yield context.callActivity("makes", bytes)).length;
    },
    async *asksChild(context, bytes) {
        return (yield context.callSubOrchestrator("makes", bytes)).length;
    },
    async *waits(context, text) {
        return text.length + (yield context.waitForExternalEvent("more")).length;
    },
    tellsMuch: async (context, bytes) => context.setCustomStatus(textOf(bytes)),
    async *oneMegabyteEach(context, { number, last }) {
        const text = yield context.waitForExternalEvent("much");
        if (number < last) {
            context.continueAsNew({ number: number + 1, last }, true);
            return;
        }
        return text.length;
    },
};

const at = serve({ orchestrators, activities });

const values = {
    null: null,
    "empty text": "",
    text: "plain",
    "text of all kinds": "Zoë ☃ 漢字 🦀 \u2028 \u007f \u0000 \"quoted\" \\ \n \r\n",
    "half of a pair": "\ud83e",
    zero: 0,
    false: false,
    numbers: [0, -1, 1.5, 1e300, 2 ** 53 - 1, 1e-7],
    nested: { a: [{ b: { "": null } }], z: "", "ä": [], "__proto__x": { y: [[[]]] } },
    "looks like JSON": '{"not": "parsed"}',
};

for (const [kind, value] of Object.entries(values)) {
    test(`a value survives every way: ${kind}`, async (t) => {
        const id = await begin(at.client, "everyWay", value, newId(t));
        await at.client.raiseOrchestrationEvent(id, "value", value);
        assert.deepEqual(await output(at.client, id), [value, value, value, value]);
        const state = await at.client.getOrchestrationState(id);
        assert.equal(state.serializedInput, JSON.stringify(value));
        assert.equal(state.serializedCustomStatus, value === null ? undefined : JSON.stringify(value));
    });
}

test("nothing at all stays nothing", async () => {
    assert.deepEqual(await result(at.client, "undefinedEverywhere"), ["undefined", "undefined", "undefined"]);
});

test("an input of exactly the limit is taken, a byte more is refused with the limit's name", async (t) => {
    assert.equal(await result(at.client, "lengthOf", textOf(PAYLOAD_BYTES)), PAYLOAD_BYTES - 2);
    const id = newId(t);
    const error = await refused(at.client.scheduleNewOrchestration("lengthOf", textOf(PAYLOAD_BYTES + 1), id), RESOURCE_EXHAUSTED);
    assert.match(error.details, /input.*limits\.payload_bytes/);
    assert.equal(await at.client.getOrchestrationState(id), undefined);
});

test("bytes count, not characters", async () => {
    const text = "ü".repeat((PAYLOAD_BYTES - 2) / 2);
    assert.equal(await result(at.client, "lengthOf", text), text.length);
    await refused(at.client.scheduleNewOrchestration("lengthOf", `${text}ü`), RESOURCE_EXHAUSTED);
});

test("outputs, events and reasons have the same limit", async (t) => {
    const made = await ended(at.client, await at.client.scheduleNewOrchestration("makes", PAYLOAD_BYTES));
    assert.equal(made.serializedOutput.length, PAYLOAD_BYTES);
    const tooMuch = await at.client.scheduleNewOrchestration("makes", PAYLOAD_BYTES + 1);
    assert.equal((await failure(at.client, tooMuch)).errorType, "PayloadTooLargeError");
    const id = await begin(at.client, "waits", "x", newId(t));
    await refused(at.client.raiseOrchestrationEvent(id, "more", textOf(PAYLOAD_BYTES + 1)), RESOURCE_EXHAUSTED);
    await refused(at.client.terminateOrchestration(id, textOf(PAYLOAD_BYTES + 1)), RESOURCE_EXHAUSTED);
    await at.client.raiseOrchestrationEvent(id, "more", textOf(PAYLOAD_BYTES));
    assert.equal(await output(at.client, id), PAYLOAD_BYTES - 1);
});

test("a custom status has it, too", async () => {
    const fits = await ended(at.client, await at.client.scheduleNewOrchestration("tellsMuch", PAYLOAD_BYTES));
    assert.equal(fits.serializedCustomStatus.length, PAYLOAD_BYTES);
    const id = await at.client.scheduleNewOrchestration("tellsMuch", PAYLOAD_BYTES + 1);
    assert.equal((await failure(at.client, id)).errorType, "PayloadTooLargeError");
});

test("an activity takes and gives as much as fits beside the rest of the history", async () => {
    // Input and argument, each once in the history.
    const half = 1_900_000;
    assert.equal(await result(at.client, "passesOn", textOf(half)), half - 2);
    assert.equal(await result(at.client, "asks", PAYLOAD_BYTES), PAYLOAD_BYTES - 2);
    assert.equal(await result(at.client, "asksChild", PAYLOAD_BYTES), PAYLOAD_BYTES - 2);
});

test("a history that outgrows a work item fails its instance and says so, and its worker works on", async (t) => {
    const id = await at.client.scheduleNewOrchestration("passesOn", textOf(2_500_000), newId(t));
    const details = await failure(at.client, id);
    assert.equal(details.errorType, "HistoryTooLargeError");
    assert.match(details.message, /limits\.work_item_bytes/);
    assert.equal(await result(at.client, "same", "still here"), "still here");
});

test("the limit of a work item is sharp", async (t) => {
    const first = 2_000_000;
    for (const [room, fits] of [[2000, true], [0, false]]) {
        const id = await begin(at.client, "waits", textOf(first), newId(t, String(room)));
        await at.client.raiseOrchestrationEvent(id, "more", textOf(WORK_ITEM_BYTES - first - room));
        const state = await ended(at.client, id);
        assert.equal(state.failureDetails?.errorType, fits ? undefined : "HistoryTooLargeError", `room ${room}`);
    }
});

test("more events than one work item holds arrive in parts, if the orchestration keeps its history small", async (t) => {
    const startAt = new Date(Date.now() + 1500);
    const options = { instanceId: newId(t), startAt };
    const id = await at.client.scheduleNewOrchestration("oneMegabyteEach", { number: 1, last: 6 }, options);
    for (let number = 0; number < 6; number++) {
        await at.client.raiseOrchestrationEvent(id, "much", textOf(1_000_000));
    }
    assert.equal(await output(at.client, id), 1_000_000 - 2);
});
