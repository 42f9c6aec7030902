// What somebody finds who has just started the server, and what the overview counts afterwards.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, Server } from "./server.js";

let server, browser, page;
before(async () => {
    [server, browser] = await Promise.all([Server.run(), Browser.run()]);
    page = await browser.page();
});
after(() => Promise.all([browser?.end(), server?.end()]));

test("an empty server tells what to type for each SDK, with its own address, and what was typed appears", async () => {
    const host = new URL(server.url).host;
    await page.goto(`${server.url}/dashboard`);
    await page.getByText("Nothing has been started here yet").waitFor();
    const sdks = page.getByRole("navigation", { name: "SDK" }).getByRole("link");
    assert.deepEqual(await sdks.allTextContents(), ["Python", "JavaScript", ".NET", "Java", "Go", "Connection string"]);
    for (const sdk of await sdks.all()) {
        await sdk.click();
        assert.equal(await sdk.getAttribute("aria-current"), "page");
        assert.match(await page.locator(".snippet pre").last().textContent(), new RegExp(host), await sdk.textContent());
    }
    assert.match(new URL(page.url()).search, /sdk=string/);
    const [, address] = /curl -X POST '([^']+)'/.exec(await page.locator(".snippet pre").first().textContent());
    await page.getByLabel("Refresh interval").selectOption("2");
    assert.ok((await fetch(address, { method: "POST" })).ok);
    await page.getByRole("heading", { name: "Started and ended" }).waitFor();
    const card = page.getByRole("link", { name: /^Completed/ });
    await card.getByText("1", { exact: true }).waitFor();
    await card.click();
    await page.waitForURL(/instances\?status=Completed/);
    await page.locator("tbody tr").waitFor();
    assert.deepEqual(page.complaints, []);
});

test("every status has a card", async () => {
    await page.goto(`${server.url}/dashboard?range=24h`);
    await page.locator(".cards .count").nth(7).waitFor();
    assert.deepEqual(await page.locator(".cards .what").allTextContents(),
        ["Running", "Pending", "Suspended", "Completed", "Failed", "Terminated", "Canceled", "Continued as new"]);
});
