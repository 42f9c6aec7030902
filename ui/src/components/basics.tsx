// Small things that every page uses.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Problem } from "../api";
import { duration, moment, millis, zoneName } from "../format";
import { now, today } from "../live";
import { instanceHref } from "../router";
import { LOOKS } from "../status";
import type { Status } from "../types";
import { Icon, type IconName } from "./Icon";
import { toast } from "./Toasts";

/** A status as icon and word, never as colour alone. */
export function Badge({ status }: { status: Status }) {
    const { icon, label } = LOOKS[status];
    return <span class={`badge tone-${status}`}><Icon name={icon} size={13} />{label}</span>;
}

/** A time in the chosen zone; all its digits and the zone are in the tip. */
export function Time({ at }: { at: string }) {
    const whole = moment(at);
    return <time dateTime={at} title={`${at} (shown in ${zoneName()})`}>{whole.startsWith(today.value) ? whole.slice(11) : whole}</time>;
}

/** How long something took, in the whole seconds that its times have; without an end it grows with the clock. */
export function Elapsed({ from, to }: { from: string; to?: string | undefined }) {
    const length = (to === undefined ? now.value : millis(to)) - millis(from);
    return <span class="number">{length < 1000 ? "< 1 s" : duration(Math.floor(length / 1000) * 1000)}</span>;
}

export function IdLink({ id }: { id: string }) {
    return <a class="id ellipsis" href={instanceHref(id)} title={id}>{id}</a>;
}

export function CopyButton({ text, what }: { text: () => string; what: string }) {
    const [done, setDone] = useState(false);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text());
            setDone(true);
            setTimeout(() => setDone(false), 1500);
        } catch {
            toast("This browser does not let the page copy. Select the text instead.", true);
        }
    };
    return (
        <button type="button" class="button plain small icon" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
            <Icon name={done ? "check" : "copy"} size={15} />
        </button>
    );
}

/** What stands in place of a list, or of a whole `page`, that has nothing to show. */
export function State({ icon, title, bad, page, children }: { icon: IconName; title: string; bad?: boolean; page?: boolean; children?: ComponentChildren }) {
    const Title = page ? "h1" : "strong";
    return <div class={bad ? "state bad" : "state"} role={bad ? "alert" : undefined}><Icon name={icon} /><Title>{title}</Title>{children}</div>;
}

export function Loading({ what }: { what: string }) {
    return <div class="state" role="status"><Icon name="running" spin /><span>Loading {what}</span></div>;
}

/** A refusal in the server's own words. */
export function Refused({ problem, again }: { problem: Problem; again: () => void }) {
    const title = problem.status === 403 ? "Not permitted" : problem.status === 0 ? "No connection" : "This did not work";
    return (
        <State icon={problem.status === 403 ? "lock" : "alert"} title={title} bad>
            <p>{problem.message}</p>
            {problem.requestId && <p class="small">Request <code>{problem.requestId}</code> in the server's log</p>}
            <div class="row"><button type="button" class="button" onClick={again}>Try again</button></div>
        </State>
    );
}

/** A word of code to type, with a button that copies it. */
export function Snippet({ text, what }: { text: string; what: string }) {
    return <div class="snippet"><pre tabIndex={0}>{text}</pre><CopyButton text={() => text} what={what} /></div>;
}

export function Tip({ children }: { children: ComponentChildren }) {
    return <span class="muted small">{children}</span>;
}
