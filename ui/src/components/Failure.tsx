// Why something failed, with what lies beneath.
import { pretty } from "../exact";
import type { FailureInfo } from "../types/instance";
import { CopyButton } from "./basics";

/** All of it as text, for a colleague. */
function asText(failure: FailureInfo): string {
    const own = `${failure.errorType}: ${failure.message}${failure.stackTrace ? `\n${failure.stackTrace}` : ""}`;
    return failure.innerFailure ? `${own}\nCaused by ${asText(failure.innerFailure)}` : own;
}

function One({ failure }: { failure: FailureInfo }) {
    return (
        <>
            <p><strong>{failure.errorType || "Error"}</strong>{failure.isNonRetriable && <span class="muted small"> · not retriable</span>}</p>
            <p class="message">{failure.message}</p>
            {failure.stackTrace && <details><summary>Stack trace</summary><pre tabIndex={0}>{failure.stackTrace}</pre></details>}
            {failure.properties && <details><summary>Properties</summary><pre tabIndex={0}>{pretty(failure.properties)}</pre></details>}
            {failure.innerFailure && (
                <div class="inner"><h3>Caused by</h3><One failure={failure.innerFailure} /></div>
            )}
        </>
    );
}

/** Of an instance. Without details there is only `text`. */
export function FailureBanner({ failure, text }: { failure: FailureInfo | null; text: string }) {
    return (
        <section class="card failure" aria-label="Failure">
            <header><h2>It failed</h2><span class="push" /><CopyButton text={() => (failure ? asText(failure) : text)} what="the failure" /></header>
            <div class="inside">{failure ? <One failure={failure} /> : <p class="message">{text}</p>}</div>
        </section>
    );
}

/** Of an event. */
export function FailureDetails({ failure }: { failure: FailureInfo }) {
    return <div class="failure"><div class="inside"><One failure={failure} /></div></div>;
}
