// What surrounds every page.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { hubs, lostSince, wanted } from "../api";
import { forbidden, server } from "../caller";
import { clock } from "../format";
import { refreshNow, useLive } from "../live";
import { go, href, hub, page, params } from "../router";
import { INTERVALS, interval, key, theme, zone, type Theme, type Zone } from "../settings";
import { GoTo } from "./GoTo";
import { Icon } from "./Icon";
import { KeyDoor } from "./KeyDoor";
import { helpOpen, Keyboard } from "./Keyboard";
import { Toasts } from "./Toasts";

const NAV = [
    ["", "Overview", [""]],
    ["instances", "Instances", ["instances", "instance"]],
    ["failures", "Failures", ["failures"]],
    ["statistics", "Statistics", ["statistics"]],
    ["entities", "Entities", ["entities", "entity"]],
    ["workers", "Workers", ["workers"]],
    ["bulk", "Bulk", ["bulk"]],
    ["hubs", "Hubs", ["hubs"]],
    ["about", "About", ["about"]],
] as const;

export function Shell({ title, children }: { title: string; children: ComponentChildren }) {
    useEffect(() => void (document.title = `${title} · durahub`), [title]);
    return (
        <>
            <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the page</a>
            <header class="bar">
                <div class="tools">
                    <a class="brand" href={href("")}><Logo />durahub</a>
                    <HubSwitch />
                    <GoTo />
                    <Refresh />
                    <select aria-label="Time zone" value={zone.value} onChange={(event) => (zone.value = event.currentTarget.value as Zone)}>
                        <option value="local">Local time</option><option value="utc">UTC</option>
                    </select>
                    <select aria-label="Theme" value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
                        <option value="system">System theme</option><option value="light">Light</option><option value="dark">Dark</option>
                    </select>
                    <button type="button" class="button icon" aria-label="Help for the keyboard" title="Help for the keyboard (?)" onClick={() => (helpOpen.value = true)}>?</button>
                    <Who />
                    {key.value && !wanted.value && (
                        <button type="button" class="button" onClick={() => (key.value = "")}><Icon name="key" />Forget key</button>
                    )}
                </div>
                <div>
                    <nav class="nav" aria-label="Pages">
                        {NAV.map(([path, label, pages]) => (
                            <a key={path} href={href(path)} aria-current={(pages as readonly string[]).includes(page.value) ? "page" : undefined}>{label}</a>
                        ))}
                        <a class="button main" href={href("start")} title={forbidden("start")}><Icon name="play" size={13} />Start</a>
                    </nav>
                </div>
            </header>
            {lostSince.value !== undefined && (
                <div class="lost" role="alert"><Icon name="alert" />
                    No connection since {clock(new Date(lostSince.value))}. What you see may be out of date; the page keeps trying.</div>
            )}
            <main id="main" tabIndex={-1}>{wanted.value ? <KeyDoor /> : children}</main>
            <Keyboard />
            <Toasts />
        </>
    );
}

function Logo() {
    return (
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
            <rect width="32" height="32" rx="8" fill="var(--solid)" /><circle cx="16" cy="16" r="4" fill="#fff" />
            <path d="M16 5.5A10.5 10.500 0 0 1 26.500 16M16 26.500A10.500 10.500 0 0 1 5.500 16" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" />
        </svg>
    );
}

/** As whom one looks, and whether one may only look. */
function Who() {
    if (!server.value || wanted.value) return null;
    const { readOnly, caller } = server.value;
    return (
        <>
            {caller.name && <span class="who" title={`The name and the role of your key: ${caller.permits.join(", ")}`}>{caller.name} ({caller.role})</span>}
            {readOnly && <span class="badge" title="Pages in a browser may only look here (setting dashboard.read_only)"><Icon name="lock" size={13} />Read-only</span>}
        </>
    );
}

function HubSwitch() {
    const { data } = useLive("hubs", hubs, false, "clock");
    const preset = data?.find((one) => one.default)?.name;
    // Whose key is not for the default hub begins at the first that it is for.
    const first = hub.value === undefined && preset === undefined ? data?.[0]?.name : undefined;
    useEffect(() => {
        if (first !== undefined) go(href(page.value, { ...Object.fromEntries(params.value), hub: first }), true);
    }, [first]);
    const current = hub.value ?? preset ?? first;
    if (!data || current === undefined) return null;
    const known = data.some((one) => one.name === current);
    // The page stays, and so do its filters; what is about one instance, or a place in a list, does not carry over. Where something is
    // started, "from" is an instance; elsewhere it is a time.
    const change = (name: string) => {
        const single = page.value === "instance" ? "instances" : page.value === "entity" ? "entities" : page.value;
        const search = new URLSearchParams(location.search);
        for (const own of ["id", "tab", "after", "selected", ...(single === "start" ? ["from"] : [])]) search.delete(own);
        go(href(single, { ...Object.fromEntries(search), hub: name === preset ? undefined : name }));
    };
    return (
        <label class="field-in-bar">Hub
            <select value={current} onChange={(event) => change(event.currentTarget.value)}>
                {!known && <option value={current}>{current} (not there)</option>}
                {data.map(({ name }) => <option key={name} value={name}>{name}</option>)}
            </select>
        </label>
    );
}

function Refresh() {
    return (
        <>
            <button type="button" class="button icon" aria-label="Look again now" title="Look again now" onClick={refreshNow}><Icon name="again" /></button>
            <select aria-label="Refresh interval" value={interval.value} onChange={(event) => (interval.value = Number(event.currentTarget.value))}>
                {INTERVALS.map((seconds) => <option key={seconds} value={seconds}>{seconds ? `every ${seconds} s` : "no refresh"}</option>)}
            </select>
        </>
    );
}
