// The timeline: of a few events and of ten thousand, with a mouse and with a keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, eventually, mendable, page, server, stage } from "./server.js";

/** Five thousand activities make ten thousand events. */
const MANY = 5_000;

stage({
    prepare: async () => {
        await Promise.all([
            server.start("FanOutFanIn", "many", MANY), server.start("OrderSaga", "order", { item: "book", amount: 10, failAt: "ship" }), server.start("HumanApproval", "waiting", { timeoutSeconds: 3600 }),
            server.start("HumanApproval", "cut", { timeoutSeconds: 3600 }), server.start("Monitor", "again", { checks: 2, intervalSeconds: 1, done: 0 }), server.start("NobodyServesThis", "pending"),
        ]);
        await eventually("a timer", async () => (await (await fetch(`${server.url}/api/v1/instances/cut`)).json()).lastEvent);
        await server.call("POST", "instances/cut/terminate");
        await Promise.all(["many", "order", "cut", "again"].map((id) => server.ended(id)));
    },
});

const open = (query) => page.goto(`${server.url}/dashboard/instance?${query}`);
const rows = () => page.getByRole("treeitem");
const row = (name) => page.getByRole("treeitem", { name });
const param = (name) => new URL(page.url()).searchParams.get(name);
const tree = () => page.getByRole("tree");

test("a failed step is seen, found by a filter, and opened with its payloads", async () => {
    await open("id=order");
    await row(/Activity, Samples.Ship/).waitFor();
    assert.equal(await rows().count(), 6);
    assert.match(await row(/Samples.Ship/).getAttribute("aria-label"), /failed/);
    await page.getByLabel("Failed only").check();
    await page.waitForURL(/failed=1/);
    await eventually("one row", async () => (await rows().count()) === 1);
    await row(/Samples.Ship/).click();
    await page.waitForURL(/event=\d+/);
    const panel = page.getByRole("complementary", { name: /Samples.Ship/ });
    await panel.getByText("asked to fail").first().waitFor();
    await panel.getByRole("heading", { name: "Input" }).waitFor();
    await panel.getByText("\"book\"").waitFor();
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    assert.equal(param("event"), null);
    await page.reload();
    assert.ok(await page.getByLabel("Failed only").isChecked(), "the address holds the filter");
});

test("a bar is seen however short", async () => {
    const events = [["ExecutionStarted", 0, { name: "Long" }], ["TaskScheduled", 1, { name: "Short", eventId: 0 }], ["TaskCompleted", 2, { taskId: 0 }], ["ExecutionCompleted", 3_600_000, { runtimeStatus: "Completed" }]]
        .map(([type, ms, more], index) => ({ index, eventId: -1, type, time: new Date(1_767_323_045_000 + ms).toISOString(), name: null, taskId: null, fireAt: null, instanceId: null, payload: null, failure: null, ...more }));
    await page.route(/\/history\?/, (route) => route.fulfill({ json: { events, next: null, total: 4, executionId: "e" } }));
    await open("id=order");
    await row(/Short/).waitFor();
    assert.equal(await page.locator("rect.k-activity").evaluate((bar) => bar.width.baseVal.value), 2);
});

test("a running timer grows with the clock, and one that never fired is greyed", async () => {
    await open("id=waiting");
    await row(/Timer, .*not ended, due in/).waitFor();
    const before = await row(/Timer/).getAttribute("aria-label");
    await eventually("a longer bar", async () => (await row(/Timer/).getAttribute("aria-label")) !== before);
    await open("id=cut");
    await row(/Timer, .*never fired/).waitFor();
    assert.equal(await page.locator(".tl-bar.dropped.k-timer").count(), 1);
    await page.locator(".tl-strike").first().waitFor({ state: "attached" });
});

test("a later generation says that there were others, and one without history says why", async () => {
    await open("id=again");
    await page.getByText("It has continued as new").waitFor();
    await open("id=pending");
    await page.getByText("Nothing has happened yet").waitFor();
    await open("id=order");
    await rows().first().waitFor();
    assert.equal(await page.getByText("It has continued as new").count(), 0);
});

test("what is new is added to what is known", async () => {
    await server.start("SlowChain", "growing", { steps: 60, delayMs: 30 });
    const state = () => server.call("GET", "instances/growing");
    await eventually("some of it", async () => (await state()).customStatus?.done >= 12);
    await server.call("POST", "instances/growing/suspend");
    await eventually("its rest", async () => (await state()).runtimeStatus === "Suspended");
    const asked = [];
    page.on("request", (request) => /\/history\?/.test(request.url()) && asked.push(new URL(request.url()).searchParams.get("after")));
    await open("id=growing");
    const many = async () => Number(/(\d+) times/.exec((await row(/Samples.Work, \d+ times/).getAttribute("aria-label")) ?? "")?.[1]);
    await row(/Samples.Work/).first().waitFor();
    await page.getByLabel("Refresh interval").selectOption("2");
    await row(/Samples.Work, \d+ times/).waitFor();
    const before = await many();
    await server.call("POST", "instances/growing/resume");
    await eventually("more of it", async () => (await many()) > before);
    await page.locator("main .title .badge", { hasText: "Completed" }).waitFor();
    await row(/Samples.Work, 60 times, min/).waitFor();
    assert.equal(asked[0], null);
    assert.ok(asked.slice(1).every((after) => after !== null), "only the first question is for all of it");
});

test("by keyboard: move, open, zoom, fit", async () => {
    await open("id=order");
    await rows().first().waitFor();
    await tree().focus();
    const chosen = async () => page.locator(`[id="${await tree().getAttribute("aria-activedescendant")}"]`).getAttribute("aria-label");
    assert.match(await chosen(), /OrderSaga/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await eventually("the third row", async () => /Samples.Charge/.test(await chosen()));
    await page.keyboard.press("Enter");
    await page.getByRole("complementary", { name: /Samples.Charge/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("End");
    await eventually("the last row", async () => /Samples.Release/.test(await chosen()));
    await page.keyboard.press("+");
    await page.waitForURL(/view=/);
    const near = param("view");
    await page.keyboard.press("Shift+ArrowRight");
    await page.waitForURL((url) => url.searchParams.get("view") !== near);
    await page.keyboard.press("-");
    await page.keyboard.press("0");
    await page.waitForURL((url) => !url.searchParams.has("view"));
});

test("by mouse: wheel with Ctrl zooms, a drag moves, a view in the address is shown again", async () => {
    await open("id=order");
    await rows().first().waitFor();
    const box = await page.locator(".tl-bars").boundingBox();
    const axis = () => page.locator(".tl-axis text").allTextContents();
    const all = await axis();
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -400);
    await page.keyboard.up("Control");
    await page.waitForURL(/view=/);
    const near = await axis(), view = param("view");
    assert.notDeepEqual(near, all);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 150, box.y + 40);
    await page.mouse.up();
    await page.waitForURL((url) => url.searchParams.get("view") !== view);
    assert.equal(param("event"), null, "a drag opens nothing");
    const moved = await axis();
    await page.reload();
    await rows().first().waitFor();
    assert.deepEqual(await axis(), moved);
    await page.getByRole("button", { name: "Fit" }).click();
    await eventually("all of it", async () => JSON.stringify(await axis()) === JSON.stringify(all));
});

test("ten thousand events: the header comes first, the rest is folded, and only what is in sight is drawn", async (context) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route(/\/history\?/, async (route) => {
        await held;
        await route.continue();
    });
    await open("id=many");
    await page.locator("main .title .badge", { hasText: "Completed" }).waitFor();
    await page.getByText(/1\d,\d{3} events/).waitFor();
    assert.equal(await rows().count(), 0, "the header does not wait for the history");
    const begun = performance.now();
    release();
    await row(/FanOutFanIn/).waitFor();
    await row(/5,000 times, min .* median .* max/).waitFor();
    context.diagnostic(`timeline of 10,000 events: ${Math.round(performance.now() - begun)} ms from the answer on hold to its rows`);
    assert.equal(await rows().count(), 2);
    await tree().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await eventually("unfolded rows", async () => (await rows().count()) > 10);
    const most = 80;
    assert.ok((await rows().count()) < most);
    const times = await tree().evaluate(async (own) => {
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        const lengths = [];
        for (let step = 0; step < 40; step++) {
            const begun = performance.now();
            own.scrollTop = (own.scrollHeight * step) / 40;
            await frame();
            await frame();
            lengths.push([performance.now() - begun, own.querySelectorAll("[role=treeitem]").length, own.querySelectorAll("rect").length]);
        }
        return lengths;
    });
    for (const [, names, bars] of times) assert.ok(names < most && bars < most, `${names} rows, ${bars} bars`);
    const sorted = times.map(([time]) => time).sort((a, b) => a - b);
    context.diagnostic(`40 scrolls over 5,000 rows: two frames took ${Math.round(sorted[20])} ms in the middle, ${Math.round(sorted[39])} ms at most; at most ${Math.max(...times.map((one) => one[1]))} rows drawn`);
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.getByRole("complementary").getByRole("heading", { name: "Result" }).waitFor();
    assert.equal(param("event"), "5001");
    await page.reload();
    await page.getByRole("complementary").getByRole("heading", { name: "Result" }).waitFor();
    await eventually("the row of the address", async () => (await page.locator("[aria-selected=true]").count()) === 1);
    await page.keyboard.press("Escape");
    await page.getByLabel("Name", { exact: true }).fill("nothing like it");
    await page.getByText("No line matches").waitFor();
});

for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing to mend, ${colorScheme}`, async () => {
        const own = await browser.page({ colorScheme });
        for (const query of ["id=order", "id=order&event=10", "id=many", "id=many&event=300", "id=waiting", "id=pending"]) {
            await own.goto(`${server.url}/dashboard/instance?${query}`);
            await own.getByText(/from 2\d{3}-|Nothing has happened yet/).first().waitFor();
            if (query.includes("event")) await own.getByRole("complementary").getByRole("heading", { name: "Result" }).or(own.getByRole("complementary").getByText("StepFailed").first()).first().waitFor();
            assert.deepEqual(await mendable(own), [], query);
        }
        assert.deepEqual(own.complaints, []);
        await own.context().close();
    });
}
