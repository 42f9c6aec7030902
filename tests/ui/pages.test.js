// Every page, in both themes: it renders, its console and its policy have nothing to say, and axe-core finds nothing to mend.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, mendable, Server, seed } from "./server.js";

/** Where, and something that stands there once the page is complete. */
const PAGES = {
    overview: ["", "What failed, and why"],
    instances: ["instances?children=1", "chain-1"],
    "an instance beside the list": ["instances?children=1&selected=order-4711", "\"outcome\""],
    "no instances": ["instances?name=Nobody", "No instance matches"],
    "a running instance": ["instance?id=trip-1", "It waits for a timer"],
    "an instance that nobody serves": ["instance?id=lonely-1", /worker/],
    "a failed instance": ["instance?id=sum-1", "InvalidInputError"],
    "a list with every column": ["instances?children=1&error=ten&over=0ms&columns=id,status,version,scheduled,parent,tags,events,bytes,error", "InvalidInputError"],
    "a length that is none": ["instances?over=soon", "A length such as"],
    failures: ["failures", "InvalidInputError"],
    "no failures": ["failures?name=Nobody", "No failure matches"],
    statistics: ["statistics", "Slowest activities"],
    "statistics by name": ["statistics?by=name&of=completed", "Slowest activities"],
    "statistics of nothing": ["statistics?name=Nobody", "Nothing that was started in this time has ended"],
    "no entities": ["entities?name=nobody", "No entity matches"],
    history: ["instance?id=order-4711&tab=history", "Activity failed"],
    "no sub-orchestrations": ["instance?id=trip-1&tab=tree", "No sub-orchestrations"],
    "no such instance": ["instance?id=nothing", "There is no such instance"],
    start: ["start?from=order-4711", "like order-4711"],
    entities: ["entities", "clicks"],
    "an entity": ["entity?id=@samples.account@anna", "\"balance\""],
    "no such entity": ["entity?id=@samples.account@nobody", "There is no such entity"],
    workers: ["workers", "Samples.SayHello"],
    "an unknown hub": ["instances?hub=nowhere", "No instances in this hub"],
    "an unknown page": ["what", "There is no such page"],
};
/** What an empty server says. */
const EMPTY = {
    instances: "No instances in this hub", failures: "Nothing has failed", statistics: "Nothing that was started in this time has ended",
    entities: "There are no entities in this hub", workers: "Nothing waits",
};
const NARROW = { width: 420, height: 800 };

let server, empty, browser;
before(async () => {
    [server, empty, browser] = await Promise.all([Server.run(), Server.run(), Browser.run()]);
    await seed(server);
});
after(() => Promise.all([browser?.end(), server?.end(), empty?.end()]));

async function look(page, address, text, where) {
    await page.goto(address);
    await page.getByText(text).first().waitFor();
    assert.deepEqual(await mendable(page), [], `${where}: axe`);
    assert.deepEqual(page.complaints, [], where);
}

for (const colorScheme of ["light", "dark"]) {
    test(`every page is as it should be, ${colorScheme}`, async (context) => {
        const page = await browser.page({ colorScheme });
        for (const [name, [path, text]] of Object.entries(PAGES)) {
            await context.test(name, () => look(page, `${server.url}/dashboard/${path}`, text, name));
        }
        await context.test("an empty server", () => look(page, `${empty.url}/dashboard`, "Nothing has been started here yet", "an empty server"));
        for (const [path, text] of Object.entries(EMPTY)) {
            await context.test(`an empty server: ${path}`, () => look(page, `${empty.url}/dashboard/${path}`, text, path));
        }
        await context.test("dialogs", async () => {
            await page.goto(`${server.url}/dashboard/instance?id=trip-1`);
            for (const name of ["Raise event", "Suspend", "Terminate"]) {
                await page.getByRole("button", { name }).click();
                assert.deepEqual(await mendable(page, "dialog"), [], name);
                await page.keyboard.press("Escape");
                await page.locator("dialog").waitFor({ state: "detached" });
            }
        });
    });
}

test("nothing is cut off in a narrow window", async () => {
    const page = await browser.page({ viewport: NARROW });
    const everywhere = [...Object.entries(PAGES).map(([name, [path, text]]) => [name, `${server.url}/dashboard/${path}`, text]),
        ["an empty server", `${empty.url}/dashboard`, "Connect a worker"]];
    for (const [name, address, text] of everywhere) {
        await page.goto(address);
        await page.getByText(text).first().waitFor({ state: "attached" });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), name);
    }
});

test("nothing is asked of any other server", async () => {
    const page = await browser.page();
    const asked = new Set();
    page.on("request", (request) => asked.add(new URL(request.url()).origin));
    await page.goto(`${server.url}/`);
    await page.getByText("What failed, and why").waitFor();
    assert.deepEqual([...asked], [server.url]);
    assert.equal(new URL(page.url()).pathname, "/dashboard");
});
