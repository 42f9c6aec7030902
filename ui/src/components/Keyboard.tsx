// Ways by keyboard, and the dialog that tells them: "?" opens it. They can be turned off, for whoever speaks to the computer or has keys that
// slip.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { refreshNow } from "../live";
import { go, href } from "../router";
import { shortcuts } from "../settings";

const PAGES: readonly (readonly [letter: string, page: string, label: string])[] = [
    ["o", "", "Overview"], ["i", "instances", "Instances"], ["e", "entities", "Entities"], ["w", "workers", "Workers"], ["b", "bulk", "Bulk jobs"],
    ["h", "hubs", "Task hubs"], ["a", "about", "About"], ["s", "start", "Start an orchestration"],
];
/** How long after g a letter still belongs to it. */
const TOGETHER_MS = 1500;

export const helpOpen = signal(false);

/** Whether keys that are typed are meant for what has the focus. */
function isTyping(target: EventTarget | null): boolean {
    return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

export function Keyboard() {
    useEffect(() => {
        let pressed = -Infinity;
        const onKey = (event: KeyboardEvent) => {
            if (shortcuts.value === "off" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
            const follows = event.timeStamp - pressed < TOGETHER_MS;
            pressed = event.key === "g" ? event.timeStamp : -Infinity;
            const to = follows && PAGES.find(([letter]) => letter === event.key);
            if (to) go(href(to[1]));
            else if (event.key === "?") helpOpen.value = true;
            else if (event.key === "r") refreshNow();
            else if (event.key === "/") document.querySelector<HTMLInputElement>(".goto input")?.focus();
            else return;
            event.preventDefault();
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, []);
    return helpOpen.value ? <Help /> : null;
}

function Help() {
    const own = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const opener = document.activeElement;
        own.current?.showModal();
        return () => {
            if (opener instanceof HTMLElement) opener.focus();
        };
    }, []);
    const rows = [["?", "This help"], ["/", "Go to an instance by its id"], ["r", "Look again now"], ...PAGES.map(([letter, , label]) => [`g ${letter}`, label])];
    return (
        <dialog ref={own} aria-labelledby="keyboard" onClose={() => (helpOpen.value = false)}>
            <form method="dialog">
                <h2 id="keyboard">By keyboard</h2>
                <dl class="keys">
                    {rows.map(([keys, label]) => (
                        <div key={keys}><dt>{keys?.split(" ").map((one) => <kbd key={one}>{one}</kbd>)}</dt><dd>{label}</dd></div>
                    ))}
                    <div><dt><kbd>Esc</kbd></dt><dd>Close a dialog, or the panel beside the list</dd></div>
                </dl>
                <label class="check">
                    <input type="checkbox" checked={shortcuts.value === "on"} onChange={(event) => (shortcuts.value = event.currentTarget.checked ? "on" : "off")} />
                    Use these keys
                </label>
                <footer><button type="submit" class="button main">Close</button></footer>
            </form>
        </dialog>
    );
}
