// Who called whom and in what order, as a picture.
import { useMemo, useRef } from "preact/hooks";
import { useEvents } from "../events";
import { save } from "../files";
import { duration, plural } from "../format";
import { go, instanceHref } from "../router";
import { mermaid } from "../sequence/mermaid";
import { sequence, type Lifeline, type Message, type Sequence as Diagram } from "../sequence/messages";
import type { InstanceDetails } from "../types/instance";
import { CopyButton, Loading, Refused, State } from "./basics";
import { Icon } from "./Icon";

const COLUMN = 170;
const LINE = 34;
const HEAD = 54;
const LABEL = 24;

export function Sequence({ instance }: { instance: InstanceDetails }) {
    const { data, problem, again } = useEvents(instance);
    const picture = useRef<SVGSVGElement>(null);
    const diagram = useMemo(() => data && sequence(data.events, instance.name), [data, instance.name]);
    if (!diagram) return <section class="card">{problem ? <Refused problem={problem} again={again} /> : <Loading what="the diagram" />}</section>;
    if (diagram.messages.length === 0) {
        return <section class="card"><State icon="pending" title="Nothing has happened yet"><p>The diagram begins when a worker takes the instance.</p></State></section>;
    }
    return (
        <section class="card sequence" aria-label="Sequence diagram">
            <header>
                <h2>Sequence</h2><span class="muted small">{plural(diagram.messages.length, "message")}</span><span class="push" />
                <span class="row small"><CopyButton text={() => mermaid(diagram)} what="the diagram as Mermaid text" />Mermaid</span>
                <button type="button" class="button small" onClick={() => picture.current && save(svg(picture.current), `${instance.instanceId}-sequence.svg`, "image/svg+xml")}><Icon name="download" size={13} />Save SVG</button>
            </header>
            {(diagram.left > 0 || diagram.folded > 0) && (
                <p class="note inside-note small row"><Icon name="info" size={14} />
                    {diagram.folded > 0 && `${plural(diagram.folded, "call")} that are alike are drawn together. `}
                    {diagram.left > 0 && `${plural(diagram.left, "later message")} ${diagram.left === 1 ? "is" : "are"} not drawn: a picture of more than 200 tells little. The history has all of them.`}
                </p>
            )}
            <div class="scroll" tabIndex={0} role="group" aria-label="The diagram"><Picture diagram={diagram} id={instance.instanceId} own={picture} /></div>
        </section>
    );
}

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const middle = ({ id }: Lifeline | { id: number }) => id * COLUMN + COLUMN / 2;

function Picture({ diagram: { lifelines, messages }, id, own }: { diagram: Diagram; id: string; own: preact.RefObject<SVGSVGElement> }) {
    const width = lifelines.length * COLUMN + 110, high = HEAD + messages.length * LINE + 20, begin = messages[0]!.time;
    return (
        <svg ref={own} width={width} height={high} viewBox={`0 0 ${width} ${high}`} role="img" aria-label={`${lifelines.length} lifelines and ${messages.length} messages; the history has the same as a table`}>
            <rect x={0} y={0} width={width} height={high} class="sq-back" />
            {lifelines.map((lifeline) => (
                <g key={lifeline.id}>
                    <line x1={middle(lifeline)} x2={middle(lifeline)} y1={HEAD - 14} y2={high - 8} class="sq-life" />
                    <rect x={middle(lifeline) - COLUMN / 2 + 8} y={10} width={COLUMN - 16} height={30} rx={5} class={`sq-head ${lifeline.what}`} />
                    <text x={middle(lifeline)} y={30} text-anchor="middle" class="sq-name"><title>{lifeline.name}</title>{cut(lifeline.name, 21)}</text>
                </g>
            ))}
            {messages.map((message, number) => <Arrow key={number} message={message} y={HEAD + number * LINE + LABEL} id={id} begin={begin} />)}
        </svg>
    );
}

function Arrow({ message: { from, to, text, time, answer, failed, event }, y, id, begin }: { message: Message; y: number; id: string; begin: number }) {
    const a = middle({ id: from }), b = middle({ id: to }), way = b > a ? 1 : -1;
    const line = failed ? "sq-line failed" : answer ? "sq-line answer" : "sq-line";
    const most = Math.max(20, Math.floor((Math.abs(b - a) - 12) / 6.2));
    return (
        <g>
            <line x1={a} x2={b - way * 6} y1={y} y2={y} class={line} />
            <path d={`M${b - way * 7} ${y - 4} L${b} ${y} L${b - way * 7} ${y + 4} z`} class={failed ? "sq-tip failed" : "sq-tip"} />
            <text x={(a + b) / 2} y={y - 6} text-anchor="middle" class={failed ? "sq-text failed" : "sq-text"} onClick={() => go(instanceHref(id, { tab: "history", event: String(event) }))}>
                <title>{text}</title>{cut(text, most)}
            </text>
            <text x={Math.max(a, b) + 8} y={y + 4} class="sq-time">+{duration(time - begin)}</text>
        </g>
    );
}

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight"] as const;

/** The picture as a text, with its colours in itself. */
function svg(picture: SVGSVGElement): string {
    const copy = picture.cloneNode(true) as SVGSVGElement;
    const from = picture.querySelectorAll("*"), to = copy.querySelectorAll("*");
    from.forEach((one, place) => {
        const seen = getComputedStyle(one), other = to[place]!;
        other.removeAttribute("class");
        if (["rect", "line", "path", "text"].includes(one.tagName)) for (const name of KEPT) other.setAttribute(name, seen.getPropertyValue(name));
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return new XMLSerializer().serializeToString(copy);
}
