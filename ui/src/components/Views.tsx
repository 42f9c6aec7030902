// Lists with a name, kept in this browser. A view is its address: opening one is following a link.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { href, params } from "../router";
import { Icon } from "./Icon";
import { Pop } from "./Pop";

interface View {
    name: string;
    /** What stands in the address, without hub, place and selection. */
    query: string;
}

const STORED = "durahub.views", MOST = 50, LONGEST_NAME = 80;
const OWN = ["hub", "after", "selected"];
/** Offered to everybody. */
const BUILT_IN: View[] = [
    { name: "In flight", query: "status=Running,Pending,Suspended,ContinuedAsNew" },
    { name: "Failed in the last 24 hours", query: "status=Failed&updated=24h&order=lastUpdatedTime+desc&columns=status,id,name,updated,duration,error&children=1" },
    { name: "Took longest", query: "order=duration+desc" },
];

function stored(): View[] {
    try {
        const found: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
        return Array.isArray(found) ? found.filter((one): one is View => typeof one?.name === "string" && typeof one.query === "string").slice(0, MOST) : [];
    } catch {
        return [];
    }
}

const views = signal<View[]>(stored());

function keep(next: View[]) {
    views.value = next;
    localStorage.setItem(STORED, JSON.stringify(next));
}

function current(): string {
    const search = new URLSearchParams(params.value);
    for (const own of OWN) search.delete(own);
    search.sort();
    return search.toString();
}

const sameAs = (query: string) => {
    const search = new URLSearchParams(query);
    search.sort();
    return search.toString();
};

export function Views() {
    const [name, setName] = useState("");
    const shown = current();
    const save = (event: Event) => {
        event.preventDefault();
        const wanted = name.trim();
        if (!wanted || views.value.length >= MOST) return;
        keep([...views.value.filter((view) => view.name !== wanted), { name: wanted, query: shown }].sort((a, b) => a.name.localeCompare(b.name)));
        setName("");
    };
    const item = (view: View) => {
        const target = href("instances", Object.fromEntries(new URLSearchParams(view.query)));
        return <a class="ellipsis" href={target} title={view.name} aria-current={sameAs(view.query) === shown ? "true" : undefined}>{view.name}</a>;
    };
    return (
        <Pop icon="star" label="Views">
            <ul class="choices" aria-label="Views">
                {BUILT_IN.map((view) => <li key={view.name}>{item(view)}</li>)}
                {views.value.map((view) => (
                    <li key={`own ${view.name}`}>
                        {item(view)}
                        <button type="button" class="button plain small icon" aria-label={`Delete the view ${view.name}`} title="Delete this view"
                            onClick={() => keep(views.value.filter((one) => one !== view))}><Icon name="trash" size={13} /></button>
                    </li>
                ))}
            </ul>
            <form onSubmit={save}>
                <label for="view-name" class="small">Keep this list as</label>
                <div class="row">
                    <input id="view-name" value={name} maxLength={LONGEST_NAME} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
                    <button type="submit" class="button" aria-disabled={!name.trim() || views.value.length >= MOST}>Save</button>
                </div>
                {views.value.length >= MOST && <p class="hint small">There are {MOST}; delete one first.</p>}
            </form>
        </Pop>
    );
}
