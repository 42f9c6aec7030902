// What people do with the dashboard, with a mouse, with a keyboard, and with bad luck.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHash } from "node:crypto";
import { eventually, open, page, Server, server, stage } from "./server.js";

stage();

const button = (name) => page.getByRole("button", { name, exact: true });
const status = (name) => page.locator("main .title .badge", { hasText: name });

test("start, raise the event it waits for, and see it complete", async () => {
    await open("start");
    await page.getByLabel("Orchestration", { exact: true }).fill("HumanApproval");
    await page.getByLabel("Instance id", { exact: true }).fill("trip-1");
    await page.getByLabel("Input").fill("{\"timeoutSeconds\":");
    await page.getByText("Not JSON").waitFor();
    assert.equal(await page.locator("main button[type=submit]").getAttribute("aria-disabled"), "true");
    await page.getByLabel("Input").fill("{\"timeoutSeconds\": 3600}");
    await page.locator("main button[type=submit]").click();
    await status("Running").waitFor();
    await page.getByText("It waits for a timer").waitFor();

    await button("Raise event").click();
    assert.equal(await page.getByLabel("Event", { exact: true }).inputValue(), "Approval", "suggested by the custom status");
    await page.getByLabel("Data").fill("true");
    await button("Raise").click();
    await status("Completed").waitFor();
    await page.getByText("Approved").waitFor();
    assert.equal(await button("Raise event").getAttribute("aria-disabled"), "true");
    assert.match(await button("Raise event").getAttribute("title"), /it is completed/);
});

test("a taken id is refused in the server's words, and what was typed stays", async () => {
    await server.start("HumanApproval", "taken", { timeoutSeconds: 3600 });
    await open("start?name=HumanApproval");
    await page.getByLabel("Instance id", { exact: true }).fill("taken");
    await page.locator("main button[type=submit]").click();
    await page.getByText("instance taken already exists and is Running").waitFor();
    assert.equal(await page.getByLabel("Instance id", { exact: true }).inputValue(), "taken");
});

test("terminate asks, names the id, and keeps the reason", async () => {
    await server.start("HumanApproval", "end-me", { timeoutSeconds: 3600 });
    await open("instance?id=end-me");
    await button("Terminate").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("end-me").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.ok(await button("Terminate").evaluate((own) => own === document.activeElement), "the focus is back");
    await button("Terminate").click();
    await dialog.getByLabel("Reason").fill("<b>enough</b>");
    await dialog.getByRole("button", { name: "Terminate" }).click();
    await status("Terminated").waitFor();
    await page.getByText("<b>enough</b>").waitFor();
    assert.equal((await server.ended("end-me")).output, "<b>enough</b>");
});

test("suspend, resume, restart, purge", async () => {
    await server.start("HumanApproval", "around", { timeoutSeconds: 3600 });
    await open("instance?id=around");
    for (const [action, shown] of [["Suspend", "Suspended"], ["Resume", "Running"], ["Terminate", "Terminated"]]) {
        await button(action).click();
        await page.getByRole("dialog").getByRole("button", { name: action }).click();
        await status(shown).waitFor();
    }
    await button("Restart").click();
    await page.getByText("Under the same id").click();
    await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
    await status("Running").waitFor();
    await button("Terminate").click();
    await page.getByRole("dialog").getByRole("button", { name: "Terminate" }).click();
    await status("Terminated").waitFor();
    await button("Purge").click();
    await page.getByRole("dialog").getByText("around").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Purge" }).click();
    await page.waitForURL(/dashboard\/instances/);
    await open("instance?id=around");
    await page.getByText("There is no such instance").waitFor();
});

test("hostile text stays text, everywhere", async () => {
    const attack = "\"><img src=x onerror=alert(1)><script>alert(2)<" + "!--</script>";
    const id = "'\"><img src=x onerror=alert(3)>..%2e";
    await server.start("HelloCities" + encodeURIComponent("<b>"), id, { [attack]: attack, javascript: "javascript:alert(4)" });
    await server.start("FanOutFanIn", "hostile-failure", attack);
    await server.ended("hostile-failure");
    await server.call("POST", `entities/samples.counter/${encodeURIComponent("<i>key&\"'")}?op=add`, "1");
    for (const [path, text] of [
        ["instances?children=1", id], [`instances?children=1&selected=${encodeURIComponent(id)}`, "onerror=alert(1)"], [`instance?id=${encodeURIComponent(id)}`, attack.slice(2)],
        [`instance?id=${encodeURIComponent(id)}&tab=history`, "Nothing has happened yet"], ["instance?id=hostile-failure", "InvalidInputError"],
        ["instance?id=hostile-failure&tab=history", "HumanApproval|FanOutFanIn"], ["entities", "<i>key"], [`instance?id=${encodeURIComponent(attack)}`, attack],
        [`start?name=${encodeURIComponent(attack)}`, "Start an orchestration"], ["", "What failed, and why"], ["workers", "HelloCities<b>"],
        [`instances?name=${encodeURIComponent(attack)}`, "No instance matches"], [`instances?hub=${encodeURIComponent(attack)}`, "not there"],
    ]) {
        await open(path);
        await page.getByText(text.includes("|") ? new RegExp(text) : text).first().waitFor({ state: "attached" });
        assert.equal(await page.locator("main img, main script, main i, main b").count(), 0, path);
    }
    await open("instances?children=1");
    await page.getByRole("link", { name: id }).click();
    await page.getByText("HelloCities<b>").first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get("id"), id);
});

test("numbers are shown as they were written", async () => {
    const big = "12345678901234567890.1234567890";
    await server.call("POST", "orchestrators/NobodyServesThis/big", `{"n":${big}}`);
    await open("instance?id=big");
    await page.getByText(big).waitFor();
});

test("filters stand in the address, and a refresh wipes nothing that is typed or open", async () => {
    await Promise.all([1, 2, 3].map((number) => server.start("HelloCities", `list-${number}`)));
    await Promise.all([1, 2, 3].map((number) => server.ended(`list-${number}`)));
    await open("instances");
    await page.getByLabel("Refresh interval").selectOption("2");
    await page.getByLabel("Id begins with").fill("list-");
    await page.waitForURL(/prefix=list-/);
    await button("Completed 3").click();
    await page.waitForURL(/status=Completed/);
    await button("Look at list-2 beside the list").click();
    await page.waitForURL(/selected=list-2/);
    const looked = () => page.waitForResponse((response) => response.url().includes("/instances?") && response.url().includes("name=Hel"));
    await Promise.all([looked(), page.getByRole("textbox", { name: "Name", exact: true }).pressSequentially("Hel")]);
    await page.waitForURL(/name=Hel/);
    await Promise.all([looked(), server.start("HelloCities", "something-changes")]);
    assert.equal(await page.getByRole("textbox", { name: "Name", exact: true }).inputValue(), "Hel");
    assert.ok(await page.getByRole("textbox", { name: "Name", exact: true }).evaluate((own) => own === document.activeElement), "the focus stays");
    await page.getByLabel("Instance list-2").waitFor();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("");
    await page.waitForURL((url) => !url.searchParams.has("name"));
    await page.reload();
    assert.equal(await page.getByLabel("Id begins with").inputValue(), "list-");
    await page.locator("tbody tr").nth(2).waitFor();
    assert.equal(await page.locator("tbody tr").count(), 3);
    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has("status"));
});

test("long lists come in pages, forwards and back", async () => {
    await Promise.all(Array.from({ length: 30 }, (_, number) => server.start("NobodyServesThis", `page-${String(number).padStart(2, "0")}`)));
    await open("instances?prefix=page-&order=id&size=25");
    await page.getByText("page-24").waitFor();
    await button("Next").click();
    await page.getByText("page-25").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 5);
    await button("Previous").click();
    await page.getByText("page-00").waitFor();
});

test("long histories come in pages", async () => {
    await server.start("FanOutFanIn", "fan", 250);
    await server.ended("fan");
    await open("instance?id=fan&tab=history");
    await page.getByText("200 events on this page").waitFor();
    await page.getByRole("button", { name: "Details of event 2", exact: true }).click();
    await page.getByRole("heading", { name: "Input" }).waitFor();
    await button("Next").click();
    await page.getByText("Activity done").first().waitFor();
});

test("the box leads to an instance, by keyboard alone", async () => {
    await server.start("HelloCities", "go.to.me");
    await open("");
    await page.getByLabel("Go to instance id").focus();
    await page.keyboard.type("go.to.me");
    await page.keyboard.press("Enter");
    await page.waitForURL(/instance\?id=go\.to\.me/);
    await status("Completed").waitFor();
});

test("the box offers ids that begin so, and reads no payloads for that", async () => {
    await Promise.all(["offer-b", "offer-a"].map((id) => server.start("HelloCities", id)));
    await Promise.all(["offer-a", "offer-b"].map((id) => server.ended(id)));
    await open("about");
    const answers = [];
    page.on("response", (response) => response.url().includes("instanceIdPrefix") && answers.push(response.text()));
    await page.getByLabel("Go to instance id").fill("offer-");
    const offered = () => page.locator(".goto option").evaluateAll((options) => options.map((option) => option.value).sort());
    await eventually("both", async () => JSON.stringify(await offered()) === JSON.stringify(["offer-a", "offer-b"]));
    for (const text of await Promise.all(answers)) assert.doesNotMatch(text, /Tokyo/);
});

test("an entity is signalled and purged", async () => {
    await server.call("POST", "entities/samples.counter/hand?op=add", "5");
    await open("entities");
    await page.getByRole("link", { name: "hand" }).click();
    await page.getByText("5", { exact: true }).waitFor();
    await button("Signal").click();
    await page.getByLabel("Operation").fill("add");
    await page.getByRole("dialog").getByLabel("Input").fill("37");
    await page.getByRole("dialog").getByRole("button", { name: "Signal" }).click();
    await page.getByText("42", { exact: true }).waitFor();
    await button("Purge").click();
    await page.getByRole("dialog").getByRole("button", { name: "Purge" }).click();
    await page.waitForURL(/dashboard\/entities/);
});

test("the theme is kept, and wins over the system's", async () => {
    await open("");
    const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await back();
    await page.getByLabel("Theme").selectOption("dark");
    await eventually("another colour", async () => (await back()) !== light);
    await page.reload();
    assert.notEqual(await back(), light);
});

test("a key is asked for, and what it does not permit is refused by the server", async () => {
    const keys = ["read", "operate"].map((role) => `${role}:${role}:${createHash("sha256").update(`the-key-to-${role}`).digest("hex")}`).join(",");
    const guarded = await Server.run({ environment: { DURAHUB__AUTH__KEYS: keys } });
    try {
        await open("instances", guarded);
        await page.getByLabel("Key", { exact: true }).fill("wrong");
        await button("Enter").click();
        await page.getByText("The server does not know this key.").waitFor();
        await page.getByLabel("Key", { exact: true }).fill("the-key-to-read");
        await button("Enter").click();
        await page.getByText("No instances in this hub").waitFor();
        await open("start?name=HelloCities", guarded);
        await page.getByText("Your key has the role read; this takes operate.").waitFor();
        assert.equal(await page.locator("main button[type=submit]").getAttribute("aria-disabled"), "true");
        await button("Forget key").click();
        await page.getByLabel("Key", { exact: true }).fill("the-key-to-operate");
        await button("Enter").click();
        await page.getByLabel("Orchestration", { exact: true }).fill("HelloCities");
        await page.locator("main button[type=submit]").click();
        await status("Completed").waitFor();
    } finally {
        // A stream that breaks off would be a complaint of the browser's.
        await page.goto("about:blank");
        await guarded.end();
    }
});

test("a lost connection is told, what was seen stays, and it comes back by itself", async () => {
    const mortal = await Server.run();
    await mortal.start("HelloCities", "survivor");
    await mortal.ended("survivor");
    await open("instances", mortal);
    await page.getByText("survivor").waitFor();
    await page.getByLabel("Refresh interval").selectOption("2");
    await mortal.end();
    await page.getByText("No connection since").waitFor();
    assert.equal(await page.getByText("survivor").count(), 1);
    const again = await Server.run({ port: Number(new URL(mortal.url).port) });
    await page.getByText("No connection since").waitFor({ state: "detached" });
    await page.goto("about:blank");
    // What the browser says about a refused connection is no mistake of the page.
    page.complaints = page.complaints.filter((text) => !text.includes("net::ERR_"));
    await again.end();
});
