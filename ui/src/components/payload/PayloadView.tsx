// A payload: JSON as a tree or as text, anything else as text, and never as markup. What is large is shown in part, and all of it is a
// download.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pretty } from "../../exact";
import { save } from "../../files";
import { bytes } from "../../format";
import type { Payload } from "../../types/instance";
import { CopyButton } from "../basics";
import { Icon } from "../Icon";
import { toast } from "../Toasts";
import { JsonTree } from "./JsonTree";
import { keyOf, leaf, openAtFirst, parsed, search } from "./json";

/** Larger than that, and not whole, only the beginning is shown. */
const PREVIEW = 16 * 1024;
const LARGEST_SHOWN = 256 * 1024;
const MOST_FOUND = 1000;

interface Props {
    title: string;
    /** What the file is called that a download makes, without its ending. */
    file: string;
    payload: Payload | null;
    /** What stands there if there is none. */
    none: string;
    /** Gets all of it, where `payload` may be a part. */
    all?: () => Promise<Blob>;
    level?: 2 | 3;
}

export function PayloadView({ title, file, payload, none, all, level = 2 }: Props) {
    const Title = level === 2 ? "h2" : "h3";
    if (!payload) return <section class="json" aria-label={title}><header><Title>{title}</Title></header><p class="none">{none}</p></section>;
    return <Shown title={title} file={file} payload={payload} all={all} Title={Title} />;
}

function Shown({ title, file, payload, all, Title }: { title: string; file: string; payload: Payload; all: (() => Promise<Blob>) | undefined; Title: "h2" | "h3" }) {
    const { text } = payload;
    const large = !payload.whole || payload.bytes > LARGEST_SHOWN;
    // A part of a JSON text is no JSON.
    const json = useMemo(() => (large ? undefined : parsed(text)), [text, large]);
    const isTree = json !== undefined && leaf(json.value) === undefined;
    const [raw, setRaw] = useState(false), [wrap, setWrap] = useState(true), [asked, setAsked] = useState("");
    const [changed, setChanged] = useState<ReadonlyMap<string, boolean>>(new Map());
    const [place, setPlace] = useState(0);
    const own = useRef<HTMLElement>(null);
    const found = useMemo(() => (isTree && asked ? search(json.value, asked, MOST_FOUND) : []), [json, isTree, asked]);
    const current = found[Math.min(place, found.length - 1)];
    const atFirst = useMemo(() => (isTree ? openAtFirst(json.value) : new Set<string>()), [json, isTree]);
    const open = new Set(atFirst);
    for (const [key, isOpen] of changed) if (isOpen) open.add(key); else open.delete(key);
    // The way to what was found is open.
    if (current) for (let depth = 0; depth < current.length; depth++) open.add(keyOf(current.slice(0, depth)));
    const currentKey = current && keyOf(current);
    useEffect(() => {
        if (currentKey === undefined) return;
        own.current?.querySelector(".lit.now")?.scrollIntoView({ block: "nearest" });
    }, [currentKey]);
    const download = async () => {
        try {
            save(all ? await all() : text, `${file}.${json || text.trimStart().match(/^[[{]/) ? "json" : "txt"}`);
        } catch (error) {
            toast(`The download did not work: ${error instanceof Error ? error.message : String(error)}`, true);
        }
    };
    const shown = large ? text.slice(0, PREVIEW) : text;
    return (
        <section ref={own} class="json" aria-label={title}>
            <header>
                <Title>{title}</Title><span class="muted small">{json || large ? "" : "text, "}{bytes(payload.bytes)}</span>
                <span class="push" />
                {isTree && !raw && (
                    <label class="jsearch"><span class="hidden">Search in {title}</span>
                        <input type="search" value={asked} placeholder="Search" spellcheck={false} onInput={(event) => { setAsked(event.currentTarget.value); setPlace(0); }}
                            onKeyDown={(event) => { if (event.key === "Enter" && found.length > 0) setPlace((place + (event.shiftKey ? found.length - 1 : 1)) % found.length); }} />
                        {asked && <span class="muted small" role="status">{found.length === 0 ? "none" : `${Math.min(place, found.length - 1) + 1} of ${found.length}${found.length === MOST_FOUND ? "+" : ""}`}</span>}
                    </label>
                )}
                {json && <button type="button" class="button plain small" aria-pressed={raw} aria-label={`Raw text of ${title}`} title="As it was sent" onClick={() => setRaw(!raw)}>Raw</button>}
                <button type="button" class="button plain small icon" aria-pressed={wrap} aria-label={`Wrap lines of ${title}`} title="Wrap lines" onClick={() => setWrap(!wrap)}><Icon name="wrap" size={15} /></button>
                <CopyButton text={() => (json && !raw ? pretty(json.value) : text)} what={payload.whole ? title : `the first ${bytes(text.length)} of ${title}`} />
                <button type="button" class="button plain small icon" aria-label={`Download ${title}`} title={`Download ${title}`} onClick={() => void download()}><Icon name="download" size={15} /></button>
            </header>
            {large && <p class="cut">Only the beginning of {bytes(payload.bytes)} is shown. The download gives all of it.</p>}
            {isTree && !raw
                ? <div class="jbox" tabIndex={0} role="group" aria-label={`${title} as a tree`}>
                    <JsonTree value={json.value} open={open} found={new Set(found.map(keyOf))} current={currentKey} wrap={wrap}
                        toggle={(key) => setChanged(new Map(changed).set(key, !open.has(key)))} />
                </div>
                : <pre class={wrap ? "wrap" : undefined} tabIndex={0}>{json && !raw ? <Word value={json.value} /> : shown}</pre>}
        </section>
    );
}

/** JSON that is a single word, number or text. A text is shown as it reads. */
function Word({ value }: { value: unknown }) {
    if (typeof value === "string") return <span class="j-text">{JSON.stringify(value)}</span>;
    const own = leaf(value);
    return <span class={`j-${own?.kind ?? "word"}`}>{own?.text ?? pretty(value)}</span>;
}
