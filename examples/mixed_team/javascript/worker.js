"use strict";
// The activity that writes an amount the way people read it. Runs until it is ended.
//
//     node worker.js [HOST:PORT]

const { TaskHubGrpcWorker } = require("@microsoft/durabletask-js");

async function formatMoney(_, amount) {
    return new Intl.NumberFormat("en-GB", { style: "currency", currency: "EUR" }).format(amount);
}

// "auto": the server is told the names that are added here.
const worker = new TaskHubGrpcWorker({ hostAddress: process.argv[2] ?? "127.0.0.1:7071", workItemFilters: "auto" });
worker.addActivity(formatMoney);
worker.start().catch((error) => {
    console.error(error);
    process.exit(1);
});
