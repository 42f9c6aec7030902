// The page of an instance: its header, its parts, its actions, and whatever can be strange about an instance.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { browser, eventually, mendable, page, server, stage } from "./server.js";

const ATTACK = "\"><img src=x onerror=alert(1)><script>alert(2)<" + "!--</script>";

stage({
    prepare: async () => {
        await Promise.all([
            server.start("OrderSaga", "order", { item: "book", amount: 10, failAt: "ship" }), server.start("FanOutFanIn", "broken", "ten"), server.start("FanOutFanIn", "fan", 300),
            server.start("HumanApproval", "trip", { timeoutSeconds: 3600 }), server.start("NobodyServesThis", "pending", { why: "no worker" }),
        ]);
        await Promise.all(["order", "broken", "fan"].map((id) => server.ended(id)));
    },
    options: { permissions: ["clipboard-read", "clipboard-write"] },
});

const open = (query) => page.goto(`${server.url}/dashboard/instance?${query}`);
const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = () => page.getByRole("dialog");
const status = (name) => page.locator("main .title .badge", { hasText: name });
const param = (name) => new URL(page.url()).searchParams.get(name);
const lines = () => page.locator(".history tbody tr");
const copied = () => page.evaluate(() => navigator.clipboard.readText());
/** The answer about an instance, with changes. */
const changed = (id, changes) => page.route(new RegExp(`/api/v1/instances/${id}(\\?|$)`), async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), ...changes } });
});
async function saved(act) {
    const [download] = await Promise.all([page.waitForEvent("download"), act()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

test("each part is looked up when it is opened, and not before", async () => {
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname.replace(/^.*\/instances\//, "")));
    await open("id=order&tab=data");
    await page.getByRole("heading", { name: "Output" }).waitFor();
    assert.deepEqual(asked.filter((path) => /history|tree|^order$/.test(path)).map((path) => path.replace(/.*assets.*/, "")).filter((path) => path !== "order"), []);
    for (const [tab, text, path] of [["Timeline", "from 2", "order/history"], ["History", "Activity scheduled", "order/history"], ["Sequence", "Mermaid", "order/history"], ["Tree", "stands alone", "order/tree"], ["Raw", "curl", "order"]]) {
        asked.length = 0;
        await page.getByRole("navigation", { name: "Parts" }).getByRole("link", { name: tab, exact: true }).click();
        await page.getByText(text).first().waitFor();
        await eventually(`${tab} asks`, () => asked.includes(path));
    }
    assert.equal(param("tab"), "raw");
});

test("the header tells what is known of an instance", async () => {
    await changed("trip", {
        version: "2.1", tags: { team: "red", [ATTACK]: ATTACK }, parentInstanceId: "the/parent", traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        customStatus: { bytes: 30, text: "{\"percent\": 40, \"n\": 12345678901234567890}", whole: true },
    });
    await open("id=trip");
    await status("Running").waitFor();
    for (const text of ["version 2.1", "team: red", "the/parent", "00-0af7651916cd43dd", "12345678901234567890", "40 %", "It waits for a timer"]) await page.getByText(text).first().waitFor();
    assert.equal(await page.getByRole("progressbar", { name: "40 percent done" }).getAttribute("value"), "0.4");
    assert.match(await page.getByRole("link", { name: "the/parent" }).getAttribute("href"), /id=the%2Fparent/);
    const clock = page.locator("dt", { hasText: "Since it was created" }).locator("+ dd");
    const before = await clock.textContent();
    await eventually("the clock", async () => (await clock.textContent()) !== before);
    await button("Copy the id").click();
    await eventually("the id", async () => (await copied()) === "trip");
    assert.equal(await page.locator("main img, main script").count(), 0);
});

test("a failure is shown with its stack and what lies beneath", async () => {
    await changed("broken", { failure: {
        errorType: "Outer", message: ATTACK, stackTrace: "at outer (a.js:1)", isNonRetriable: true, properties: { code: 7 },
        innerFailure: { errorType: "Inner", message: "the cause", stackTrace: null, innerFailure: null, isNonRetriable: false, properties: null },
    } });
    await open("id=broken");
    const banner = page.getByRole("region", { name: "Failure" });
    await banner.getByText("not retriable").waitFor();
    await banner.getByText("Stack trace").click();
    await banner.getByText("at outer (a.js:1)").waitFor();
    await banner.getByText("the cause").waitFor();
    await banner.getByText(ATTACK).waitFor();
    await button("Copy the failure").click();
    await eventually("the failure", async () => /Outer: [^]*at outer[^]*Caused by Inner: the cause/.test(await copied()));
});

// The table of section 4 of the facts: which action makes sense in which status.
const ACTIONS = ["Raise event", "Suspend", "Resume", "Rewind", "Restart", "Terminate", "Purge"];
const TABLE = {
    Pending: ["Raise event", "Terminate", "Suspend"], Running: ["Raise event", "Terminate", "Suspend"], ContinuedAsNew: ["Raise event", "Terminate", "Suspend"],
    Suspended: ["Raise event", "Terminate", "Resume"], Failed: ["Rewind", "Restart", "Purge"], Completed: ["Restart", "Purge"], Terminated: ["Restart", "Purge"], Canceled: ["Restart", "Purge"],
};
for (const [name, permitted] of Object.entries(TABLE)) {
    test(`what can be done to one that is ${name}`, async () => {
        await changed("order", { runtimeStatus: name });
        await open("id=order&tab=raw");
        await status(name === "ContinuedAsNew" ? "Continued as new" : name).waitFor();
        for (const action of ACTIONS) {
            const may = permitted.includes(action), own = button(action);
            assert.equal(await own.getAttribute("aria-disabled"), String(!may), action);
            if (!may) {
                const why = await own.getAttribute("title");
                assert.match(why, /^(Only what|It has ended|It is suspended already)/, action);
                await own.click({ force: true });
                await page.getByText(why).first().waitFor();
                assert.equal(await dialog().count(), 0, action);
                continue;
            }
            await own.click();
            await dialog().waitFor();
            if (action !== "Raise event") await dialog().getByText("order", { exact: true }).first().waitFor();
            await page.keyboard.press("Escape");
            await dialog().waitFor({ state: "detached" });
        }
    });
}

test("suspend and resume keep their reasons, and show when they are done", async () => {
    await server.start("HumanApproval", "pausing", { timeoutSeconds: 3600 });
    await open("id=pausing&tab=history");
    await status("Running").waitFor();
    await page.getByLabel("Refresh interval").selectOption("0");
    for (const [action, shown, reason] of [["Suspend", "Suspended", "lunch <b>"], ["Resume", "Running", "back"]]) {
        await button(action).click();
        await dialog().getByLabel("Reason").fill(reason);
        await dialog().getByRole("button", { name: action }).click();
        await status(shown).waitFor();
    }
    const events = (await (await fetch(`${server.url}/api/v1/instances/pausing/history?payloads=preview&type=ExecutionSuspended&type=ExecutionResumed`)).json()).events;
    assert.deepEqual(events.map((event) => event.payload.text), ["lunch <b>", "back"]);
});

test("terminate and purge can take the sub-orchestrations along", async () => {
    await server.start("HumanApproval", "parent", { timeoutSeconds: 3600 });
    await open("id=parent");
    await button("Terminate").click();
    await dialog().getByLabel("With the sub-orchestrations").check();
    await dialog().getByLabel("Reason").fill("enough");
    let [request] = await Promise.all([page.waitForRequest(/\/terminate/), dialog().getByRole("button", { name: "Terminate" }).click()]);
    assert.equal(new URL(request.url()).searchParams.get("recursive"), "true");
    await status("Terminated").waitFor();
    await button("Purge").click();
    await dialog().getByLabel("With its sub-orchestrations").check();
    [request] = await Promise.all([page.waitForRequest((request) => request.method() === "DELETE"), dialog().getByRole("button", { name: "Purge" }).click()]);
    assert.equal(new URL(request.url()).searchParams.get("recursive"), "true");
    await page.waitForURL(/dashboard\/instances/);
    await open("id=parent");
    await page.getByText("There is no such instance").waitFor();
});

test("rewind asks a reason, runs what failed again, and leaves the earlier history readable", async () => {
    await server.start("FanOutFanIn", "again", "ten");
    await server.ended("again");
    await open("id=again&tab=history");
    await button("Rewind").click();
    await dialog().getByLabel("Reason").fill("try <i>again</i>");
    await dialog().getByRole("button", { name: "Rewind" }).click();
    const choice = page.getByRole("combobox", { name: /Show/ });
    await choice.waitFor();
    await choice.selectOption("1");
    await page.waitForURL(/revision=1/);
    await page.getByText("Rewound").first().waitFor();
    await page.locator(".history tbody").getByText("try <i>again</i>").first().waitFor();
    await page.getByRole("button", { name: /Details of event/ }).last().click();
    await page.getByRole("heading", { name: "Reason" }).waitFor();
    assert.equal(await page.locator("main i").count(), 0);
});

test("restart under a new id leads there; an event with text ends what waits for it", async () => {
    await open("id=order");
    await button("Restart").click();
    await dialog().getByRole("button", { name: "Restart" }).click();
    await page.waitForURL((url) => url.searchParams.get("id") !== "order");
    await status("Completed").waitFor();
    await server.start("HumanApproval", "texts", { timeoutSeconds: 3600 });
    await open("id=texts&tab=history");
    await status("Running").waitFor();
    await page.getByText("Timer set").first().waitFor();
    await button("Raise event").click();
    await dialog().getByLabel("Data").fill("not a decision");
    await dialog().getByText("Not JSON").waitFor();
    await dialog().getByLabel("Send it as plain text").check();
    await dialog().getByRole("button", { name: "Raise" }).click();
    await page.getByText("Event received").first().waitFor();
    await page.getByText("\"not a decision\"").first().waitFor();
});

test("the history is filtered, turned round and cut into pages by the server", async () => {
    await open("id=fan&tab=history");
    await page.getByText("200 events on this page").waitFor();
    assert.equal(await lines().count(), 200);
    assert.equal(await page.getByText("Turn begun").count(), 0, "turns are hidden");
    await button("Next").click();
    await page.waitForURL(/after=/);
    await page.getByText("Activity done").first().waitFor();
    await button("Previous").click();
    await page.getByLabel("Order").selectOption("desc");
    await lines().first().getByText("Ended").waitFor();
    await page.getByLabel("Order").selectOption("");
    await page.getByRole("checkbox", { name: "Turns" }).check();
    await page.getByText("Turn begun").first().waitFor();
    await page.getByRole("checkbox", { name: "Turns" }).uncheck();
    await page.getByLabel("Type").selectOption("execution");
    await eventually("two events", async () => (await lines().count()) === 2);
    await page.getByLabel("Type").selectOption("");
    await page.getByLabel("Text").fill("40000");
    await eventually("the square of 200", async () => (await lines().count()) === 1);
    assert.equal(param("text"), "40000");
    await page.reload();
    await eventually("the same", async () => (await lines().count()) === 1);
    await page.getByRole("link", { name: "both ends" }).click();
    await page.waitForURL(/eventid=199/);
    await eventually("both", async () => (await lines().count()) === 2);
    await page.getByRole("link", { name: "to its end" }).click();
    await page.locator("tr.lit", { hasText: "Activity done" }).waitFor();
    await button("Not only id 199").click();
    await page.waitForURL((url) => !url.searchParams.has("eventid"));
    await page.getByLabel("Failed only").check();
    await page.getByText("No event matches").waitFor();
});

test("an address names an event, wherever it is", async () => {
    const { events } = await (await fetch(`${server.url}/api/v1/instances/fan/history?top=5000`)).json();
    const near = (place, isWanted) => events.find(({ index, type }) => index >= place && isWanted(type)).index;
    const task = (type) => /^Task(Scheduled|Completed)$/.test(type), turn = (type) => type === "OrchestratorStarted";
    // Which events lie where depends on how the completions came in. An event of a turn is shown too, though turns are hidden.
    for (const [query, index] of [["", near(500, task)], ["&order=desc", near(100, task)], ["", 0], ["&order=desc", near(200, turn)], ["", near(3, task)]]) {
        await open(`id=fan&tab=history&event=${index}${query}`);
        const row = page.locator(`#event-${index}.lit`);
        await row.waitFor();
        await eventually("in sight", () => row.evaluate((own) => {
            const { top, bottom } = own.getBoundingClientRect();
            return top >= 0 && bottom <= innerHeight;
        }));
        await row.getByRole("button", { name: `Details of event ${index}`, exact: true }).click();
        await page.locator("tr.more").getByText(events[index].type).first().waitFor();
        assert.equal(param("turns"), turn(events[index].type) ? "1" : null);
    }
    await button("Copy the address of this event").click();
    await eventually("the address", async () => (await copied()).includes(`event=${near(3, task)}`));
    await open("id=fan&tab=history&event=999999");
    await page.getByText("No event matches").waitFor();
    await open("id=fan&tab=history&event=<b>&after=x");
    await page.getByText("This did not work").waitFor();
});

test("a sequence diagram is drawn, saved and copied", async () => {
    await open("id=order&tab=sequence");
    await page.getByRole("img", { name: /7 lifelines and 12 messages/ }).waitFor();
    const file = await saved(() => button("Save SVG").click());
    assert.equal(file.name, "order-sequence.svg");
    assert.match(file.text, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    assert.match(file.text, /Samples.Ship/);
    assert.doesNotMatch(file.text, /<a |href|class=|<script/);
    assert.match(file.text, /fill="rgb/);
    await button("Copy the diagram as Mermaid text").click();
    await eventually("Mermaid", async () => (await copied()).startsWith("sequenceDiagram\n    participant p0 as Engine\n"));
    await page.locator(".sq-text", { hasText: "Samples.Ship" }).first().click();
    await page.waitForURL(/tab=history&event=\d+/);
    await open("id=fan&tab=sequence");
    await page.getByText("300 calls that are alike are drawn together").waitFor();
    await server.start("SlowChain", "long", { steps: 220, delayMs: 0 });
    await server.ended("long");
    await open("id=long&tab=sequence");
    await page.getByText("a picture of more than 200 tells little").waitFor();
    assert.equal(await page.locator(".sq-line").count(), 200);
});

test("a family is a tree of links, and what is left out is fetched when it is asked for", async () => {
    const node = (instanceId, more, ...children) => ({
        instanceId, name: `Of ${instanceId}`, version: null, runtimeStatus: instanceId === "bad" ? "Failed" : "Running", createdTime: "2026-01-02T03:04:05.000000Z", lastUpdatedTime: "2026-01-02T03:04:06.000000Z",
        scheduledStartTime: null, completedTime: null, durationMs: null, parentInstanceId: "p", tags: {}, failure: instanceId === "bad" ? { errorType: "E", message: ATTACK } : null, children, more,
    });
    await page.route(/\/order\/tree/, (route) => route.fulfill({ json: { ancestors: [node("p", false)], node: node("order", false, node("bad", false), node(ATTACK, true)) } }));
    await page.route(/onerror.*\/tree/, (route) => route.fulfill({ json: { ancestors: [], node: node(ATTACK, false, node("deep", false)) } }));
    await open("id=order&tab=tree");
    await page.getByText("Started by").waitFor();
    assert.equal(await page.locator(".tree .own .id").textContent(), "order");
    assert.match(await page.getByRole("link", { name: "bad", exact: true }).getAttribute("href"), /id=bad&tab=tree/);
    await page.getByText(`E: ${ATTACK}`).waitFor();
    await page.getByRole("button", { name: "Show its sub-orchestrations" }).click();
    await page.getByRole("link", { name: "deep" }).waitFor();
    await page.getByRole("button", { name: "Sub-orchestrations of order" }).click();
    await page.getByRole("link", { name: "bad", exact: true }).waitFor({ state: "detached" });
    assert.equal(await page.locator("main img, main script").count(), 0);
});

test("payloads: a tree that can be searched, as it was sent, copied, downloaded, and with every digit", async () => {
    const input = "{\"deep\": {\"list\": [1.0, 12345678901234567890, {\"Needle\": \"hay\"}]},  \"t\": \"<b>\"}";
    await server.call("POST", "orchestrators/NobodyServesThis/data", input);
    await open("id=data&tab=data");
    const box = page.getByRole("region", { name: "Input" });
    await box.getByText("12345678901234567890").waitFor();
    assert.equal(await box.getByText("1.0", { exact: true }).count(), 1, "as it was written");
    await box.getByRole("button", { name: /"deep"/ }).click();
    await box.getByText("12345678901234567890").waitFor({ state: "detached" });
    await box.getByLabel("Search in Input").fill("needle");
    await box.getByText("1 of 1").waitFor();
    await box.locator(".lit.now", { hasText: "Needle" }).waitFor();
    await button("Copy Input").click();
    await eventually("pretty", async () => (await copied()).includes("\n      12345678901234567890,"));
    await button("Raw text of Input").click();
    await box.getByText("1.0, 12345678901234567890, {\"Needle\"").waitFor();
    const file = await saved(() => button("Download Input").click());
    assert.deepEqual(file, { name: "data-input.json", text: input });
    await page.getByText("There is none before the end.").waitFor();
    assert.equal(await page.locator("main b").count(), 0);
});

test("what is large is shown in part and downloaded as a whole, and what is no JSON is text", async () => {
    const large = JSON.stringify({ text: "ü".repeat(200_000), end: "the end" });
    await server.call("POST", "orchestrators/NobodyServesThis/large", large);
    await server.call("POST", `instances/large/terminate?reason=${encodeURIComponent(ATTACK)}`);
    await open("id=large&tab=data");
    const input = page.getByRole("region", { name: "Input" }), output = page.getByRole("region", { name: "Output" });
    await input.getByText("Only the beginning of 390.7 KiB is shown").waitFor();
    assert.ok((await input.locator("pre").textContent()).length <= 16 * 1024);
    assert.equal((await saved(() => button("Download Input").click())).text, large);
    await output.getByText(ATTACK).waitFor();
    await output.getByText("text, ").waitFor();
    assert.equal((await saved(() => button("Download Output").click())).text, ATTACK);
    assert.equal(await page.locator("main img, main script").count(), 0);
});

test("the raw document is that of the public API, and its command works in a shell", async () => {
    const id = "it's $HOME `id` \"quoted\"";
    await server.start("HelloCities", id);
    await server.ended(id);
    await open(`id=${encodeURIComponent(id)}&tab=raw`);
    const command = await page.locator(".snippet pre").textContent();
    const { execFileSync } = await import("node:child_process");
    const told = execFileSync("/bin/sh", ["-c", command.replace(/^curl /, "printf %s ")], { encoding: "utf8" });
    const document = await (await fetch(told)).text();
    assert.equal(JSON.parse(document).instanceId, id);
    await button("Raw text of Status document").click();
    assert.equal(await page.locator(".json pre").textContent(), document);
});

test("one that waits for its start, one without history, one that is purged meanwhile", async () => {
    await changed("pending", { scheduledStartTime: new Date(Date.now() + 3_700_000).toISOString() });
    await open("id=pending");
    await page.getByText(/in 1 h/).waitFor();
    for (const [tab, text] of [["", "Nothing has happened yet"], ["history", "Nothing has happened yet"], ["sequence", "Nothing has happened yet"], ["tree", "stands alone"], ["data", "no worker"], ["raw", "\"Pending\""]]) {
        await open(`id=pending&tab=${tab}`);
        await page.getByText(text).first().waitFor();
        assert.equal(await button("Terminate").getAttribute("aria-disabled"), "false");
    }
    await server.start("HelloCities", "mayfly");
    await server.ended("mayfly");
    await open("id=mayfly");
    await status("Completed").waitFor();
    await server.call("DELETE", "instances/mayfly");
    await button("Look again now").or(page.getByRole("button", { name: /refresh/i })).first().click();
    await page.getByText("There is no such instance").waitFor();
});

test("actions work although the history cannot be read", async () => {
    await server.start("HumanApproval", "unreadable", { timeoutSeconds: 3600 });
    await page.route(/\/history\?/, (route) => route.fulfill({ status: 503, json: "the history is not there" }));
    await open("id=unreadable");
    await page.getByText("the history is not there").waitFor();
    await button("Terminate").click();
    await dialog().getByRole("button", { name: "Terminate" }).click();
    await status("Terminated").waitFor();
    page.complaints = page.complaints.filter((text) => !text.includes("503"));
});

test("hostile names stay text in every part", async () => {
    const id = "'\"><img src=x onerror=alert(3)>..%2e";
    await server.call("POST", `orchestrators/${encodeURIComponent("HelloCities<b>")}/${encodeURIComponent(id)}`, JSON.stringify({ [ATTACK]: ATTACK }));
    const events = ["ExecutionStarted", "TaskScheduled", "EventRaised", "SubOrchestrationInstanceCreated", "TaskFailed"].map((type, index) => ({
        index, eventId: index, type, time: "2026-01-02T03:04:05.000000Z", name: type === "TaskFailed" ? null : ATTACK, taskId: type === "TaskFailed" ? 1 : null, fireAt: null,
        instanceId: type.startsWith("Sub") ? ATTACK : null, payload: { bytes: ATTACK.length, text: ATTACK, whole: true }, failure: type === "TaskFailed" ? { errorType: ATTACK, message: ATTACK } : null,
    }));
    await page.route(/\/history(\?|\/)/, (route) => {
        const one = /\/history\/(\d+)/.exec(route.request().url());
        return route.fulfill({ json: one ? events[Number(one[1])] : { events, next: null, total: events.length, executionId: "e" } });
    });
    for (const [query, text] of [["", "Failed only"], ["&event=1", "In the history"], ["&tab=history", "Activity failed"], ["&tab=sequence", "Mermaid"], ["&tab=tree", "HelloCities<b>"], ["&tab=data", ATTACK.slice(2, 20)], ["&tab=raw", "curl"]]) {
        await open(`id=${encodeURIComponent(id)}${query}`);
        await page.getByText(text).first().waitFor({ state: "attached" });
        for (const more of await page.getByRole("button", { name: /Details of event/ }).all()) await more.click();
        assert.equal(await page.locator("main img, main script, main b, main i").count(), 0, query);
    }
});

const PARTS = { timeline: ["id=order", "from 2"], history: ["id=order&tab=history", "Activity failed"], sequence: ["id=order&tab=sequence", "Mermaid"], tree: ["id=order&tab=tree", "stands alone"],
    data: ["id=order&tab=data", "\"outcome\""], raw: ["id=order&tab=raw", "curl"], "a failed one": ["id=broken", "InvalidInputError"], "a waiting one": ["id=trip&tab=data", "It waits"] };
for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing to mend in any part, ${colorScheme}`, async () => {
        const own = await browser.page({ colorScheme });
        for (const [name, [query, text]] of Object.entries(PARTS)) {
            await own.goto(`${server.url}/dashboard/instance?${query}`);
            await own.getByText(text).first().waitFor();
            const details = own.getByRole("button", { name: /Details of event/ });
            if (name === "history") {
                await details.nth(1).click();
                await own.getByRole("heading", { name: "Input" }).waitFor();
            }
            assert.deepEqual(await mendable(own), [], name);
        }
        for (const action of ["Rewind", "Restart", "Purge"]) {
            await own.goto(`${server.url}/dashboard/instance?id=broken`);
            await own.getByRole("button", { name: action, exact: true }).click();
            assert.deepEqual(await mendable(own, "dialog"), [], action);
        }
        assert.deepEqual(own.complaints, []);
        await own.context().close();
    });
}

test("nothing is cut off in a narrow window, nor at twice the size", async () => {
    for (const viewport of [{ width: 400, height: 800 }, { width: 640, height: 450 }, { width: 1024, height: 700 }]) {
        const own = await browser.page({ viewport });
        for (const [name, [query, text]] of Object.entries(PARTS)) {
            await own.goto(`${server.url}/dashboard/instance?${query}`);
            await own.getByText(text).first().waitFor({ state: "attached" });
            assert.ok(await own.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${name} at ${viewport.width}`);
        }
        assert.deepEqual(own.complaints, []);
        await own.context().close();
    }
});
