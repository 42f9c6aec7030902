// Numbers over time: drawn, told, and looked at closer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, open, page, server, stage } from "./server.js";

const NAMES = ["HelloCities", "FanOutFanIn"];

stage({
    prepare: async () => {
        await Promise.all([
            ...Array.from({ length: 12 }, (_, number) => server.start("HelloCities", `hello-${number}`)),
            server.start("FanOutFanIn", "sum", 5), server.start("FanOutFanIn", "bad", "no number"), server.start("NobodyServesThis", "lonely"),
            server.start("HumanApproval", "waits", { timeoutSeconds: 3600 }),
        ]);
        await Promise.all([...Array.from({ length: 12 }, (_, number) => `hello-${number}`), "sum", "bad"].map((id) => server.ended(id)));
        await eventually("the approval", async () => (await server.call("GET", "instances/waits")).customStatus);
    },
});

const plot = () => page.getByRole("group", { name: /over time\. / });
const legend = () => page.locator(".legend li").allTextContents();

test("what was started is stacked by status or by name, and can be read as a table", async () => {
    await open("statistics?range=1h");
    await page.locator("svg .bar-of").first().waitFor();
    await eventually("the bars", async () => (await legend()).join() === "Running1,Pending1,Completed13,Failed1");
    await page.getByLabel("Coloured by").selectOption("name");
    await eventually("the names", async () => (await legend()).includes("HelloCities12"));
    await page.getByLabel("Count what was").selectOption("completed");
    await eventually("those that have ended", async () => !(await legend()).some((one) => one.startsWith("NobodyServesThis")));
    await page.getByText("As a table").click();
    const rows = page.getByRole("group", { name: "The chart as a table" }).locator("tbody tr");
    await rows.first().waitFor();
    const sums = await rows.evaluateAll((rows) => rows.reduce((sum, row) => sum + [...row.cells].slice(1).reduce((sum, cell) => sum + Number(cell.textContent), 0), 0));
    assert.equal(sums, 14);
});

test("a stretch is looked at closer by dragging and by keyboard, and the address says which", async () => {
    await open("statistics?range=1h");
    await plot().locator("svg").waitFor();
    const { x, y, width } = await plot().boundingBox();
    await page.mouse.move(x + width * 0.5, y + 50);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.98, y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/range=custom/);
    const span = () => {
        const { searchParams } = new URL(page.url());
        return (Date.parse(searchParams.get("to")) - Date.parse(searchParams.get("from"))) / 60_000;
    };
    const dragged = span();
    assert.ok(dragged > 20 && dragged < 40, `${dragged} minutes of 60`);
    await plot().focus();
    await page.keyboard.press("End");
    for (let step = 0; step < 9; step++) await page.keyboard.press("Shift+ArrowLeft");
    await page.getByText(/ to \d{4}-/).waitFor();
    await page.keyboard.press("Enter");
    await eventually("a shorter time", () => span() < dragged);
    assert.equal(await page.getByLabel("Time", { exact: true }).inputValue(), "custom");
    await page.goBack();
    await eventually("the time before", () => span() === dragged);
    await page.getByRole("button", { name: "Back to the last 24 hours" }).click();
    await page.waitForURL((url) => !url.searchParams.has("range"));
});

test("a chart says what is under the cursor", async () => {
    await open("statistics?range=1h");
    await plot().focus();
    await page.keyboard.press("End");
    const told = page.locator(".told");
    await told.getByText(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: /).waitFor();
    await page.keyboard.press("Escape");
    await told.getByText("Drag to look closer").waitFor();
});

test("how long names took, what failed when, and which activities are slow", async () => {
    await open("statistics");
    const durations = page.getByRole("group", { name: "Duration by name" });
    for (const name of NAMES) await durations.getByRole("link", { name }).waitFor();
    const failed = page.getByRole("link", { name: /1 failures of FanOutFanIn/ });
    await failed.click();
    await page.waitForURL(/instances\?.*updated=custom/);
    await page.getByRole("link", { name: "bad", exact: true }).waitFor();
    assert.equal(await page.locator("tbody tr").count(), 1);
    await page.goBack();
    const activities = page.getByRole("group", { name: "Slowest activities" });
    await activities.getByText("Samples.SayHello").waitFor();
    await activities.getByRole("row", { name: /SayHello/ }).getByRole("link").click();
    await page.waitForURL(/instance\?id=hello-/);
});

test("statistics of one name", async () => {
    await open("statistics");
    await page.getByRole("textbox", { name: "Name" }).fill("FanOutFanIn");
    await page.waitForURL(/name=FanOutFanIn/);
    await eventually("only that one", async () => (await page.getByRole("group", { name: "Duration by name" }).locator("tbody tr").count()) === 1);
    await eventually("its chart", async () => (await legend()).join() === "Completed1,Failed1");
});

test("the overview draws what was started and ended, and names the oldest", async () => {
    await open("");
    await eventually("the lines", async () => (await legend()).length === 3);
    assert.deepEqual(await legend(), ["Started16", "Completed13", "Failed1"]);
    const oldest = page.getByRole("region", { name: "Oldest in flight" });
    await oldest.getByRole("link", { name: "lonely" }).waitFor();
    await oldest.getByRole("link", { name: "waits" }).click();
    await page.waitForURL(/instance\?id=waits/);
});

test("a list that the numbers lead to is of the same time", async () => {
    const [from, to] = [new Date(Date.now() - 3_600_000).toISOString(), new Date(Date.now() + 3_600_000).toISOString()];
    await open(`statistics?range=custom&from=${from}&to=${to}`);
    await page.getByRole("group", { name: "Duration by name" }).getByRole("link", { name: "HelloCities" }).click();
    await page.waitForURL(/instances\?/);
    assert.deepEqual(["range", "from", "to"].map((name) => new URL(page.url()).searchParams.get(name)), ["custom", from, to]);
});

test("dashboards that look at about the same time ask the same", async () => {
    const asked = [];
    page.on("request", (request) => /\/(histogram|statistics|counts|failures)$/.test(new URL(request.url()).pathname) && asked.push(request.url()));
    const askedAt = async (time, path) => {
        await page.goto("about:blank");
        asked.length = 0;
        await page.clock.setFixedTime(time);
        await open(path);
        await eventually("all questions", () => path.startsWith("?") ? asked.filter((url) => url.includes("histogram")).length === 2 && asked.length >= 4 : asked.length >= 2);
        return [...new Set(asked)].sort();
    };
    for (const path of ["?range=1h", "statistics?range=1h"]) {
        const first = await askedAt("2026-03-01T10:07:00.001Z", path);
        assert.ok(first.some((url) => url.includes(`to=${encodeURIComponent("2026-03-01T10:07:05.000Z")}`)), first);
        assert.deepEqual(await askedAt("2026-03-01T10:07:04.999Z", path), first, path);
    }
});
