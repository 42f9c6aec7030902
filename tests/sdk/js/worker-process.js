"use strict";
// A worker in a process of its own, so that it can be killed. Not a test.
//
//     fork("worker-process.js", [ADDRESS, LOG, PREFIX, MODE])
//
// It serves the orchestrator PREFIX-steps, the activity PREFIX-step and the entity PREFIX-sum, and appends one line for each thing that
// happens to LOG:
//
//     T <pid> <instance> <step>      a turn came to this step, and not by replay
//     X <pid> <instance> <step>      the activity ran
//     O <pid> <entity> <amount>      the entity's operation ran
//
// MODE is what happens at step 2: "work" (nothing special), "hang-in-activity" or "hang-in-turn" (it never comes back),
// "die-after-activity" (it has done its work, and dies before it can tell), "die-in-turn". "hang-in-batch": no operation comes back.

const fs = require("node:fs");
const { TaskEntity } = require("@microsoft/durabletask-js");
const { newWorker } = require("./harness.js");

const [address, log, prefix, mode] = process.argv.slice(2);
const note = (...fields) => fs.appendFileSync(log, `${fields.join(" ")}\n`);
const never = () => new Promise(() => {});
const die = () => process.kill(process.pid, "SIGKILL");

const activities = {
    async [`${prefix}-step`](context, { step, total }) {
        note("X", process.pid, context.orchestrationId, step);
        if (step === 2 && mode.endsWith("-activity")) {
            if (mode === "die-after-activity") {
                die();
            }
            await never();
        }
        return total + step;
    },
};

const orchestrators = {
    async *[`${prefix}-steps`](context, steps) {
        let total = 0;
        for (let step = 1; step <= steps; step++) {
            if (!context.isReplaying) {
                note("T", process.pid, context.instanceId, step);
                if (step === 2 && mode.endsWith("-in-turn")) {
                    if (mode === "die-in-turn") {
                        die();
                    }
                    await never();
                }
            }
            total = yield context.callActivity(`${prefix}-step`, { step, total });
        }
        return total;
    },
};

class Sum extends TaskEntity {
    initializeState() {
        return 0;
    }

    async add(amount) {
        note("O", process.pid, this.context.id, amount);
        if (mode === "hang-in-batch") {
            await never();
        }
        this.state += amount;
    }
}

process.on("disconnect", () => process.exit(0));
const worker = newWorker(address, { activities, orchestrators, entities: { [`${prefix}-sum`]: Sum } }, { workItemFilters: "auto" });
worker.start().then(() => process.send("serving"));
process.on("SIGTERM", () => worker.stop().then(() => process.exit(0)));
