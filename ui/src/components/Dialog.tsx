// A modal question. The browser keeps the focus inside, closes on Escape, and gives the focus back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Problem } from "../api";

interface Props {
    title: string;
    /** The word on the button that does it. */
    verb: string;
    danger?: boolean;
    /** Why it cannot be sent yet. */
    blocked?: boolean;
    close: () => void;
    /** Does it; throws a `Problem` if the server refuses. */
    act: () => Promise<void>;
    children?: ComponentChildren;
}

export function Dialog({ title, verb, danger, blocked, close, act, children }: Props) {
    const own = useRef<HTMLDialogElement>(null);
    const label = useId();
    const [busy, setBusy] = useState(false);
    const [refusal, setRefusal] = useState<string>();
    useEffect(() => {
        const opener = document.activeElement;
        own.current?.showModal();
        return () => {
            if (opener instanceof HTMLElement) opener.focus();
        };
    }, []);
    const submit = async (event: Event) => {
        event.preventDefault();
        if (blocked || busy) return;
        setBusy(true);
        setRefusal(undefined);
        try {
            await act();
            close();
        } catch (error) {
            setRefusal(error instanceof Problem ? error.message : String(error));
            setBusy(false);
        }
    };
    return (
        <dialog ref={own} aria-labelledby={label} onClose={close}>
            <form onSubmit={submit}>
                <h2 id={label}>{title}</h2>
                {children}
                {refusal && <p class="note bad" role="alert">{refusal}</p>}
                <footer>
                    <button type="button" class="button" onClick={() => own.current?.close()}>Cancel</button>
                    <button type="submit" class={danger ? "button main danger" : "button main"} aria-disabled={blocked || busy}>{verb}</button>
                </footer>
            </form>
        </dialog>
    );
}
