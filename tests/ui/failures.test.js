// What failed, sorted by why, and the way from there to the instances.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, open, page, server, stage } from "./server.js";

stage({
    prepare: async () => {
        await Promise.all([
            ...["bad-1", "bad-2", "bad-3"].map((id) => server.start("FanOutFanIn", id, "<b>no</b> number")), server.start("SlowChain", "bad-chain", "nor this"),
            server.start("HelloCities", "good"),
        ]);
        await Promise.all(["bad-1", "bad-2", "bad-3", "bad-chain", "good"].map((id) => server.ended(id)));
    },
});

test("failures stand in groups, with a line over time, and lead to their instances and to no others", async () => {
    await open("failures");
    await page.getByText("2 causes, 4 failed instances").waitFor();
    const group = page.getByRole("row", { name: /FanOutFanIn/ });
    assert.equal(await group.getByRole("img", { name: /Failures of FanOutFanIn: at most/ }).count(), 1);
    assert.equal(await group.locator("time").count(), 2, "first and last");
    assert.equal(await page.locator("main td b").count(), 0);
    await group.getByRole("link", { name: /3 times/ }).click();
    await page.waitForURL(/instances\?.*status=Failed.*error=/);
    await page.locator("tbody tr").nth(2).waitFor();
    assert.deepEqual((await page.locator("tbody a.id").allTextContents()).sort(), ["bad-1", "bad-2", "bad-3"]);
});

test("failures are narrowed by name and time, in the address", async () => {
    await open("failures");
    await page.getByRole("textbox", { name: "Name" }).fill("SlowChain");
    await page.getByText("1 cause, 1 failed instance").waitFor();
    await page.getByLabel("Created").selectOption("1h");
    await page.waitForURL(/name=SlowChain.*range=1h/);
    await page.getByText("1 cause, 1 failed instance").waitFor();
    await page.getByRole("textbox", { name: "Name" }).fill("HelloCities");
    await page.getByText("No failure matches").waitFor();
    await page.getByRole("button", { name: "Show all failures" }).click();
    await page.getByText("2 causes, 4 failed instances").waitFor();
});

test("the overview shows what failed, and leads on", async () => {
    await open("");
    await page.getByRole("heading", { name: "What failed, and why" }).waitFor();
    const last = page.getByRole("group", { name: "Failed last" });
    await last.getByText("bad-chain").waitFor();
    assert.equal(await last.locator("tbody tr").count(), 4);
    await page.getByRole("link", { name: /3 times/ }).click();
    await page.waitForURL(/instances\?/);
    await page.locator("tbody tr").nth(2).waitFor();
    assert.equal(await page.locator("tbody tr").count(), 3);
});

test("a whole group is run again, and nothing beside it", async () => {
    await open("failures");
    await page.getByRole("row", { name: /FanOutFanIn/ }).getByRole("button", { name: "Run again…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("heading", { name: "Act on 3 instances" }).waitFor();
    assert.equal(await dialog.getByLabel("Action").inputValue(), "rewind");
    await dialog.getByLabel("Action").selectOption("restart");
    await dialog.getByRole("button", { name: "Restart" }).click();
    await page.waitForURL(/bulk\?.*id=/);
    await eventually("three more failures", async () => {
        const { groups } = await (await fetch(`${server.url}/api/v1/failures`)).json();
        assert.equal(groups.find((group) => group.name === "SlowChain").count, 1);
        return groups.find((group) => group.name === "FanOutFanIn").count === 6;
    });
});
