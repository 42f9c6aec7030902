// The parts of the dashboard that only compute, bundled as they are for the browser.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { test } from "node:test";

const ui = resolve(import.meta.dirname, "../../ui");
const { build } = createRequire(`${ui}/`)("esbuild");

async function load(path) {
    const { outputFiles } = await build({ entryPoints: [`${ui}/src/${path}`], bundle: true, format: "esm", write: false, logLevel: "silent" });
    return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const { bucketAt, bucketCount, line, share, stacked, tickLabel, ticks, timeTicks } = await load("charts/scale.ts");
const { heat, shade } = await load("charts/heat.ts");
const { lengthOf, whyNoLength } = await load("lengths.ts");

const HOUR = 3_600_000, DAY = 24 * HOUR;

test("an axis has whole numbers at round distances, up to the highest", () => {
    for (const [most, expected] of [[0, [0, 1]], [1, [0, 1]], [3, [0, 1, 2, 3]], [7, [0, 2, 4, 6, 8]], [100, [0, 50, 100]], [163, [0, 50, 100, 150, 200]], [12_345, [0, 5000, 10_000, 15_000]]]) {
        assert.deepEqual(ticks(most), expected, `up to ${most}`);
    }
    for (let most = 1; most < 1e6; most = Math.ceil(most * 1.7)) assert.ok(ticks(most).length <= 6 && ticks(most).at(-1) >= most, `up to ${most}`);
});

test("times on an axis are round in the zone that is shown", () => {
    const from = Date.parse("2026-03-01T10:07:00Z");
    const { step, at } = timeTicks(from, from + 6 * HOUR, 8);
    assert.equal(step, HOUR);
    assert.equal(new Date(at[0]).toISOString(), "2026-03-01T11:00:00.000Z");
    assert.equal(at.length, 6);
    const india = timeTicks(from, from + 6 * HOUR, 8, 5.5 * HOUR);
    assert.equal(tickLabel(india.at[0], india.step, 5.5 * HOUR), "16:00");
    for (const span of [1000, 60_000, HOUR, DAY, 40 * DAY, 5000 * DAY]) assert.ok(timeTicks(from, from + span, 10).at.length <= 11, `${span} ms`);
    assert.equal(tickLabel(Date.parse("2026-03-02T00:00:00Z"), HOUR), "03-02", "midnight says which day begins");
    assert.equal(tickLabel(from + 15_000, 5000), "10:07:15");
});

test("stacked bars stand on each other", () => {
    assert.deepEqual(stacked([[1, 0, 2], [3, 2, 0], [1, 1, 1]]), { floors: [[0, 0, 0], [1, 0, 2], [4, 2, 2]], highest: 5 });
    assert.deepEqual(stacked([]), { floors: [], highest: 0 });
    assert.equal(line([[0, 1], [2, 3.25]]), "M0.0 1.0L2.0 3.3");
});

test("a place on the axis is a bucket, also beyond the ends", () => {
    assert.deepEqual([-1, 0, 0.5, 0.999, 1, 7].map((part) => bucketAt(part, 10)), [0, 0, 5, 9, 9, 9]);
    assert.equal(bucketCount(0, DAY, 80), 48, "half hours");
    assert.equal(bucketCount(0, HOUR, 60), 60);
    assert.equal(bucketCount(0, 1, 60), 1);
    assert.ok(bucketCount(0, 100_000 * DAY, 80) <= 400);
});

test("a logarithmic scale has tenfold steps and knows its ends", () => {
    assert.equal(share(100, 10, 1000), 0.5);
    assert.deepEqual([share(1, 10, 1000), share(5000, 10, 1000), share(7, 7, 7), share(0, 0, 10)], [0, 1, 0.5, 0]);
});

test("failures become columns of hours, or of days if there would be too many", () => {
    const from = Date.parse("2026-03-01T10:30:00Z"), at = (hours) => new Date(from + hours * HOUR).toISOString();
    const failures = [
        { name: "A", hours: [{ hour: at(-12), count: 99 }, { hour: at(0), count: 2 }, { hour: at(1), count: 9 }, { hour: at(99), count: 5 }] },
        { name: "B", hours: [{ hour: at(3), count: 20 }] }, { name: "C", hours: [] },
    ];
    const hours = heat(failures, from, from + 4 * HOUR);
    assert.equal(hours.columns.length, 5);
    assert.deepEqual(hours.rows, [{ name: "B", counts: [0, 0, 0, 20, 0], total: 20 }, { name: "A", counts: [2, 9, 0, 0, 0], total: 11 }]);
    assert.equal(hours.highest, 20);
    const days = heat(failures, from, from + 7 * DAY);
    assert.equal(days.step, DAY);
    assert.deepEqual(days.rows.map((row) => row.counts.slice(0, 5)), [[20, 0, 0, 0, 0], [11, 0, 0, 0, 5]]);
    const shifted = heat([{ name: "A", hours: [{ hour: "2026-03-01T23:30:00Z", count: 1 }] }], from, from + 7 * DAY, HOUR);
    assert.equal(shifted.rows[0].counts[1], 1, "the day of the zone, not that of UTC");
});

test("few can be told from none", () => {
    assert.deepEqual([0, 1, 999, 1000].map((count) => shade(count, 1000)), [0, 1, 4, 4]);
});

test("lengths of time are read as people type them", () => {
    for (const [text, ms] of [["250ms", 250], ["1.5 s", 1500], ["2m 30s", 150_000], ["2m30s", 150_000], ["3", 3000], ["1h", HOUR], ["1 d", DAY], ["5 MIN", 300_000]]) assert.equal(lengthOf(text), ms, text);
    for (const text of ["", "soon", "-1s", "1x", "s", "1,5s"]) assert.equal(lengthOf(text), undefined, text);
    assert.equal(whyNoLength(" "), undefined);
    assert.match(whyNoLength("soon"), /length/);
});
