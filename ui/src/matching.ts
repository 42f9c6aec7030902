// The ids of a whole list.
import { search, type Query } from "./api";
import type { Row } from "./types/lists";

const MOST = 5_000, PAGE = 500;

/** The ids of what matches, at most so many, and whether there are more. `isMeant` chooses among what the server finds. */
export async function matchingIds(filter: Query, isMeant: (row: Row) => boolean = () => true): Promise<{ ids: string[]; more: boolean }> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
        const page = await search({ ...filter, top: PAGE }, after);
        ids.push(...page.rows.filter(isMeant).map((row) => row.instanceId));
        after = page.next;
    } while (after !== undefined && ids.length < MOST);
    return { ids, more: after !== undefined };
}
