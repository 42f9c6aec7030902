// Why an instance failed, with what lies beneath.
import type { Failure } from "../types";
import { CopyButton } from "./basics";

/** All of it as text, for a colleague. */
function asText(failure: Failure): string {
    const own = `${failure.ErrorType}: ${failure.ErrorMessage}${failure.StackTrace ? `\n${failure.StackTrace}` : ""}`;
    return failure.InnerFailure ? `${own}\nCaused by ${asText(failure.InnerFailure)}` : own;
}

function One({ failure }: { failure: Failure }) {
    return (
        <>
            <p><strong>{failure.ErrorType || "Error"}</strong>{failure.IsNonRetriable && <span class="muted small"> · not retriable</span>}</p>
            <p class="message">{failure.ErrorMessage}</p>
            {failure.StackTrace && <details><summary>Stack trace</summary><pre tabIndex={0}>{failure.StackTrace}</pre></details>}
            {failure.InnerFailure && (
                <div class="inner"><h3>Caused by</h3><One failure={failure.InnerFailure} /></div>
            )}
        </>
    );
}

/** `text` is what the status says, until the details are there, or if there are none. */
export function FailureBanner({ failure, text }: { failure: Failure | undefined; text: string }) {
    return (
        <section class="card failure" aria-label="Failure">
            <header><h2>It failed</h2><span class="push" /><CopyButton text={() => (failure ? asText(failure) : text)} what="the failure" /></header>
            <div class="inside">{failure ? <One failure={failure} /> : <p class="message">{text}</p>}</div>
        </section>
    );
}
/** The same in a row of the history. */
export function FailureDetails({ failure }: { failure: Failure }) {
    return <div class="failure"><div class="inside"><One failure={failure} /></div></div>;
}
