// The way through the pages of a list. A place is a token in the address; how one got there is remembered as long as the tab is open.
import { change, page, params } from "../router";
import { Icon } from "./Icon";

const before = new Map<string, string>();
/** Tokens of different lists may be the same. */
const place = (token: string) => `${page.value} ${params.value.get("id") ?? ""} ${token}`;

export function Pager({ next, shown }: { next: string | undefined; shown: string }) {
    const after = params.value.get("after") ?? "";
    if (!after && !next) return <div class="pager muted">{shown}</div>;
    const previous = before.get(place(after));
    const on = (token: string) => {
        before.set(place(token), after);
        change({ after: token });
    };
    return (
        <nav class="pager" aria-label="Pages of the list">
            <span class="muted">{shown}</span><span class="push" />
            <button type="button" class="button small" aria-disabled={!after} onClick={() => after && change({ after: undefined })}>First</button>
            <button type="button" class="button small" aria-disabled={previous === undefined}
                onClick={() => previous !== undefined && change({ after: previous || undefined })}><Icon name="back" size={13} />Previous</button>
            <button type="button" class="button small" aria-disabled={!next} onClick={() => next && on(next)}>Next<Icon name="right" size={13} /></button>
        </nav>
    );
}
