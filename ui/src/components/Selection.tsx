// What is marked in the list, and what can be done to all of it.
import { useEffect, useState } from "preact/hooks";
import { Problem, type Query } from "../api";
import { filterText, isCountable } from "../filter";
import { count, plural } from "../format";
import { matchingIds } from "../matching";
import type { BulkAction } from "../types/server";
import { BulkDialog } from "./BulkDialog";
import { toast } from "./Toasts";

interface Props {
    marked: ReadonlySet<string>;
    filter: Query;
    /** How many match, where that is known. */
    total: number | undefined;
    mark: (ids: string[]) => void;
    clear: () => void;
}

/** What somebody who looks at such a list mostly wants to do. */
function likely({ runtimeStatus }: Query): BulkAction {
    return runtimeStatus === "Failed" ? "rewind" : runtimeStatus === "Suspended" ? "resume" : runtimeStatus === "Completed" ? "purge" : "terminate";
}

export function Selection({ marked, filter, total, mark, clear }: Props) {
    /** Not only what is marked but everything that matches, seen or not. */
    const [whole, setWhole] = useState(false);
    const [busy, setBusy] = useState(false);
    const [acting, setActing] = useState(false);
    useEffect(() => setWhole(false), [marked]);
    const markAll = async () => {
        if (isCountable(filter)) return setWhole(true);
        // Such a filter reads every instance, so it is read once, and what is done is done to what was found.
        setBusy(true);
        try {
            const { ids, more } = await matchingIds(filter);
            mark(ids);
            if (more) toast(`More than ${count(ids.length)} match. The first ${count(ids.length)} are selected.`, true);
        } catch (error) {
            toast(error instanceof Problem ? error.message : String(error), true);
        }
        setBusy(false);
    };
    return (
        <div class="selection" role="region" aria-label="Selection">
            <strong role="status">{whole ? `All ${total === undefined ? "that match" : plural(total, "instance")}` : plural(marked.size, "instance")} selected</strong>
            {!whole && total !== marked.size && (
                <button type="button" class="button link" aria-disabled={busy} onClick={() => !busy && void markAll()}>
                    {total === undefined ? "Select all that match" : `Select all ${count(total)} that match`}
                </button>
            )}
            <span class="push" />
            <button type="button" class="button small main" onClick={() => setActing(true)}>Act on them…</button>
            <button type="button" class="button small" onClick={clear}>Clear the selection</button>
            {acting && <BulkDialog targets={whole ? { filter: filterText(filter), total } : { instanceIds: [...marked] }} action={likely(filter)} close={() => setActing(false)} />}
        </div>
    );
}
