// What somebody prefers, kept in this browser. The key of the server is kept only as long as the tab is open.
import { effect, signal, type Signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Zone = "local" | "utc";
/** Seconds between two looks; 0 looks only when asked. */
export const INTERVALS = [0, 2, 5, 10, 30] as const;

function kept<T extends string | number>(name: string, choices: readonly T[], preset: T): Signal<T> {
    const stored = localStorage.getItem(`durahub.${name}`);
    const value = signal(choices.find((choice) => String(choice) === stored) ?? preset);
    effect(() => localStorage.setItem(`durahub.${name}`, String(value.value)));
    return value;
}

export const theme = kept<Theme>("theme", ["system", "light", "dark"], "system");
export const zone = kept<Zone>("zone", ["local", "utc"], "local");
export const interval = kept<number>("interval", INTERVALS, 5);
/** Whether single keys do something. */
export const shortcuts = kept<"on" | "off">("shortcuts", ["on", "off"], "on");
export const key = signal(sessionStorage.getItem("durahub.key") ?? "");

effect(() => {
    if (theme.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
});
effect(() => {
    if (key.value) sessionStorage.setItem("durahub.key", key.value);
    else sessionStorage.removeItem("durahub.key");
});
