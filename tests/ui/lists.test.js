// The list of instances as people use it: sorted, filtered, arranged, marked, kept and taken away.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createHash } from "node:crypto";
import { browser, eventually, mendable, open, page, Server, server, stage } from "./server.js";

stage({
    prepare: async () => {
        // The longest of all, whatever the machine does meanwhile.
        await server.start("HumanApproval", "list-slow", { timeoutSeconds: 3600 });
        await Promise.all([
            ...["ant", "bee", "cat", "dog"].map((name) => server.start("HelloCities", `list-${name}`)),
            server.start("FanOutFanIn", "list-bad", "no number"),
            server.start("HumanApproval", "list-wait", { timeoutSeconds: 3600 }),
            ...Array.from({ length: 60 }, (_, number) => server.call("POST", `entities/samples.counter/turn-${String(number).padStart(2, "0")}?op=add`, "1")),
            ...Array.from({ length: 60 }, (_, number) => server.start("NobodyServesThis", `many-${String(number).padStart(2, "0")}`)),
        ]);
        await Promise.all(["ant", "bee", "cat", "dog", "bad"].map((name) => server.ended(`list-${name}`)));
        await server.call("POST", "instances/list-slow/raiseEvent/Approval", "true", { "content-type": "application/json" });
        await server.ended("list-slow");
        await eventually("the approval", async () => (await server.call("GET", "instances/list-wait")).customStatus);
    },
});

const button = (name) => page.getByRole("button", { name, exact: true });
const box = (name) => page.getByRole("textbox", { name, exact: true });
const tick = (name) => page.getByRole("checkbox", { name, exact: true });
const ids = () => page.locator("tbody td a.id").evaluateAll((links) => links.map((link) => link.textContent));
const heads = () => page.locator("thead th[draggable]").evaluateAll((heads) => heads.map((head) => head.textContent));
/** Waits until the list shows exactly these. */
const shows = async (expected) => {
    let seen;
    await eventually(`the rows ${expected}`, async () => JSON.stringify((seen = await ids())) === JSON.stringify(expected)).catch((error) => {
        assert.deepEqual(seen, expected, error.message);
    });
};
const asked = (part) => page.waitForResponse((response) => response.url().includes("/api/v1/instances?") && response.url().includes(part));

test("a click on a header sorts, a second one the other way round, and the address knows", async () => {
    await open("instances?prefix=list-");
    const head = (name) => page.getByRole("columnheader", { name });
    await head("Created").waitFor();
    assert.equal(await head("Created").getAttribute("aria-sort"), "descending", "the newest come first");
    await button("Instance").click();
    await shows(["list-ant", "list-bad", "list-bee", "list-cat", "list-dog", "list-slow", "list-wait"]);
    assert.equal(await head("Instance").getAttribute("aria-sort"), "ascending");
    assert.equal(await head("Created").getAttribute("aria-sort"), null);
    await button("Instance").click();
    await shows(["list-wait", "list-slow", "list-dog", "list-cat", "list-bee", "list-bad", "list-ant"]);
    assert.equal(new URL(page.url()).searchParams.get("order"), "id desc");
    for (const [name, first] of [["Name", "list-bad"], ["Duration", "list-slow"], ["Status", "list-"]]) {
        await button(name).click();
        await eventually(`${name} to sort`, async () => (await ids())[0]?.startsWith(first));
    }
    await button("Updated").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/order=lastUpdatedTime\+desc/);
    await page.goBack();
    await page.waitForURL(/order=runtimeStatus/);
});

test("filters combine: by error, by custom status, by length, by status", async () => {
    await open("instances?prefix=list-&order=id");
    await page.getByText("More filters").click();
    await box("Error").fill("INVALID TYPE");
    await shows(["list-bad"]);
    await box("Error").fill("");
    await box("Custom status").fill("waitingfor");
    await shows(["list-wait"]);
    await box("Custom status").fill("");
    const { instances } = await (await fetch(`${server.url}/api/v1/instances?instanceIdPrefix=list-&order=duration+desc`)).json();
    const others = instances.filter((one) => one.instanceId !== "list-slow" && one.durationMs !== null && one.runtimeStatus !== "Running");
    await page.getByLabel("Took at least").fill(`${Math.max(...others.map((one) => one.durationMs)) + 1}ms`);
    await shows(["list-slow"]);
    await page.getByLabel("Took at most").fill("1m");
    await button("Completed").click();
    await page.waitForURL(/status=Completed/);
    await shows(["list-slow"]);
    const before = page.url();
    await page.getByLabel("Took at least").fill("soon");
    await page.getByText("A length such as").waitFor();
    assert.equal(page.url(), before, "what cannot be understood filters nothing");
    await button("Clear all filters").click();
    await page.getByText("many-00").waitFor();
    assert.equal(new URL(page.url()).searchParams.get("order"), "id", "the order stays");
});

test("by parent, and by when it was updated", async () => {
    await open("instances?parent=nobody");
    await page.getByText("No instance matches").waitFor();
    assert.ok(await page.getByLabel("Hide sub-orchestrations").isDisabled(), "children of one instance are what is asked for");
    await open("instances?prefix=list-&order=id&updated=custom&updatedFrom=2020-01-01T00:00:00.000Z&updatedTo=2020-01-02T00:00:00.000Z");
    await page.getByText("No instance matches").waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Updated from" }).inputValue(), "2020-01-01T01:00", "in the zone of the browser");
    await page.getByRole("textbox", { name: "Updated to" }).fill("2099-01-01T00:00");
    await page.getByText("list-ant").waitFor();
});

test("a filter that nothing matches says so, and one click shows all", async () => {
    await open("instances?name=Nobody&tag=team:red");
    await page.getByText("No instance matches").waitFor();
    await page.getByRole("main").getByRole("button", { name: "Clear all filters" }).first().click();
    await page.locator("tbody tr").nth(49).waitFor();
});

test("columns are chosen and put in order by keyboard and by mouse, and stay", async () => {
    await open("instances?prefix=list-");
    await page.getByText("list-ant").waitFor();
    await page.getByText("Columns", { exact: true }).click();
    await tick("Version").check();
    await tick("Custom status").uncheck();
    await button("Move Version to the left").focus();
    for (let step = 0; step < 4; step++) await page.keyboard.press("Enter");
    assert.ok(await button("Move Version to the left").evaluate((own) => own === document.activeElement), "the focus goes along");
    assert.deepEqual(await heads(), ["Status", "Instance", "Version", "Name", "Created", "Updated", "Duration"]);
    assert.ok(await tick("Instance").isDisabled(), "the id leads to the instance");
    await page.keyboard.press("Escape");
    await tick("Version").waitFor({ state: "hidden" });
    await page.getByRole("columnheader", { name: "Duration" }).dragTo(page.getByRole("columnheader", { name: "Status" }));
    assert.deepEqual(await heads(), ["Duration", "Status", "Instance", "Version", "Name", "Created", "Updated"]);
    await open("instances");
    await page.locator("tbody tr").nth(49).waitFor();
    assert.deepEqual(await heads(), ["Duration", "Status", "Instance", "Version", "Name", "Created", "Updated"], "remembered without the address");
    await open("instances?columns=name,nonsense,status");
    await page.locator("tbody tr").nth(49).waitFor();
    assert.deepEqual(await heads(), ["Instance", "Name", "Status"], "the address wins");
});

test("sizes are asked for only when they are shown", async () => {
    await open("instances?prefix=list-ant");
    const [plain] = await Promise.all([asked("Prefix=list-ant"), button("Look again now").click()]);
    assert.ok(!plain.url().includes("sizes"));
    const [sized] = await Promise.all([asked("sizes=true"), open("instances?prefix=list-ant&columns=id,events,bytes")]);
    assert.ok(sized.ok());
    await page.locator("tbody tr").getByText(/ B$|KiB$/).waitFor();
});

test("a view is kept under a name, opened, and deleted", async () => {
    await open("instances?prefix=list-&order=id&status=Failed&columns=id,error");
    await page.getByText("list-bad").waitFor();
    await page.getByText("Views", { exact: true }).click();
    await page.getByLabel("Keep this list as").fill("<b>Bad ones</b>");
    await button("Save").click();
    const view = page.getByRole("link", { name: "<b>Bad ones</b>" });
    assert.equal(await view.getAttribute("aria-current"), "true");
    await open("instances");
    await page.locator("tbody tr").nth(49).waitFor();
    await page.getByText("Views", { exact: true }).click();
    assert.equal(await view.getAttribute("aria-current"), null);
    await view.click();
    await shows(["list-bad"]);
    assert.deepEqual(await heads(), ["Instance", "Error"]);
    await button("Delete the view <b>Bad ones</b>").click();
    assert.equal(await view.count(), 0);
    await page.reload();
    await page.getByText("Views", { exact: true }).click();
    await page.getByRole("link", { name: "In flight" }).waitFor();
    assert.equal(await view.count(), 0);
});

test("pages go on, and what is marked stays marked from page to page, but not under another filter", async () => {
    await open("instances?prefix=many-&order=id&size=25");
    await page.getByText("60 match").waitFor();
    await page.getByLabel("Select many-00").check();
    await page.getByLabel("Select many-04").click({ modifiers: ["Shift"] });
    await page.getByText("5 instances selected").waitFor();
    assert.ok(await page.getByLabel("Select all on this page").evaluate((own) => own.indeterminate));
    await button("Next").click();
    await page.getByText("many-25").waitFor();
    await page.getByLabel("Select all on this page").check();
    await page.getByText("30 instances selected").waitFor();
    await button("Next").click();
    await page.getByText("many-59").waitFor();
    assert.equal((await ids()).length, 10);
    await button("Previous").click();
    await page.getByLabel("Select many-30").uncheck();
    await page.getByText("29 instances selected").waitFor();
    await button("Select all 60 that match").click();
    await page.getByText("All 60 instances selected").waitFor();
    await page.getByLabel("Id begins with").fill("many-1");
    await page.getByText("10 match").waitFor();
    await page.getByRole("region", { name: "Selection" }).waitFor({ state: "detached" });
});

test("where the server cannot count, everything that matches is found first", async () => {
    await open("instances?prefix=list-&order=id&over=0ms&under=1h&size=25");
    await page.getByLabel("Select list-ant").check();
    await button("Select all that match").click();
    await page.getByText("6 instances selected").waitFor();
    assert.ok(!(await page.getByText("All 6").count()));
});

test("what is marked, or all that matches, is acted on by the server", async () => {
    await Promise.all(["act-1", "act-2", "act-3", "act-4"].map((id) => server.start("HumanApproval", id, { timeoutSeconds: 3600 })));
    const outcome = (id) => server.call("GET", `instances/${id}`);
    await eventually("their turns", async () => (await outcome("act-2")).customStatus && (await outcome("act-4")).customStatus);
    await open("instances?prefix=act-&order=id");
    for (const id of ["act-1", "act-3"]) await page.getByLabel(`Select ${id}`).check();
    await button("Act on them…").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("heading", { name: "Act on 2 instances" }).waitFor();
    await dialog.getByLabel("Reason").fill("too many");
    await dialog.getByRole("button", { name: "Terminate" }).click();
    await page.waitForURL(/bulk\?.*id=/);
    for (const id of ["act-1", "act-3"]) assert.equal((await server.ended(id)).output, "too many");
    assert.equal((await outcome("act-2")).runtimeStatus, "Running");
    await open("instances?prefix=act-&order=id&status=Running");
    await page.getByLabel("Select act-2").check();
    await button("Select all 2 that match").click();
    await button("Act on them…").click();
    await dialog.getByText("2 instances match at this moment").waitFor();
    await dialog.getByRole("button", { name: "Terminate" }).click();
    await page.waitForURL(/bulk\?.*id=/);
    for (const id of ["act-2", "act-4"]) assert.equal((await server.ended(id)).runtimeStatus, "Terminated");
    assert.equal((await outcome("list-wait")).runtimeStatus, "Running", "what does not match is left alone");
});

test("a refresh keeps what is selected as text, how far one has scrolled, and what is marked", async () => {
    await open("instances?prefix=many-&order=id&size=100");
    await page.getByText("many-59").waitFor();
    await page.getByLabel("Select many-40").check();
    await page.getByText("many-45").scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate(() => {
        const cell = [...document.querySelectorAll("tbody a.id")].find((link) => link.textContent === "many-45");
        getSelection().selectAllChildren(cell);
        return scrollY;
    });
    assert.ok(scrolled > 100);
    await Promise.all([asked("Prefix=many-"), page.getByLabel("Refresh interval").evaluate((own) => { own.value = "2"; own.dispatchEvent(new Event("change", { bubbles: true })); })]);
    await server.start("NobodyServesThis", "many-zz");
    await page.getByText("many-zz").waitFor();
    assert.equal(await page.evaluate(() => String(getSelection())), "many-45");
    assert.equal(await page.evaluate(() => scrollY), scrolled);
    assert.ok(await page.getByLabel("Select many-40").isChecked());
    await server.call("POST", "instances/many-zz/terminate");
    await server.ended("many-zz");
    await server.call("DELETE", "instances/many-zz");
});

test("the list is exported as it is filtered, as CSV and as NDJSON, with the key", async () => {
    const keys = `read:read:${createHash("sha256").update("the-key-to-read").digest("hex")},operate:operate:${createHash("sha256").update("the-key-to-operate").digest("hex")}`;
    const guarded = await Server.run({ environment: { DURAHUB__AUTH__KEYS: keys } });
    try {
        for (const id of ["ex-1", "ex-2", "=cmd()", "other"]) {
            await guarded.call("POST", `orchestrators/HelloCities/${encodeURIComponent(id)}`, undefined, { "x-functions-key": "the-key-to-operate" });
        }
        await open("instances?prefix=ex-&order=id", guarded);
        await page.getByLabel("Key", { exact: true }).fill("the-key-to-read");
        await button("Enter").click();
        await shows(["ex-1", "ex-2"]);
        await button("Export").click();
        await page.getByRole("heading", { name: "Export 2 instances" }).waitFor();
        await page.getByText("x-functions-key: KEY").waitFor();
        const saved = async () => {
            const [download] = await Promise.all([page.waitForEvent("download"), button("Download").click()]);
            return [download.suggestedFilename(), readFileSync(await download.path(), "utf8")];
        };
        const [csv, table] = await saved();
        assert.equal(csv, "instances.csv");
        const lines = table.trim().split(/\r?\n/);
        assert.equal(lines.length, 3, table);
        assert.match(lines[0], /instanceId/i);
        assert.match(lines[1], /ex-1/);
        await button("Export").click();
        await page.getByLabel(/NDJSON/).check();
        await page.getByText("format=ndjson").waitFor();
        const [ndjson, objects] = await saved();
        assert.equal(ndjson, "instances.ndjson");
        assert.deepEqual(objects.trim().split("\n").map((line) => JSON.parse(line).instanceId), ["ex-1", "ex-2"]);
    } finally {
        // A stream that its server breaks off is something to complain about.
        await page.goto("about:blank");
        await guarded.end();
    }
});

test("hostile data stays text in the list, its marks, its views and its export", async () => {
    const id = "<img src=x onerror=alert(1)>", attack = `"><script>alert(1)</script>`;
    await server.start("NobodyServesThis<b>", id);
    await open(`instances?prefix=${encodeURIComponent("<img")}&tag=${encodeURIComponent(attack)}`);
    await page.getByText("No instance matches").waitFor();
    await open(`instances?prefix=${encodeURIComponent("<img")}&error=&name=${encodeURIComponent("NobodyServesThis<b>")}`);
    await page.getByLabel(`Select ${id}`).check();
    await button("Export").click();
    await page.getByRole("dialog").waitFor();
    assert.equal(await page.locator("main img, main script, main b, dialog img").count(), 0);
    await page.keyboard.press("Escape");
});

for (const colorScheme of ["light", "dark"]) {
    test(`menus, marks and dialogs are as they should be, ${colorScheme}`, async () => {
        const own = await browser.page({ colorScheme });
        await own.goto(`${server.url}/dashboard/instances?prefix=list-&columns=status,id,name,tags,error,events`);
        await own.getByLabel("Select list-bad").check();
        for (const menu of ["Views", "Columns"]) {
            await own.getByText(menu, { exact: true }).click();
            assert.deepEqual(await mendable(own, "main"), [], menu);
        }
        await own.getByText("More filters").click();
        assert.deepEqual(await mendable(own, "main"), [], "all filters");
        await own.getByRole("button", { name: "Export" }).click();
        assert.deepEqual(await mendable(own, "dialog"), [], "export");
        assert.deepEqual(own.complaints, []);
        await own.context().close();
    });
}

test("a list of the last hour is turned over page by page, however long one looks at a page", async () => {
    await page.clock.install();
    for (const [path, shown] of [["instances?range=1h&updated=24h&prefix=many-&order=id&size=25", "many-25"], ["entities?range=1h&size=25", "turn-25"]]) {
        await open(path);
        await button("Next").click();
        await page.getByRole("link", { name: shown }).waitFor();
        // Longer than the minute for which the last hour begins at the same moment.
        await page.clock.runFor(61_000);
        const again = page.waitForResponse((response) => response.url().includes("after=") && response.request().method() === "GET");
        await page.getByRole("button", { name: "Look again now" }).click();
        assert.equal((await again).status(), 200);
        await page.getByRole("link", { name: shown }).waitFor();
        await page.clock.runFor(61_000);
        await button("Next").click();
        await page.getByRole("link", { name: shown.replace("25", "50") }).waitFor();
        await button("Previous").click();
        await page.getByRole("link", { name: shown }).waitFor();
        await page.reload();
        await page.getByRole("link", { name: shown }).waitFor();
    }
});
