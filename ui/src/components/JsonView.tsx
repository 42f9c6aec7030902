// A payload, as text and never as markup: JSON in colours, anything else as it is. What is large is shown in part.
import { useMemo, useState } from "preact/hooks";
import { pretty } from "../exact";
import { save } from "../files";
import { bytes } from "../format";
import type { Json } from "../types";
import { CopyButton } from "./basics";
import { Icon } from "./Icon";

const LARGEST_SHOWN = 256 * 1024;
const PREVIEW = 16 * 1024;
/** Above this, colours cost more than they help. */
const LARGEST_COLOURED = 48 * 1024;

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function coloured(text: string) {
    const parts = [];
    let end = 0;
    for (const found of text.matchAll(TOKENS)) {
        const [all, quoted, colon, number] = found;
        if (found.index > end) parts.push(text.slice(end, found.index));
        const kind = quoted ? (colon ? "key" : "text") : number ? "number" : "word";
        parts.push(<span class={`j-${kind}`}>{quoted ?? all}</span>);
        if (colon) parts.push(colon);
        end = found.index + all.length;
    }
    parts.push(text.slice(end));
    return parts;
}

interface Props {
    title: string;
    /** What the file is called that a download makes, without its ending. */
    file: string;
    value: Json;
    /** What stands there if there is none. */
    none: string;
}

export function JsonView({ title, file, value, none }: Props) {
    const [wrap, setWrap] = useState(true);
    const { text, isText } = useMemo(() => shown(value), [value]);
    if (value === null || value === undefined) {
        return <section class="json" aria-label={title}><header><h2>{title}</h2></header><p class="none">{none}</p></section>;
    }
    const large = text.length > LARGEST_SHOWN;
    const part = large ? text.slice(0, PREVIEW) : text;
    return (
        <section class="json" aria-label={title}>
            <header>
                <h2>{title}</h2><span class="muted small">{isText ? "text, " : ""}{bytes(text.length)}</span>
                <span class="push" />
                <button type="button" class="button plain small icon" aria-pressed={wrap} aria-label={`Wrap lines of ${title}`} title="Wrap lines"
                    onClick={() => setWrap(!wrap)}><Icon name="wrap" size={15} /></button>
                <CopyButton text={() => text} what={title} />
                <button type="button" class="button plain small icon" aria-label={`Download ${title}`} title={`Download ${title}`}
                    onClick={() => save(text, `${file}.${isText ? "txt" : "json"}`)}><Icon name="download" size={15} /></button>
            </header>
            {large && <p class="cut">Only the first {bytes(PREVIEW)} of {bytes(text.length)} are shown. Copy and download give all of it.</p>}
            <pre class={wrap ? "wrap" : undefined} tabIndex={0}>{isText || part.length > LARGEST_COLOURED ? part : coloured(part)}</pre>
        </section>
    );
}

function shown(value: Json): { text: string; isText: boolean } {
    return typeof value === "string" ? { text: value, isText: true } : { text: pretty(value), isText: false };
}
