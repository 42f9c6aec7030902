// A page looks again when something has changed that concerns it, not when nothing has, and never wipes what somebody does.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { eventually, open, page, Server, server, stage } from "./server.js";

stage();

let asked, underWay;
beforeEach(async () => {
    [asked, underWay] = [[], new Set()];
    page.on("request", (request) => {
        const path = new URL(request.url()).pathname;
        asked.push(path);
        if (path !== STREAM) underWay.add(request);
    });
    for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => underWay.delete(request));
    // Keeps what the stream has said.
    await page.addInitScript(() => {
        globalThis.told = "";
        const decode = TextDecoder.prototype.decode;
        TextDecoder.prototype.decode = function (...bytes) {
            const text = decode.apply(this, bytes);
            globalThis.told += text;
            return text;
        };
    });
    await page.clock.install();
});

const LIST = "/api/v1/instances", STREAM = "/api/v1/events", MARK = "/readyz";
const lists = () => asked.filter((path) => path === LIST).length;
const streams = () => asked.filter((path) => path === STREAM).length;
/** How long the page waits at most until it looks after a change, at the interval that is preset. */
const INTERVAL_MS = 5_000;

/** Lets time go by for the page, and waits until whatever it asks then is asked and answered. */
async function pass(ms) {
    await page.clock.runFor(ms);
    const marks = asked.filter((path) => path === MARK).length;
    // Requests are told in the order in which they were made.
    await page.evaluate((path) => fetch(path).then((answer) => answer.text()), MARK);
    await eventually("an answer to everything", () => asked.filter((path) => path === MARK).length > marks && underWay.size === 0);
    asked = asked.filter((path) => path !== MARK);
}

/** Waits until the stream has told something with these words. */
const told = (words) => eventually(`the stream to tell ${words || "anything"}`, () => page.evaluate((words) => globalThis.told.length > 0 && globalThis.told.includes(words), words));

/** Waits until the stream is up and the looks that it causes are over. */
async function settled(count) {
    await told("");
    for (let round = 0; round < 5; round++) {
        const before = count();
        await pass(INTERVAL_MS + 500);
        if (count() === before) return;
    }
    throw new Error("it never comes to rest");
}

/** Lets the page believe that its tab is "hidden" or "visible". */
const show = (state) => page.evaluate((state) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => state === "hidden" });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
}, state);

test("a list is asked for again when something in the hub changes, and not before", async () => {
    await server.start("NobodyServesThis", "there", 1);
    await page.addInitScript(() => localStorage.setItem("durahub.interval", "2"));
    await open("instances");
    await page.getByText("there").first().waitFor();
    await settled(lists);
    const quiet = lists();
    // Longer than two intervals.
    await pass(5000);
    assert.equal(lists(), quiet, "nothing has changed, so nothing is asked");
    await server.start("NobodyServesThis", "new-one", 1);
    await page.getByText("new-one").first().waitFor();
    assert.ok(lists() > quiet);
    // Many changes are few questions.
    const before = lists(), begin = Date.now();
    for (let number = 0; number < 60; number++) await server.start("HelloCities", `burst-${number}`);
    await page.getByText("burst-59").first().waitFor();
    const took = (Date.now() - begin) / 1000;
    assert.ok(lists() - before <= took / 2 + 2, `${lists() - before} in ${took} s`);
});

test("the page of an instance does not care for others", async () => {
    await server.start("HumanApproval", "mine", { timeoutSeconds: 3600 });
    await eventually("its turn", async () => (await server.call("GET", "instances/mine")).customStatus);
    await open("instance?id=mine");
    await page.getByText("It waits for a timer").waitFor();
    const looks = () => asked.filter((path) => path === `${LIST}/mine`).length;
    await settled(looks);
    const before = looks();
    await server.start("HelloCities", "not-mine");
    await server.ended("not-mine");
    await told("not-mine");
    await pass(3000);
    assert.equal(looks(), before, "another one has changed");
    await server.call("POST", "instances/mine/suspend?reason=lunch");
    await page.locator("main .title .badge", { hasText: "Suspended" }).waitFor();
});

test("scroll, choice, panel and typed text outlive a change", async () => {
    await Promise.all(Array.from({ length: 60 }, (_, number) => server.start("NobodyServesThis", `row-${String(number).padStart(2, "0")}`)));
    await page.addInitScript(() => localStorage.setItem("durahub.interval", "2"));
    await open("instances?prefix=row-&order=id&size=100&selected=row-55");
    await page.getByLabel("Instance row-55").waitFor();
    await page.getByText("row-59").first().scrollIntoViewIfNeeded();
    const name = page.getByLabel("Go to instance id");
    await name.evaluate((own) => own.focus({ preventScroll: true }));
    await page.keyboard.type("half an i");
    await settled(lists);
    const scroll = await page.evaluate(() => scrollY);
    assert.ok(scroll > 200, String(scroll));
    await server.start("NobodyServesThis", "row-60");
    await page.getByText("row-60").first().waitFor();
    assert.equal(await page.evaluate(() => scrollY), scroll);
    assert.equal(await name.inputValue(), "half an i");
    assert.ok(await name.evaluate((own) => own === document.activeElement));
    assert.equal(await page.getByLabel("Instance row-55").count(), 1);
    assert.equal(await page.locator("tr.chosen").count(), 1);
});

test("a tab that nobody sees listens to nothing and looks again when it is seen", async () => {
    await open("instances");
    await page.getByText("Instances").first().waitFor();
    await settled(lists);
    const ended = page.waitForEvent("requestfailed", (request) => request.url().includes("/api/v1/events"));
    await show("hidden");
    await ended;
    const [before, opened] = [asked.length, streams()];
    await server.start("NobodyServesThis", "while-away", 1);
    await pass(2 * INTERVAL_MS);
    assert.equal(asked.length, before, "nobody looks");
    await show("visible");
    await page.getByText("while-away").first().waitFor();
    await eventually("another stream", () => streams() > opened);
});

test("what is costly is not asked for again because somebody comes back to the tab", async () => {
    const count = (what) => asked.filter((path) => path === `/api/v1/${what}`).length;
    await server.start("HelloCities", "to-count");
    await server.ended("to-count");
    await open("statistics");
    await page.getByText("As of").waitFor();
    await settled(() => count("histogram"));
    const charts = count("histogram");
    await show("hidden");
    await show("visible");
    await eventually("another look at the chart", () => count("histogram") > charts);
    await pass(INTERVAL_MS);
    assert.equal(count("statistics"), 1);
    await page.getByRole("button", { name: "Look again", exact: true }).click();
    await eventually("another look, since it was asked for", () => count("statistics") === 2);
});

test("without a stream it asks at the interval, as before", async () => {
    await page.route("**/api/v1/events*", (route) => route.fulfill({ status: 404 }));
    await page.addInitScript(() => localStorage.setItem("durahub.interval", "2"));
    await open("instances");
    await eventually("three looks", () => lists() >= 3);
    await server.start("NobodyServesThis", "polled", 1);
    await page.getByText("polled").first().waitFor();
});

test("a server that comes back is listened to again", async () => {
    const mortal = await Server.run();
    await mortal.start("NobodyServesThis", "survivor", 1);
    await open("instances", mortal);
    await page.getByRole("link", { name: "survivor" }).waitFor();
    await settled(lists);
    await mortal.end();
    await page.getByText("No connection since").waitFor();
    const again = await Server.run({ port: Number(new URL(mortal.url).port) });
    try {
        await page.getByText("No connection since").waitFor({ state: "detached" });
        await again.start("NobodyServesThis", "afterwards", 1);
        await page.getByRole("link", { name: "afterwards" }).waitFor();
    } finally {
        await page.goto("about:blank");
        page.complaints = page.complaints.filter((text) => !text.includes("net::ERR_"));
        await again.end();
    }
});

test("whoever wants no refresh gets none", async () => {
    await page.addInitScript(() => localStorage.setItem("durahub.interval", "0"));
    await open("instances");
    await page.getByText("Instances").first().waitFor();
    // The page has asked what it asks when it is opened.
    await pass(0);
    await server.start("NobodyServesThis", "unseen", 1);
    await pass(2 * INTERVAL_MS);
    assert.equal(streams(), 0);
    assert.equal(await page.getByText("unseen").count(), 0);
});
