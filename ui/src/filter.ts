// What the filters in the address ask of the server.
import type { Query } from "./api";
import { since } from "./format";
import { lengthOf } from "./lengths";
import { listPlace } from "./place";
import { params } from "./router";

/** The parameters that narrow a list; everything else in the address is about how it is shown. */
export const FILTERS = [
    "status", "name", "version", "prefix", "tag", "parent", "range", "from", "to", "updated", "updatedFrom", "updatedTo", "over", "under", "error", "custom",
] as const;
/** Those that the page keeps folded until one is used. */
export const RARE = ["version", "tag", "parent", "updated", "over", "under", "error", "custom"] as const;

const of = (name: string) => params.value.get(name) ?? undefined;

/** What the address asks for, with ranges up to `now`. */
export function asked({ now } = listPlace()): Query {
    const range = params.value.get("range"), updated = params.value.get("updated");
    return {
        runtimeStatus: of("status"), name: of("name"), version: of("version"), instanceIdPrefix: of("prefix"), tag: of("tag"),
        parentInstanceId: of("parent"),
        topLevel: of("children") || of("parent") ? undefined : true,
        entities: false,
        createdTimeFrom: range === "custom" ? of("from") : since(range, now),
        createdTimeTo: range === "custom" ? of("to") : undefined,
        lastUpdatedTimeFrom: updated === "custom" ? of("updatedFrom") : since(updated, now),
        lastUpdatedTimeTo: updated === "custom" ? of("updatedTo") : undefined,
        durationFrom: lengthOf(of("over") ?? ""), durationTo: lengthOf(of("under") ?? ""),
        error: of("error"), customStatus: of("custom"),
    };
}

/** What makes two lists different, as a text. */
export const question = () => [...FILTERS, "children"].map((name) => `${name}=${of(name) ?? ""}`).join("&");
export const isFiltered = () => FILTERS.some((name) => of(name));
/** The address without any filter. */
export const NO_FILTER = Object.fromEntries([...FILTERS, "after"].map((name) => [name, undefined]));

/** A filter as the text that jobs take. */
export function filterText(filter: Query): string {
    return new URLSearchParams(Object.entries(filter).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]))).toString();
}

/** Whether counts and jobs know the filter: how long something took, and what it says of itself, only the search looks at. */
export const isCountable = (filter: Query) =>
    !filter.error && !filter.customStatus && filter.durationFrom === undefined && filter.durationTo === undefined;
