// The binary under test, with a store in memory, and a browser that notes whatever goes wrong in it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { chromium } from "playwright-core";

const repository = resolve(import.meta.dirname, "../..");
export const binary = resolve(process.env.DURAHUB_BIN ?? `${repository}/target/debug/durahub`);

const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

/** Polls until `probe` gives something true, and gives that. */
export async function eventually(what, probe, timeout = 30_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
        const found = await probe();
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`waited ${timeout} ms for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

export class Server {
    /** `port` 0 is any free one. */
    static async run({ environment = {}, port = 0, store = "sqlite::memory:" } = {}) {
        const server = new Server();
        const child = spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, "--store", store], {
            stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...environment },
        });
        server.process = child;
        process.once("exit", () => child.kill("SIGKILL"));
        let output = "", failure;
        child.on("error", (error) => (failure = error));
        child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
        server.url = await eventually("the Listening line", () => {
            if (failure || child.exitCode !== null) throw new Error(`${binary} does not run: ${failure ?? child.exitCode}`);
            return /Listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
        });
        await eventually("readiness", () => fetch(`${server.url}/readyz`).then((answer) => answer.ok));
        return server;
    }

    /** A call of the management API. */
    async call(method, path, body, headers = {}) {
        const answer = await fetch(`${this.url}/runtime/webhooks/durabletask/${path}`, { method, body, headers });
        const text = await answer.text();
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
        return text && JSON.parse(text);
    }

    start(name, id, input, query = "") {
        return this.call("POST", `orchestrators/${name}/${encodeURIComponent(id)}${query}`, input === undefined ? undefined : JSON.stringify(input));
    }

    /** Waits until the instance has ended. */
    ended(id) {
        return eventually(`the end of ${id}`, async () => {
            const found = await this.call("GET", `instances/${encodeURIComponent(id)}?timeout=20`);
            return ["Completed", "Failed", "Terminated"].includes(found.runtimeStatus) && found;
        }, 120_000);
    }

    async end() {
        const gone = new Promise((resolve) => this.process.once("exit", resolve));
        this.process.kill("SIGKILL");
        await gone;
    }
}

/** Starts what makes every page worth looking at. */
export async function seed(server) {
    await Promise.all([
        server.start("HelloCities", "hello-1"), server.start("OrderSaga", "order-4711", { item: "book", amount: 10, failAt: "ship" }),
        server.start("FanOutFanIn", "sum-1", "ten"), server.start("FanOutFanIn", "sum-2", 12), server.start("HumanApproval", "trip-1", { timeoutSeconds: 3600 }),
        server.start("SlowChain", "chain-1", { steps: 400, delayMs: 500 }), server.start("HumanApproval", "paused-1", { timeoutSeconds: 3600 }),
        server.start("HumanApproval", "ended-1", { timeoutSeconds: 3600 }), server.start("NobodyServesThis", "lonely-1", { why: "no worker" }),
        server.start("Transfer", "poor-1", { from: "anna", to: "ben", amount: 30 }),
        server.call("POST", "entities/samples.counter/clicks?op=add", "5"), server.call("POST", "entities/samples.account/anna?op=deposit", "100"),
    ]);
    await server.call("POST", "instances/paused-1/suspend?reason=lunch");
    await server.call("POST", "instances/ended-1/terminate?reason=enough");
    await Promise.all(["hello-1", "order-4711", "sum-1", "sum-2", "ended-1", "poor-1"].map((id) => server.ended(id)));
    await eventually("the counter", () => server.call("GET", "entities/samples.counter/clicks").catch(() => undefined));
}

/** A browser. `page()` gives a tab of its own, whose `complaints` are what its console and its policy had to say. */
export class Browser {
    static async run() {
        const own = new Browser();
        own.browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
        return own;
    }

    async page(options = {}) {
        const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", timezoneId: "Europe/Berlin", ...options });
        await context.addInitScript(() => {
            addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
        });
        const page = await context.newPage();
        page.setDefaultTimeout(30_000);
        page.complaints = [];
        page.on("console", (message) => {
            // What the server refuses is logged by the browser, and no mistake of the page.
            const isRefusal = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
            if (["error", "warning"].includes(message.type()) && !isRefusal) page.complaints.push(message.text());
        });
        page.on("pageerror", (error) => page.complaints.push(String(error)));
        page.on("dialog", (dialog) => {
            page.complaints.push(`a script asked: ${dialog.message()}`);
            void dialog.dismiss();
        });
        return page;
    }

    end() {
        return this.browser.close();
    }
}

/** What the tests of a file share, once `stage` has been called: a server, a browser, and in it a page for each test. */
export let server, browser, page;

/** `prepare` is done before the first test. `options`: of the page. A test must leave its page without complaints. */
export function stage({ prepare, options } = {}) {
    before(async () => {
        [server, browser] = await Promise.all([Server.run(), Browser.run()]);
        await prepare?.();
    });
    after(() => Promise.all([browser?.end(), server?.end()]));
    beforeEach(async () => void (page = await browser.page(options)));
    afterEach(async () => {
        assert.deepEqual(page.complaints, []);
        // A question that is on its way when the page goes is nobody's mistake.
        await page.unrouteAll({ behavior: "ignoreErrors" });
        await page.context().close();
    });
}

/** Goes to a page of the dashboard. */
export const open = (path, at = server) => page.goto(`${at.url}/dashboard/${path}`);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds to mend on `page`, or by all its rules in one part of it. */
export async function mendable(page, part) {
    await page.evaluate(AXE);
    return page.evaluate(async (part) => {
        const rules = part ? {} : { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] };
        const { violations } = await globalThis.axe.run(part ?? document, rules);
        const told = (node) => `${node.html.slice(0, 160)} (${[...node.any, ...node.all, ...node.none][0]?.message ?? ""})`;
        return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(told).join(" | ")}`);
    }, part);
}

/** The page has nothing to mend, in either theme. */
export async function nothingToMend() {
    for (const theme of ["light", "dark"]) {
        await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
        assert.deepEqual(await mendable(page), [], theme);
    }
}
