// Entities: found, looked into, signalled. And what there is to know of workers and of a taken id.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, open, page, server, stage } from "./server.js";

stage({
    prepare: async () => {
        await Promise.all([
            ...Array.from({ length: 30 }, (_, number) => server.call("POST", `entities/samples.counter/c-${String(number).padStart(2, "0")}?op=add`, "1")),
            server.call("POST", "entities/samples.account/anna?op=deposit", "100"),
            server.call("POST", "entities/nobody.serves/busy?op=a"), server.call("POST", "entities/nobody.serves/busy?op=b"),
            server.start("HumanApproval", "taken", { timeoutSeconds: 3600 }), server.start("Unserved<i>", "waits-1"),
        ]);
        await eventually("taken runs", async () => (await server.call("GET", "instances/taken")).runtimeStatus === "Running");
    },
});

test("entities come in pages, and are found by name, key, time and state", async () => {
    await open("entities?size=25");
    await page.getByText("25 entities on this page").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("7 entities on this page").waitFor();
    await page.getByLabel("Name").fill("samples.counter");
    await page.getByLabel("Key begins with").fill("c-1");
    await page.getByText("10 entities").waitFor();
    await page.getByLabel("Last operation").selectOption("1h");
    await page.waitForURL(/name=samples.counter.*range=1h/);
    await page.getByText("10 entities").waitFor();
    await page.getByLabel("State").selectOption("false");
    await page.getByText("No entity matches").waitFor();
    await page.getByRole("button", { name: "Show all entities" }).click();
    await page.getByText("25 entities on this page").waitFor();
});

test("an entity that nobody serves shows how much waits for it", async () => {
    await open("entities?name=nobody.serves");
    const row = page.getByRole("row", { name: /busy/ });
    await row.getByText("none", { exact: true }).waitFor();
    await row.locator("strong", { hasText: "2" }).waitFor();
    await row.getByRole("link", { name: "busy" }).click();
    await page.getByText("It has no state.").waitFor();
    await page.getByText("2 operations").waitFor();
});

test("a signal takes plain text, too", async () => {
    await open("entity?id=@samples.account@anna");
    await page.getByText("\"balance\"").waitFor();
    const facts = page.getByRole("region", { name: "Facts" });
    await facts.getByText("15 B").waitFor();
    assert.equal(await facts.locator("time").count(), 1, "when it was last asked for something");
    await page.getByRole("button", { name: "Signal" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Operation").fill("deposit");
    await dialog.getByLabel("Input").fill("not json");
    await dialog.getByText("Not JSON").waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Signal" }).getAttribute("aria-disabled"), "true");
    await dialog.getByLabel("Send it as plain text (a JSON string)").check();
    assert.equal(await dialog.getByRole("button", { name: "Signal" }).getAttribute("aria-disabled"), "false");
    await dialog.getByLabel("Send it as plain text (a JSON string)").uncheck();
    await dialog.getByLabel("Input").fill("11");
    await dialog.getByRole("button", { name: "Signal" }).click();
    await page.getByText("111").waitFor();
});

test("names that nobody serves stand first among the workers", async () => {
    await open("workers");
    const alert = page.getByRole("region", { name: "Names that nobody serves" });
    await alert.getByText("orchestration Unserved<i>: 1").waitFor();
    await alert.getByText(/entity nobody\.serves: [12]/).waitFor();
    await page.getByRole("link", { name: "HumanApproval" }).click();
    await page.getByText("taken").waitFor();
});

test("a taken id is refused with the way to who has it", async () => {
    await open("start?name=HumanApproval");
    await page.getByLabel("Instance id", { exact: true }).fill("taken");
    await page.locator("main button[type=submit]").click();
    await page.getByText("already exists and is Running").waitFor();
    await page.getByRole("link", { name: "Look at taken" }).click();
    await page.waitForURL(/instance\?id=taken/);
});
