"use strict";
// The server goes and comes back with workers attached: they come back by themselves, what was acknowledged is still there, and
// everything completes. The tests are the same for each way to go; each has its own file, so that they run side by side.

const assert = require("node:assert/strict");
const { after, before, beforeEach, test } = require("node:test");
const { whenAll } = require("@microsoft/durabletask-js");
const { Gates, Log, Server, begin, brokeOff, ended, eventually, nameOf, newClient, newId, newWorker, output, reaches, status } = require("./harness.js");

const runs = new Log();
const gates = new Gates();

const activities = {
    note: (context, step) => {
        runs.add("all", context.orchestrationId);
        return step;
    },
    gated: async (context, key) => {
        runs.add(context.orchestrationId, "gated");
        await gates.pass(key);
        return key;
    },
};

const orchestrators = {
    child: async (_, value) => value * 2,
    async *everything(context, seed) {
        const results = [];
        for (let round = 0; round < 3; round++) {
            results.push(yield context.callActivity("note", seed + round));
            yield context.createTimer(0.02);
            results.push(yield context.callSubOrchestrator("child", seed + round));
            results.push(...(yield whenAll([0, 1, 2].map((step) => context.callActivity("note", step)))));
        }
        return results;
    },
    async *collectsUntilEnough(context) {
        const seen = [];
        for (;;) {
            const value = yield context.waitForExternalEvent("item");
            if (value === "enough") {
                return seen;
            }
            seen.push(value);
        }
    },
    async *naps(context, seconds) {
        yield context.createTimer(seconds);
        return "slept";
    },
    async *gatedOnce(context) {
        return yield context.callActivity("gated", context.instanceId);
    },
};

const expected = (seed) => [0, 1, 2].flatMap((round) => [seed + round, (seed + round) * 2, 0, 1, 2]);

let server, client, workers;

before(async () => {
    // Half of the deadline is for work that is out; the test with an activity that never ends has to wait for it.
    server = await new Server({ DURAHUB__SERVER__SHUTDOWN_DEADLINE_SECS: "3" }).run();
    client = newClient(server.address);
    workers = [1, 2].map(() => newWorker(server.address, { activities, orchestrators }));
    await Promise.all(workers.map((worker) => worker.start()));
});

beforeEach(() => assert.ok(server.alive(), server.log()));

after(async () => {
    // This SDK must not be told to stop while it reconnects: it would open its stream all the same, and trip over its end.
    await back();
    await Promise.all([...workers, client].map((each) => each.stop()));
    await server.remove();
});

/** Both workers have found the server again. */
const back = () => eventually(() => server.joined() >= 2, "both workers to be back");

/** Repeats a call while the server cannot be reached, as clients of a server that restarts do. */
async function patiently(call) {
    return eventually(async () => {
        try {
            return { answer: await call() };
        } catch (error) {
            if (!brokeOff(error)) {
                throw error;
            }
            return undefined;
        }
    }, "the server to be back").then(({ answer }) => answer);
}

const finish = (id) => patiently(() => output(client, id));

/** The tests, for a server that goes by `down(server)`, which is called `name`. */
function restarts(name, down) {
    test(`orchestrations under way complete after ${name}`, async (t) => {
        const ids = Array.from({ length: 20 }, (_, number) => newId(t, String(number)));
        const earlier = runs.of("all").length;
        await Promise.all(ids.map((id, number) => client.scheduleNewOrchestration("everything", number * 10, id)));
        await eventually(() => runs.of("all").length - earlier >= 50, "work under way");
        await down(server);
        await server.run();
        await back();
        for (const [number, id] of ids.entries()) {
            assert.deepEqual(await finish(id), expected(number * 10));
            const events = await client.getOrchestrationHistory(id);
            const answers = events.map((event) => event.taskScheduledId ?? event.timerId).filter((of) => of !== undefined);
            assert.equal(new Set(answers).size, answers.length, `an answer counted twice in ${id}`);
        }
    });

    test(`acknowledged events survive ${name}, and none counts twice`, async (t) => {
        const id = await begin(client, "collectsUntilEnough", undefined, newId(t));
        const [sent, acknowledged] = [new Set(), new Set()];
        let stopped = false;
        const send = async (name) => {
            for (let number = 0; !stopped; number++) {
                const value = `${name}/${number}`;
                sent.add(value);
                await client.raiseOrchestrationEvent(id, "item", value).then(
                    () => acknowledged.add(value), (error) => assert.ok(brokeOff(error), String(error)));
                await new Promise((resolve) => setTimeout(resolve, 5));
            }
        };
        const senders = Array.from({ length: 8 }, (_, name) => send(name));
        await eventually(() => acknowledged.size >= 40, "events before");
        await down(server);
        await server.run();
        const atRestart = acknowledged.size;
        await eventually(() => acknowledged.size >= atRestart + 40, "events after");
        stopped = true;
        await Promise.all(senders);
        await patiently(() => client.raiseOrchestrationEvent(id, "item", "enough"));
        const seen = await finish(id);
        assert.equal(new Set(seen).size, seen.length, "an event counted twice");
        assert.deepEqual([...acknowledged].filter((value) => !seen.includes(value)), [], "acknowledged and lost");
        assert.deepEqual(seen.filter((value) => !sent.has(value)), []);
    });

    test(`acknowledged starts survive ${name}`, async (t) => {
        const acknowledged = [];
        let stopped = false;
        const start = async (name) => {
            for (let number = 0; !stopped; number++) {
                const id = newId(t, `${name}-${number}`);
                await client.scheduleNewOrchestration("child", 21, id).then(
                    () => acknowledged.push(id), (error) => assert.ok(brokeOff(error), String(error)));
                await new Promise((resolve) => setTimeout(resolve, 5));
            }
        };
        const starters = Array.from({ length: 4 }, (_, name) => start(name));
        await eventually(() => acknowledged.length >= 30, "starts before");
        await down(server);
        stopped = true;
        await Promise.all(starters);
        await server.run();
        for (const id of acknowledged) {
            assert.equal(await finish(id), 42);
        }
    });

    test(`states, timers and waiting clients after ${name}`, async (t) => {
        const nap = await begin(client, "naps", 0.5, newId(t, "nap"));
        const suspended = await begin(client, "collectsUntilEnough", undefined, newId(t, "suspended"));
        await client.suspendOrchestration(suspended);
        await reaches(client, suspended, "SUSPENDED");
        const terminated = await begin(client, "collectsUntilEnough", undefined, newId(t, "terminated"));
        await client.terminateOrchestration(terminated, "over");
        await ended(client, terminated);
        const startAt = new Date(Date.now() + 600);
        const later = await client.scheduleNewOrchestration("child", 4, { instanceId: newId(t, "later"), startAt });
        const gated = await begin(client, "gatedOnce", undefined, newId(t, "gated"));
        await gates.visited(gated);
        const waits = [nap, later, gated].map(finish);
        await down(server);
        // The timer and the start fall due while nobody is there.
        await eventually(() => Date.now() > startAt.getTime(), "the start time to pass");
        await server.run();
        assert.equal(await patiently(() => status(client, suspended)), "SUSPENDED");
        assert.equal(nameOf(await client.getOrchestrationState(terminated)), "TERMINATED");
        // The answer of the activity's first run belongs to a lease of the old server's; it runs again.
        gates.open(gated);
        assert.deepEqual(await Promise.all(waits), ["slept", 8, gated]);
        await client.resumeOrchestration(suspended);
        await client.raiseOrchestrationEvent(suspended, "item", "enough");
        assert.deepEqual(await finish(suspended), []);
    });
}

module.exports = { restarts };
