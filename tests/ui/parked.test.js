// What is given to no worker any more: seen, tried again, given up.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Browser, eventually, Server } from "./server.js";

const REASON = "its turn was delivered 10 times and never answered";
// As the server writes it when a turn has killed one worker after another, which no test of a page can wait for.
const PARK = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("INSERT INTO parked SELECT key, hub, 1000000 * unixepoch(), 1, 10, ? FROM instance WHERE id NOT LIKE 'other%'", (sys.argv[2],))
`;

let folder, server, browser, page;
before(async () => {
    folder = mkdtempSync(join(tmpdir(), "durahub-parked-"));
    const store = join(folder, "parked.db");
    server = await Server.run({ store: `sqlite:${store}` });
    await Promise.all(["one", "two", "other"].map((id) => server.start("NobodyServesThis", id)));
    await server.call("POST", "entities/nobodys/k?op=add", "5");
    await server.end();
    execFileSync("python3", ["-c", PARK, store, REASON]);
    [server, browser] = await Promise.all([Server.run({ store: `sqlite:${store}` }), Browser.run()]);
});
after(async () => {
    await Promise.all([browser?.end(), server?.end()]);
    rmSync(folder, { recursive: true });
});
beforeEach(async () => void (page = await browser.page()));
afterEach(async () => {
    assert.deepEqual(page.complaints, []);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.context().close();
});
const show = (path) => page.goto(`${server.url}/dashboard/${path}`);
const parked = async () => (await (await fetch(`${server.url}/api/v1/parked`)).json()).parked.map((row) => row.instanceId);

test("what is parked stands before the failures, with its reason, and nothing else does", async () => {
    await show("failures");
    const list = page.getByRole("group", { name: "Parked instances" });
    await list.getByRole("row", { name: /two/ }).getByText(REASON).waitFor();
    assert.deepEqual((await list.locator("tbody a.id").allTextContents()).sort(), ["@nobodys@k", "one", "two"]);
    await show("");
    await page.getByRole("heading", { name: "Parked" }).waitFor();
});

test("an instance says that it is parked, and is tried again", async () => {
    await show("instance?id=one");
    await page.getByLabel("What it waits for").getByText(REASON).waitFor();
    await page.getByRole("group", { name: "Parked" }).getByRole("button", { name: "Retry" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await page.getByRole("group", { name: "Parked" }).waitFor({ state: "detached" });
    assert.deepEqual((await parked()).sort(), ["@nobodys@k", "two"]);
});

test("an instance that is given up fails with the reason that was given", async () => {
    await show("failures");
    const row = page.getByRole("group", { name: "Parked instances" }).getByRole("row", { name: /two/ });
    await row.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("too large for us");
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await row.waitFor({ state: "detached" });
    const { runtimeStatus, output } = await server.ended("two");
    assert.equal(runtimeStatus, "Failed");
    assert.match(JSON.stringify(output), /too large for us/);
});

test("an entity is given its operations again", async () => {
    await show("entity?id=@nobodys@k");
    await page.getByRole("group", { name: "Parked" }).getByRole("button", { name: "Retry" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await eventually("it to be retried", async () => (await parked()).length === 0);
});
