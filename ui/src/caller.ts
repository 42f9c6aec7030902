// What the server is, and what whoever looks may do. The server decides; the page only says beforehand what will be refused.
import { effect, signal } from "@preact/signals";
import { about, Problem, wanted } from "./api";
import { key } from "./settings";
import type { About, Permission } from "./types/server";

/** Unknown until the server has said so; then nothing is disabled. */
export const server = signal<About | undefined>(undefined);

let asked = 0;

/** Asks again: for a new key, or after the server came back. */
export async function lookAtServer(): Promise<void> {
    const own = ++asked;
    try {
        const found = await about();
        if (own === asked) server.value = found;
    } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (own === asked && error.status !== 0) server.value = undefined;
    }
}

effect(() => {
    // Another key is another caller. While the server wants one, there is no use in asking.
    void key.value;
    if (wanted.value === undefined) void lookAtServer();
});

/** Why the caller may not do it; undefined if he may, or if it is not known. */
export function forbidden(permission: Permission): string | undefined {
    if (!server.value) return undefined;
    const { readOnly, caller } = server.value;
    if (readOnly && permission !== "read") return "This dashboard only looks (setting dashboard.read_only).";
    if (caller.permits.includes(permission)) return undefined;
    if (caller.taskHubs && permission === "administer") return `Your key is for ${caller.taskHubs.join(", ")}; this takes one for all task hubs.`;
    const least = permission === "purgeMany" || permission === "administer" ? "admin" : "operate";
    return `Your key has the role ${caller.role}; this takes ${least}.`;
}
