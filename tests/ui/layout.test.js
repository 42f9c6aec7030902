// The pure part of the pictures, without a browser: from events to lines, rows, messages and text.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";

const ui = resolve(import.meta.dirname, "../../ui");
let own;
before(async () => {
    const { build } = await import(pathToFileURL(createRequire(`${ui}/package.json`).resolve("esbuild")));
    const modules = ["timeline/lines", "timeline/rows", "timeline/scale", "sequence/messages", "sequence/mermaid", "components/payload/json"];
    const { outputFiles } = await build({
        stdin: { contents: modules.map((name) => `export * from "./src/${name}";`).join("\n"), resolveDir: ui }, bundle: true, format: "esm", write: false,
    });
    own = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
});

const START = Date.parse("2026-01-02T03:04:05Z");
/** Events from short notes: [milliseconds since the start, type, what else it has]. */
function history(...notes) {
    return notes.map(([ms, type, more = {}], index) => ({
        index, eventId: -1, type, time: new Date(START + ms).toISOString(), name: null, taskId: null, fireAt: null, instanceId: null, payload: null, failure: null, ...more,
    }));
}
const turn = (ms, ...inner) => [[ms, "OrchestratorStarted"], ...inner.map(([type, more]) => [ms, type, more]), [ms, "OrchestratorCompleted"]];
const started = ["ExecutionStarted", { name: "Order" }];
const ended = (runtimeStatus) => ["ExecutionCompleted", { runtimeStatus }];
const scheduled = (eventId, name) => ["TaskScheduled", { eventId, name }];
const done = (taskId) => ["TaskCompleted", { taskId }];
const failed = (taskId) => ["TaskFailed", { taskId, failure: { errorType: "E", message: "m" } }];
const timer = (eventId, due) => ["TimerCreated", { eventId, fireAt: new Date(START + due).toISOString() }];
const fired = (taskId) => ["TimerFired", { taskId }];

/** "kind name from-to outcome" of each line. */
function told(events) {
    const { lines } = own.timeline(events);
    return lines.map(({ kind, name, from, to, outcome, attempt }) =>
        `${kind} ${name} ${from - START}-${to === undefined ? "" : to - START} ${outcome}${attempt > 1 ? ` #${attempt}` : ""}`);
}

test("an activity reaches from where it was scheduled to where it was answered", () => {
    const events = history(...turn(0, started, scheduled(0, "A"), scheduled(1, "B")), ...turn(20, done(1)), ...turn(50, failed(0), ended("Failed")));
    assert.deepEqual(told(events), ["orchestration Order 0-50 failed", "activity A 0-50 failed", "activity B 0-20 done"]);
    const { lines, from, to, ended: isEnded } = own.timeline(events);
    assert.deepEqual([from - START, to - START, isEnded], [0, 50, true]);
    assert.deepEqual([lines[1].first, lines[1].last, lines[2].first, lines[2].last], [2, 9, 3, 6]);
});

test("what has no answer goes on until now, and is cut off when the execution has ended", () => {
    const open = [...turn(0, started, scheduled(0, "A"), timer(1, 9_000), ["SubOrchestrationInstanceCreated", { eventId: 2, name: "C", instanceId: "c" }])];
    assert.deepEqual(told(history(...open)), ["orchestration Order 0- open", "activity A 0- open", "timer  0- open", "child C 0- open"]);
    const [, activity] = own.timeline(history(...open)).lines;
    assert.equal(own.took(activity, START + 700), 700);
    assert.deepEqual(told(history(...open, ...turn(40, ["EventRaised", { name: "Go" }], ended("Completed")))),
        ["orchestration Order 0-40 done", "activity A 0-40 dropped", "timer  0-40 dropped", "child C 0-40 dropped", "event Go 40-40 done"]);
    assert.deepEqual(told(history(...open, ...turn(40, ended("Terminated"))))[0], "orchestration Order 0-40 dropped");
});

test("what is done again after a failure is the next attempt, with and without a pause", () => {
    const events = history(...turn(0, started, scheduled(0, "A"), scheduled(1, "A")), ...turn(10, failed(0), timer(2, 20)), ...turn(12, failed(1), scheduled(3, "A")),
        ...turn(20, fired(2), scheduled(4, "A")), ...turn(30, failed(4), timer(5, 40)), ...turn(40, fired(5), scheduled(6, "A"), scheduled(7, "B")));
    assert.deepEqual(told(events).slice(1), ["activity A 0-10 failed", "activity A 0-12 failed", "timer before A again 10-20 done", "activity A 12- open #2", "activity A 20-30 failed #2",
        "timer before A again 30-40 done", "activity A 40- open #3", "activity B 40- open"]);
});

test("an id that is used again belongs to the newest", () => {
    const events = history(...turn(0, started, scheduled(0, "A")), ...turn(10, failed(0), scheduled(0, "A")), ...turn(30, done(0)));
    assert.deepEqual(told(events).slice(1), ["activity A 0-10 failed", "activity A 10-30 done #2"]);
});

test("critical sections, entity calls, suspensions, children and signals are lines", () => {
    const events = history(...turn(0, started, ["EntityLockRequested", { eventId: 0, criticalSectionId: "s", lockSet: ["@a@1", "@b@2"] }]),
        ...turn(10, ["EntityLockGranted", { criticalSectionId: "s" }], ["EntityOperationCalled", { eventId: 1, requestId: "r", name: "get", instanceId: "@a@1" }]),
        ...turn(15, ["EntityOperationFailed", { requestId: "r" }], ["EntityUnlockSent", { eventId: 2, criticalSectionId: "s" }], ["EntityOperationSignaled", { eventId: 3, name: "note" }]),
        [20, "ExecutionSuspended"], [30, "ExecutionResumed"]);
    assert.deepEqual(told(events).slice(1), ["section @a@1, @b@2 0-15 done", "call get 10-15 failed", "signal note 15-15 done", "pause Suspended 20-30 done"]);
    assert.equal(own.timeline(events).lines[1].granted - START, 10);
});

test("microseconds are not lost, and clocks that go back make no negative bars", () => {
    assert.equal(own.at("2026-01-02T03:04:05.000250Z") - START, 0.25);
    const events = history(...turn(10, started, scheduled(0, "A")), ...turn(4, done(0)));
    assert.deepEqual(told(events)[1], "activity A 10-10 done");
});

test("many alike become one row, which tells how they went and can be unfolded", () => {
    const many = Array.from({ length: 10_000 }, (_, id) => id);
    const events = history(...turn(0, started, ...many.map((id) => scheduled(id, id % 2 ? "Odd" : "Even"))), ...many.map((id) => [id + 1, ...(id === 7 ? failed(id) : done(id))]));
    const begun = process.cpuUsage(), { lines } = own.timeline(events);
    const folded = own.rows(lines, new Set());
    assert.ok(process.cpuUsage(begun).user < 5e6, "linear");
    assert.deepEqual(folded.map((row) => row.fold === undefined ? row.line.kind : `${row.lines.length} ${row.name}, ${row.failed} failed`), ["orchestration", "5000 Even, 0 failed", "5000 Odd, 1 failed"]);
    assert.deepEqual(own.spread(folded[1].lines), { min: 1, median: 5_000, max: 9_999 });
    const open = own.rows(lines, new Set([folded[1].fold]));
    assert.equal(open.length, 5_003);
    assert.ok(open[1].unfolded && open[2].inner && open[2].line.name === "Even");
    assert.equal(own.placeOf(open, open[100].line.last), 100);
    assert.equal(own.placeOf(folded, open[100].line.last), -1);
    assert.deepEqual(own.wanted(lines, { name: "", failed: true }).map((line) => line.name), ["Odd"]);
    assert.equal(own.wanted(lines, { name: "EVE", failed: false }).length, 5_000);
});

test("a chain of the same is folded over its turns, and few alike are not folded", () => {
    const chain = Array.from({ length: 12 }, (_, id) => turn(id * 10, ...(id === 0 ? [started] : [done(id - 1)]), scheduled(id, "Step"))).flat();
    const rows = own.rows(own.timeline(history(...chain)).lines, new Set());
    assert.deepEqual(rows.map((row) => row.fold === undefined ? row.line.kind : `${row.lines.length} ${row.name}, ${row.open} open`), ["orchestration", "12 Step, 1 open"]);
    assert.equal(own.rows(own.timeline(history(...chain.slice(0, 30))).lines, new Set()).length, 8);
});

test("ten thousand failures that are tried again stay linear", () => {
    const many = Array.from({ length: 10_000 }, (_, id) => id);
    const events = history(...turn(0, started, ...many.map((id) => scheduled(id, "A"))), ...turn(5, ...many.map(failed), ...many.map((id) => timer(id + 10_000, 10))),
        ...turn(10, ...many.map((id) => fired(id + 10_000)), ...many.map((id) => scheduled(id + 20_000, "A"))));
    const begun = process.cpuUsage(), { lines } = own.timeline(events);
    assert.equal(lines.filter((line) => line.attempt === 2).length, 10_000);
    assert.ok(process.cpuUsage(begun).user < 5e6);
});

test("zoom keeps what is under the pointer, and nothing leaves the whole", () => {
    const whole = own.all(0, 1000), near = own.zoomed(whole, whole, 4, 0.25);
    assert.ok(Math.abs(own.length(near) * 4 - own.length(whole)) < 1e-9);
    assert.ok(Math.abs(near.from + own.length(near) * 0.25 - own.length(whole) * 0.25) < 1e-9);
    assert.deepEqual(own.moved(whole, near, -100), { from: 0, to: own.length(near) });
    assert.deepEqual(own.zoomed(whole, near, 0.001), whole);
    assert.ok(own.length(own.zoomed(whole, near, 1e12)) > 0);
    assert.ok(own.length(own.all(5, 5)) > 0, "a moment is not nothing");
});

test("the axis has round steps and not too many of them", () => {
    for (const wide of [0.02, 1, 37, 999, 4_600, 61_000, 3_600_000, 86_400_000 * 40, 86_400_000 * 4000]) {
        const ticks = own.ticks({ from: 100, to: 100 + wide }, 100, 10);
        assert.ok(ticks.length >= 2 && ticks.length <= 11, `${wide}: ${ticks.length}`);
        assert.equal(new Set(ticks.map((tick) => tick.label)).size, ticks.length, `${wide}: ${ticks.map((tick) => tick.label)}`);
    }
    assert.deepEqual(own.ticks({ from: 0, to: 4_600 }, 0, 10).map((tick) => tick.label).slice(0, 3), ["0", "0.5 s", "1.0 s"]);
    assert.equal(own.since(90_000_000, 3_600_000), "1 d 1 h");
});

test("a diagram shows calls and answers in their order, and folds what is alike", () => {
    const three = [0, 1, 2].map((id) => scheduled(id, "A")), five = [3, 4, 5, 6, 7].map((id) => scheduled(id, "B"));
    const events = history(...turn(0, started, ...three, ...five), ...[0, 1, 2, 3, 4, 5, 6, 7].map((id) => [id + 1, ...done(id)]), ...turn(20, ended("Completed")));
    const { lifelines, messages, left, folded } = own.sequence(events, "Order");
    assert.deepEqual(lifelines.map((one) => one.name), ["Engine", "Order", "A", "B"]);
    assert.deepEqual([left, folded], [0, 5]);
    assert.deepEqual(messages.map((one) => `${one.from}>${one.to} ${one.text}`), ["0>1 start", "1>2 A", "1>2 A", "1>2 A", "1>3 B × 5", "2>1 done", "2>1 done", "2>1 done", "3>1 done × 5", "1>0 ended"]);
    const chain = Array.from({ length: 300 }, (_, id) => turn(id * 10, ...(id === 0 ? [started] : [done(id - 1)]), scheduled(id, `N${id}`))).flat();
    const large = own.sequence(history(...chain), "Order");
    assert.equal(large.messages.length, 200);
    assert.equal(large.left, 400);
    assert.ok(large.lifelines.length <= 14);
});

test("hostile names mean nothing to Mermaid", () => {
    const attack = "end\nA->>B: x;%%{init}%% <img src=x onerror=alert(1)> #35; note over \"p\" --> x";
    const text = own.mermaid(own.sequence(history(...turn(0, ["ExecutionStarted", { name: attack }], scheduled(0, attack))), attack));
    const [head, ...lines] = text.trimEnd().split("\n");
    assert.equal(head, "sequenceDiagram");
    for (const line of lines) assert.match(line, /^ {4}(participant p\d+ as|p\d+(->>|-->>|--x)p\d+:) [\p{L}\p{N} _.,/()=×+#;-]*$/u, line);
    assert.doesNotMatch(text, /[<>]img|%%|\bnote\b|as end\b|: end\b/);
    assert.equal(own.escaped("Pay (2) ü"), "Pay (2) ü");
    assert.equal(own.escaped(""), " ");
});

test("what is searched in JSON is found by name and by value, and what is open at first fits a screen", () => {
    const value = { a: [1, { Bird: "blue" }], c: null, big: Array.from({ length: 500 }, (_, one) => one) };
    assert.deepEqual(own.search(value, "BIRD", 10), [["a", 1, "Bird"]]);
    assert.deepEqual(own.search(value, "blu", 10), [["a", 1, "Bird"]]);
    assert.deepEqual(own.search(value, "null", 10), [["c"]]);
    assert.equal(own.search(value, "4", 10).length, 10);
    assert.deepEqual([...own.openAtFirst(value)], ["[]", "[\"a\"]", "[\"a\",1]"]);
    assert.equal(own.parsed("{"), undefined);
    assert.deepEqual(own.parsed("null"), { value: null });
});
