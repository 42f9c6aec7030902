"use strict";
// What the Functions host hands to a client.

const PUBLIC = "/runtime/webhooks/durabletask";
const RPC = "/durabletask";

/** Without `rpcMount`, calls take the links of the public mount, which carry `key`. */
function binding(origin, rpcMount, key = "k") {
    const base = `${origin}${PUBLIC}/`;
    const query = `taskHub=default&connection=Storage&code=${key}`;
    const one = `${base}instances/INSTANCEID`;
    const operation = (verb) => `${one}/${verb}?reason={text}&${query}`;
    const create = `${base}orchestrators/{functionName}[/{instanceId}]?`;
    const wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}";
    return {
        taskHubName: "default",
        creationUrls: {
            createNewInstancePostUri: `${create}code=${key}`,
            createAndWaitOnNewInstancePostUri: `${create}${wait}&code=${key}`,
        },
        managementUrls: {
            id: "INSTANCEID",
            statusQueryGetUri: `${one}?${query}`,
            sendEventPostUri: `${one}/raiseEvent/{eventName}?${query}`,
            terminatePostUri: operation("terminate"),
            rewindPostUri: operation("rewind"),
            purgeHistoryDeleteUri: `${one}?${query}`,
            restartPostUri: `${one}/restart?${query}`,
            suspendPostUri: operation("suspend"),
            resumePostUri: operation("resume"),
        },
        baseUrl: base.slice(0, -1),
        requiredQueryStringParameters: `code=${key}`,
        rpcBaseUrl: rpcMount && `${origin}${rpcMount}/`,
    };
}

module.exports = { PUBLIC, RPC, binding };
