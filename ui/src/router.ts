// The address holds the whole state of a page. Ids stand in the query and not in the path: an id may be "..", hold a dot like a file
// name, or a character that proxies decode on their way.
import { computed, signal } from "@preact/signals";

/** Where this server is, with the path a proxy may have put before it: the script lies in /dashboard/assets. */
export const ROOT = new URL("../../", import.meta.url).pathname;
const BASE = `${ROOT}dashboard`;

export type Params = Record<string, string | undefined>;

const address = signal(location.href);
addEventListener("popstate", () => (address.value = location.href));

const url = computed(() => new URL(address.value));
/** The page: what follows /dashboard/, without slashes around it. */
export const page = computed(() => url.value.pathname.slice(BASE.length).replace(/^\/+|\/+$/g, ""));
export const params = computed(() => url.value.searchParams);
/** The task hub; undefined is the server's default one. */
export const hub = computed(() => params.value.get("hub") ?? undefined);

function query(entries: Params): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(entries)) if (value) search.set(name, value);
    const text = search.toString();
    return text && `?${text}`;
}

/** The address of a page in the hub that is shown, or in the one that `entries` names. */
export function href(page: string, entries: Params = {}): string {
    return `${BASE}${page && `/${page}`}${query({ hub: hub.value, ...entries })}`;
}

/** The address of an instance's page; entities have one of their own. */
export function instanceHref(id: string, entries: Params = {}): string {
    return href(id.startsWith("@") ? "entity" : "instance", { id, ...entries });
}

export function go(to: string, replace = false): void {
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
    const samePage = new URL(to, location.href).pathname === url.value.pathname;
    address.value = location.href;
    if (!samePage) scrollTo(0, 0);
}

/** Changes parameters of the page that is shown: an empty one goes. */
export function change(entries: Params, replace = false): void {
    go(href(page.value, { ...Object.fromEntries(params.value), ...entries }), replace);
}

/** The stretch of time that the address names, for a page that is about the same one. */
export const stretchOf = (): Params => Object.fromEntries(["range", "from", "to"].map((name) => [name, params.value.get(name) ?? undefined]));
