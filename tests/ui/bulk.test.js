// Bulk jobs: what their pages tell and ask, and what a role or the settings forbid.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { eventually, nothingToMend, open, page, Server, server, stage } from "./server.js";

stage();

const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = () => page.getByRole("dialog");

async function own(at, method, path, body) {
    const headers = body ? { "content-type": "application/json" } : {};
    const answer = await fetch(`${at.url}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    return JSON.parse(await answer.text());
}

const begin = (at, body) => own(at, "POST", "jobs", body);
const over = (at, id) => eventually("the end of the job", async () => {
    const job = await own(at, "GET", `jobs/${id}`);
    return job.state !== "running" && job;
});

/** Instances that nobody serves. */
const pending = (prefix, many, at = server) =>
    Promise.all(Array.from({ length: many }, (_, number) => at.start("NobodyServesThis", `${prefix}-${String(number).padStart(3, "0")}`)));

test("no jobs, then some: who, when, on what, and what came of it", async () => {
    await open("bulk");
    await page.getByText("No bulk jobs in this hub").waitFor();
    await nothingToMend();
    await pending("list", 3);
    const { id } = await begin(server, { action: "terminate", filter: "instanceIdPrefix=list-&name=NobodyServesThis", reason: "<b>enough</b>" });
    await over(server, id);
    await open("bulk");
    await page.getByText("instanceIdPrefix = list- and name = NobodyServesThis").waitFor();
    await page.getByText("3 done").waitFor();
    await nothingToMend();
    await page.getByRole("link", { name: "Terminate" }).click();
    await page.waitForURL(/bulk\?id=/);
    await page.getByText("3 of 3").first().waitFor();
    await page.getByText("<b>enough</b>").waitFor();
    assert.equal(await page.locator("main b").count(), 0);
    await nothingToMend();
    await page.setViewportSize({ width: 400, height: 800 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
    await button("Delete").click();
    await dialog().getByRole("button", { name: "Delete" }).click();
    await page.getByText("No bulk jobs in this hub").waitFor();
    await open(`bulk?id=${id}`);
    await page.getByText("There is no such job").waitFor();
    await nothingToMend();
});

test("what failed is listed, can be copied and tried again", async () => {
    await server.call("POST", "entities/samples.counter/k?op=add", "1");
    await eventually("the counter", () => server.call("GET", "entities/samples.counter/k").catch(() => undefined));
    const { id } = await begin(server, { action: "restart", instanceIds: ["@samples.counter@k", "nobody"] });
    await over(server, id);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(`bulk?id=${id}`);
    await page.getByText("belong to entities").waitFor();
    await nothingToMend();
    await button("Copy the ids that failed").click();
    await eventually("the clipboard", async () => (await page.evaluate(() => navigator.clipboard.readText())) === "@samples.counter@k");
    await button("Try those that failed again").click();
    await dialog().getByText("Act on 1 instance").waitFor();
    assert.equal(await dialog().getByLabel("Action").inputValue(), "restart");
    await nothingToMend();
    await dialog().getByRole("button", { name: "Restart", exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get("id") !== id);
    await page.getByText("belong to entities").waitFor();
});

test("a job is watched while it runs, and stopped", async () => {
    const { id } = await begin(server, { action: "suspend", instanceIds: [] });
    // One that takes as long as this test wants; what a stop does is the server's to prove.
    const told = { ...(await over(server, id)), state: "running", endedTime: null, total: 1000, done: 10 };
    await page.route(`**/api/v1/jobs/${id}*`, (route) => route.fulfill({ json: told }));
    await page.route(`**/api/v1/jobs/${id}/stop*`, (route) => {
        Object.assign(told, { state: "stopped", endedTime: new Date().toISOString() });
        return route.fulfill({ json: told });
    });
    await open(`bulk?id=${id}`);
    await page.getByText("10 of 1,000").first().waitFor();
    await nothingToMend();
    told.done = 20;
    await page.getByText("20 of 1,000").first().waitFor();
    await button("Stop").click();
    await dialog().getByText("What is under way is finished").waitFor();
    await dialog().getByRole("button", { name: "Stop" }).click();
    await page.locator(".badge", { hasText: "Stopped" }).waitFor();
});

test("above a hundred the number has to be typed, and what is sent is what was chosen", async () => {
    const failures = Array.from({ length: 150 }, (_, number) => ({ instanceId: `f-${number}`, why: "no reason" }));
    const { id } = await begin(server, { action: "purge", instanceIds: [] });
    const told = { ...(await over(server, id)), failed: 2000, failures };
    await page.route(`**/api/v1/jobs/${id}*`, (route) => route.fulfill({ json: told }));
    await open(`bulk?id=${id}`);
    await page.getByText("the first 150 of 2,000").waitFor();
    await button("Try those that failed again").click();
    await dialog().getByText("Act on 150 instances").waitFor();
    const act = (name) => dialog().getByRole("button", { name, exact: true });
    assert.equal(await act("Purge").getAttribute("aria-disabled"), "true");
    await dialog().getByLabel("Action").selectOption("raiseEvent");
    await dialog().getByLabel("Event", { exact: true }).fill("Approval");
    await dialog().getByLabel("Data").fill("{\"n\": 12345678901234567890}");
    await dialog().getByLabel("Type 150 to go on").fill("15");
    assert.equal(await act("Raise event").getAttribute("aria-disabled"), "true");
    await nothingToMend();
    await dialog().getByLabel("Type 150 to go on").fill("150");
    const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().includes("/api/v1/jobs"));
    await act("Raise event").click();
    const body = (await sent).postData();
    assert.match(body, /"eventData":\{"n": 12345678901234567890\}\}$/);
    const { action, eventName, instanceIds } = JSON.parse(body);
    assert.deepEqual([action, eventName, instanceIds.length], ["raiseEvent", "Approval", 150]);
    await page.waitForURL((url) => url.searchParams.get("id") !== id);
    await page.getByText("150 of 150").first().waitFor();
});

test("the keyboard has ways of its own, told by a question mark, and they can be turned off", async () => {
    await open("bulk");
    await page.getByRole("heading", { name: "Bulk jobs" }).waitFor();
    await page.getByRole("combobox", { name: /^Hub/ }).waitFor();
    await page.keyboard.press("?");
    await dialog().getByText("By keyboard").waitFor();
    await nothingToMend();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "detached" });
    // The second letter has to come soon after the first, which a slow machine may not manage at once.
    await eventually("g and i lead to the instances", async () => {
        await page.keyboard.press("g");
        await page.keyboard.press("i");
        return /dashboard\/instances/.test(page.url());
    });
    await page.keyboard.press("/");
    await page.keyboard.type("g?r/");
    assert.equal(await page.getByLabel("Go to instance id").inputValue(), "g?r/", "in a field they are letters");
    await page.getByLabel("Go to instance id").evaluate((own) => own.blur());
    await button("Help for the keyboard").click();
    await page.getByLabel("Use these keys").uncheck();
    await dialog().getByRole("button", { name: "Close" }).click();
    await page.keyboard.press("?");
    await page.keyboard.press("g");
    await page.keyboard.press("b");
    await page.getByRole("heading", { name: "Instances" }).waitFor();
    assert.equal(await dialog().count(), 0);
});

test("what a role does not permit is disabled and says why", async () => {
    const keys = ["read", "admin"].map((role) => `${role}-key:${role}:${createHash("sha256").update(`the-key-to-${role}`).digest("hex")}`).join(",");
    const guarded = await Server.run({ environment: { DURAHUB__AUTH__KEYS: keys } });
    try {
        const headers = { "x-functions-key": "the-key-to-admin", "content-type": "application/json" };
        await guarded.call("POST", "orchestrators/NobodyServesThis/one", undefined, headers);
        const answer = await fetch(`${guarded.url}/api/v1/jobs`, { method: "POST", headers, body: JSON.stringify({ action: "suspend", instanceIds: ["one"] }) });
        const { id } = await answer.json();
        await open("instance?id=one", guarded);
        await page.getByLabel("Key", { exact: true }).fill("the-key-to-read");
        await button("Enter").click();
        await page.getByText("read-key (read)").waitFor();
        assert.match(await button("Terminate").getAttribute("title"), /role read; this takes operate/);
        assert.equal(await button("Terminate").getAttribute("aria-disabled"), "true");
        for (const [path, name] of [[`bulk?id=${id}`, "Delete"], ["hubs", "Empty"]]) {
            await open(path, guarded);
            await page.getByText("read-key (read)").waitFor();
            assert.match(await button(name).getAttribute("title"), /Your key has the role read/, path);
            await button(name).click({ force: true });
            await page.getByText("Your key has the role read").first().waitFor();
            assert.equal(await dialog().count(), 0);
        }
        await open(`bulk?id=${id}`, guarded);
        await page.getByText("admin-key").waitFor();
    } finally {
        // A stream that breaks off would be a complaint of the browser's.
        await page.goto("about:blank");
        await guarded.end();
    }
});

test("a dashboard that only looks says so and offers nothing", async () => {
    const shown = await Server.run({ environment: { DURAHUB__DASHBOARD__READ_ONLY: "true" } });
    try {
        await shown.start("HumanApproval", "look", { timeoutSeconds: 3600 });
        await open("instance?id=look", shown);
        await page.getByText("Read-only").waitFor();
        assert.match(await button("Terminate").getAttribute("title"), /only looks/);
        await nothingToMend();
        await open("start?name=HelloCities", shown);
        await page.getByText("This dashboard only looks").waitFor();
        const status = await page.evaluate(() =>
            fetch("/runtime/webhooks/durabletask/orchestrators/HelloCities", { method: "POST" }).then((answer) => answer.status));
        assert.equal(status, 403, "it is the server that refuses");
    } finally {
        await page.goto("about:blank");
        await shown.end();
    }
});
