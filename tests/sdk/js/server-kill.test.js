"use strict";
// kill -9 and a start on the same store.

const { restarts } = require("./restarts.js");

restarts("kill -9", (server) => server.kill());
