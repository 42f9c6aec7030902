// A text in the address that a list is filtered by. What is typed goes there after a pause, or when somebody leaves the field; what the
// address says later goes here, but never over what somebody is typing.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { change, params } from "../router";

const PAUSE_MS = 350;

interface Props {
    label: string;
    name: string;
    placeholder: string;
    /** Why what is typed makes no filter; then the address stays as it is. */
    whyNot?: (text: string) => string | undefined;
}

export function FilterText({ label, name, placeholder, whyNot }: Props) {
    const id = useId();
    const own = useRef<HTMLInputElement>(null);
    const told = params.value.get(name) ?? "";
    const [typed, setTyped] = useState(told);
    const timer = useRef<ReturnType<typeof setTimeout>>();
    useEffect(() => {
        if (document.activeElement !== own.current) setTyped(told);
    }, [told]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const apply = (value: string) => {
        clearTimeout(timer.current);
        if (whyNot?.(value)) return;
        if (value.trim() !== (params.value.get(name) ?? "")) change({ [name]: value.trim(), after: undefined }, true);
    };
    const wrong = whyNot?.(typed);
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <input ref={own} id={id} value={typed} placeholder={placeholder} spellcheck={false} autocomplete="off" aria-invalid={wrong !== undefined}
                aria-describedby={wrong && `${id}-wrong`}
                onInput={(event) => {
                    const value = event.currentTarget.value;
                    setTyped(value);
                    clearTimeout(timer.current);
                    timer.current = setTimeout(() => apply(value), PAUSE_MS);
                }}
                onBlur={(event) => apply(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && apply(event.currentTarget.value)} />
            {wrong && <span id={`${id}-wrong`} class="wrong">{wrong}</span>}
        </div>
    );
}
