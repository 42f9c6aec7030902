// A hub with a hundred thousand instances. How long it takes is told, not judged: that depends on the machine.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { binary, Browser, Server } from "./server.js";

const MANY = 100_000;
// From the same build: another one may write another schema.
const path = join(dirname(binary), "examples/seed");
const seeder = existsSync(path) && path;

test("a list of 100,000 instances opens, pages, sorts and is counted", { skip: !seeder && "no seed example: cargo build --example seed" }, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "durahub-many-"));
    let server, browser;
    try {
        const file = process.env.DURAHUB_MANY ?? join(folder, "many.db");
        if (!process.env.DURAHUB_MANY) execFileSync(seeder, ["--db", file, "--count", String(MANY), "--days", "3"], { stdio: "ignore" });
        // A test machine may be busy: no read is given up.
        server = await Server.run({ store: `sqlite:${file}`, environment: { DURAHUB__STORE__READ_BUDGET_MS: "60000" } });
        browser = await Browser.run();
        const page = await browser.page();
        page.setDefaultTimeout(120_000);
        const timed = async (what, act) => {
            const begun = performance.now();
            await act();
            context.diagnostic(`${what}: ${Math.round(performance.now() - begun)} ms`);
        };
        const first = () => page.locator("tbody a.id").first().textContent();
        /** Waits until the list begins with another instance. */
        const another = async (act) => {
            const before = await first();
            await act();
            await page.waitForFunction((before) => {
                const now = document.querySelector("tbody a.id");
                return now && now.textContent !== before && !document.querySelector("tbody.stale");
            }, before);
        };
        const button = (name) => page.getByRole("button", { name, exact: true });
        await timed("the list, from nothing", async () => {
            await page.goto(`${server.url}/dashboard/instances?children=1&size=100`);
            await page.locator("tbody tr").nth(99).waitFor();
        });
        await page.getByText("100,000 in all").waitFor();
        await timed("the next page", () => another(() => button("Next").click()));
        await timed("the page after it", () => another(() => button("Next").click()));
        await timed("sorted by duration", () => another(() => button("Duration").click()));
        await timed("sorted by name", () => another(() => button("Name").click()));
        await timed("sorted by status", () => another(() => button("Status").click()));
        await timed("500 rows", async () => {
            await page.getByLabel("Rows on a page").selectOption("500");
            await page.locator("tbody tr").nth(499).waitFor();
        });
        await timed("the failed ones of a name", async () => {
            await page.goto(`${server.url}/dashboard/instances?children=1&status=Failed&name=Refund`);
            await page.getByText(/[\d,]+ match/).waitFor();
            await page.locator("tbody tr").first().waitFor();
        });
        await timed("the overview", async () => {
            await page.goto(`${server.url}/dashboard`);
            await page.locator(".plot .line-of").first().waitFor();
        });
        await timed("the statistics of three days", async () => {
            await page.goto(`${server.url}/dashboard/statistics?range=7d`);
            await page.getByRole("group", { name: "Duration by name" }).waitFor();
        });
        assert.deepEqual(page.complaints, []);
    } finally {
        await Promise.all([browser?.end(), server?.end()]);
        rmSync(folder, { recursive: true });
    }
});
