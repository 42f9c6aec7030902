// The ids of a whole list.
import { search, type Query } from "./api";

const MOST = 5_000, PAGE = 500;

/** The ids of what matches, at most so many, and whether there are more. */
export async function matchingIds(filter: Query): Promise<{ ids: string[]; more: boolean }> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
        const page = await search({ ...filter, top: PAGE }, after);
        ids.push(...page.rows.map((row) => row.instanceId));
        after = page.next;
    } while (after !== undefined && ids.length < MOST);
    return { ids, more: after !== undefined };
}
