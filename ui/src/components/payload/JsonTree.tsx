// JSON as a tree whose branches open and close. Long lists are shown by the hundred.
import { useState } from "preact/hooks";
import { entries, keyOf, leaf, short, type Path } from "./json";
import { Icon } from "../Icon";

const PORTION = 100;

interface Props {
    value: unknown;
    open: ReadonlySet<string>;
    toggle: (key: string) => void;
    /** The places that a search has found, and the one that is looked at. */
    found: ReadonlySet<string>;
    current: string | undefined;
    wrap: boolean;
}

export function JsonTree(props: Props) {
    return <ul class={props.wrap ? "jtree wrap" : "jtree"}><Node {...props} path={[]} /></ul>;
}

function Node({ path, ...props }: Props & { path: Path }) {
    const { value, open, toggle, found, current } = props;
    const [portions, setPortions] = useState(1);
    const key = keyOf(path), name = path.at(-1), own = leaf(value);
    const lit = key === current ? "lit now" : found.has(key) ? "lit" : undefined;
    const label = name === undefined ? null : <><span class={typeof name === "number" ? "muted" : "j-key"}>{typeof name === "number" ? name : JSON.stringify(name)}</span>: </>;
    if (own) return <li data-found={lit && key}><span class={lit}>{label}<span class={`j-${own.kind}`}>{own.text}</span></span></li>;
    const below = entries(value);
    if (below.length === 0) return <li data-found={lit && key}><span class={lit}>{label}{short(value)}</span></li>;
    const isOpen = open.has(key), shown = below.slice(0, portions * PORTION);
    // What is found further down is shown, too.
    const later = isOpen ? below.slice(portions * PORTION).filter(([key]) => current?.startsWith(keyOf([...path, key]).slice(0, -1))) : [];
    return (
        <li data-found={lit && key}>
            <button type="button" class="branch" aria-expanded={isOpen} onClick={() => toggle(key)}>
                <Icon name={isOpen ? "down" : "right"} size={12} /><span class={lit}>{label}<span class="muted">{short(value)}</span></span>
            </button>
            {isOpen && (
                <ul>
                    {[...shown, ...later].map(([inner, one]) => <Node key={String(inner)} {...props} value={one} path={[...path, inner]} />)}
                    {shown.length < below.length && (
                        <li><button type="button" class="button link small" onClick={() => setPortions(portions + 1)}>Show {Math.min(PORTION, below.length - shown.length)} more of {below.length - shown.length}</button></li>
                    )}
                </ul>
            )}
        </li>
    );
}
