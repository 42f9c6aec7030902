"use strict";
// Runs the tests with the Node.js that the SDK needs (22 or newer): the one that npm installed here, or the caller's own where
// there is no such package. Arguments are passed on to node; file names choose tests.
//
//     node run.js [timers.test.js ...] [--test-name-pattern=...]
//     node run.js --check      only tells whether there is a Node.js to run them with

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const installed = path.join(__dirname, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
const node = fs.existsSync(installed) ? installed : process.execPath;
const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? "";
if (!(parseInt(version.slice(1)) >= 22)) {
    console.error(`${node} is Node.js ${version.trim()}, but the SDK needs 22 or newer. Run "npm ci" in ${__dirname}, or install it.`);
    process.exit(1);
}

const given = process.argv.slice(2);
if (given.includes("--check")) {
    process.exit(0);
}
const options = given.filter((argument) => argument.startsWith("-"));
const chosen = given.filter((argument) => !argument.startsWith("-"));
const files = chosen.length > 0 ? chosen : fs.readdirSync(__dirname).filter((name) => name.endsWith(".test.js")).sort();
// Each file has a server of its own, and waits most of its time; so a few can run side by side. The limit is one for a whole file.
const flags = ["--test", "--test-concurrency=4", "--test-timeout=300000", "--test-reporter=spec"];
const run = spawnSync(node, [...flags, ...options, ...files], { cwd: __dirname, stdio: "inherit" });
process.exit(run.status ?? 1);
