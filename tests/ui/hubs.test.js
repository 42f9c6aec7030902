// Task hubs are made and removed; and what the page about the server tells.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { nothingToMend, open, page, Server, server, stage } from "./server.js";

stage();

const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = () => page.getByRole("dialog");

const narrow = async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
    await page.setViewportSize({ width: 1280, height: 900 });
};

test("a hub is made, filled, and deleted once its name is typed", async () => {
    await open("hubs");
    await page.getByRole("cell", { name: "default default" }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill("no good");
    await page.getByText("beginning with a letter").waitFor();
    assert.equal(await button("Create").getAttribute("aria-disabled"), "true");
    await page.getByLabel("Name", { exact: true }).fill("Nightly");
    await button("Create").click();
    await page.getByRole("link", { name: "Nightly" }).waitFor();
    await server.start("NobodyServesThis", "in-nightly", 1, "?taskHub=nightly");
    await nothingToMend();
    await narrow();
    await page.getByRole("link", { name: "Nightly" }).click();
    await page.waitForURL(/hub=Nightly/);
    await open("hubs?hub=Nightly");
    await page.getByRole("row", { name: /Nightly/ }).getByRole("button", { name: "Delete" }).click();
    await dialog().getByText("Its 1 instance").waitFor();
    await nothingToMend();
    const sure = dialog().getByRole("button", { name: "Delete" });
    await dialog().getByLabel("Type Nightly to go on").fill("nightly");
    assert.equal(await sure.getAttribute("aria-disabled"), "true");
    await dialog().getByLabel("Type Nightly to go on").fill("Nightly");
    await sure.click();
    await page.waitForURL((url) => !url.searchParams.has("hub"));
    await page.getByRole("link", { name: "Nightly" }).waitFor({ state: "detached" });
});

test("another hub is looked at through the same filters", async () => {
    const filters = { range: "custom", from: "2026-01-02T03:04:00.000Z", to: "2026-01-03T03:04:00.000Z", name: "HelloCities" };
    await fetch(`${server.url}/api/v1/hubs`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name: "other" }) });
    await open(`instances?${new URLSearchParams({ ...filters, after: "a-place", selected: "elsewhere" })}`);
    await page.getByRole("combobox", { name: /^Hub/ }).selectOption("other");
    await page.waitForURL(/hub=other/);
    assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { hub: "other", ...filters });
    await open("start?from=elsewhere&name=HelloCities");
    await page.getByRole("combobox", { name: /^Hub/ }).selectOption("other");
    await page.waitForURL(/hub=other/);
    assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { hub: "other", name: "HelloCities" });
});

test("a hub that the settings name is emptied and stays", async () => {
    await server.start("NobodyServesThis", "away", 1);
    await open("hubs");
    await button("Empty").click();
    await dialog().getByText("so it stays, empty").waitFor();
    await dialog().getByLabel("Type default to go on").fill("default");
    await dialog().getByRole("button", { name: "Empty" }).click();
    await dialog().waitFor({ state: "detached" });
    await page.getByRole("row", { name: /default/ }).getByRole("cell", { name: "0" }).first().waitFor();
});

test("about: version, store, endpoints, settings, health", async () => {
    await open("about");
    await page.getByText(/^durahub \d+\.\d+/).waitFor();
    await page.getByText("Ready", { exact: true }).waitFor();
    await page.getByText("in memory, gone with the process").waitFor();
    await page.getByText(`${server.url}/runtime/webhooks/durabletask`, { exact: true }).waitFor();
    await page.getByText("[limits]").click();
    await page.getByText("wait_secs").waitFor();
    await nothingToMend();
    await narrow();
    await page.getByRole("link", { name: "API reference" }).click();
    await page.waitForURL(/\/docs$/);
    // A server that is slow to answer is not ready for once.
    page.complaints = page.complaints.filter((text) => !text.includes("503"));
});

test("a key for one hub shows that hub and nothing of the others or of the server", async () => {
    const digest = (key) => createHash("sha256").update(key).digest("hex");
    const keys = `root:admin:${digest("the-key-to-all")},orders:admin:${digest("the-key-to-orders")}:orders`;
    const guarded = await Server.run({ environment: { DURAHUB__AUTH__KEYS: keys, DURAHUB__HUBS__NAMES: "default,billing,orders" } });
    try {
        for (const hub of ["default", "orders"]) {
            await guarded.call("POST", `orchestrators/NobodyServesThis/in-${hub}?taskHub=${hub}`, undefined, { "x-functions-key": "the-key-to-all" });
        }
        await open("instances", guarded);
        await page.getByLabel("Key", { exact: true }).fill("the-key-to-orders");
        await page.getByRole("button", { name: "Enter", exact: true }).click();
        await page.waitForURL(/hub=orders/);
        await page.getByRole("link", { name: "in-orders" }).waitFor();
        assert.equal(await page.getByText("in-default").count(), 0);
        assert.deepEqual(await page.getByRole("combobox", { name: /^Hub/ }).locator("option").allTextContents(), ["orders"]);
        await page.getByRole("link", { name: "Hubs", exact: true }).click();
        await page.getByRole("cell", { name: "orders" }).first().waitFor();
        assert.equal(await page.getByRole("row").count(), 2);
        await page.getByText("Your key is for orders; this takes one for all task hubs.").waitFor();
        await page.getByRole("link", { name: "About", exact: true }).click();
        await page.getByText("orders (admin in orders)").waitFor();
        assert.equal(await page.getByRole("heading", { name: "Settings" }).count(), 0);
    } finally {
        // A stream that breaks off would be a complaint of the browser's.
        await page.goto("about:blank");
        await guarded.end();
    }
});
