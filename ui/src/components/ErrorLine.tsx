import type { Row } from "../types/lists";

/** Why it failed, in one line. */
export function ErrorLine({ failure }: { failure: Row["failure"] }) {
    if (!failure) return null;
    const { errorType, message } = failure;
    return <span class="line ellipsis" title={`${errorType}: ${message}`}>{errorType && <strong>{errorType} </strong>}{message}</span>;
}
