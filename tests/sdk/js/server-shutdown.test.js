"use strict";
// A clean shutdown and a start on the same store.

const assert = require("node:assert/strict");
const { restarts } = require("./restarts.js");

restarts("SIGTERM", async (server) => assert.equal(await server.end(), 0, "a clean shutdown"));
