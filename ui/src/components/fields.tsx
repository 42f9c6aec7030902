// Fields of forms, with their labels, hints and mistakes.
import { useId } from "preact/hooks";
import { whyNotJson } from "../exact";

interface TextProps {
    label: string;
    value: string;
    set: (value: string) => void;
    hint?: string;
    wrong?: string | undefined;
    placeholder?: string;
    suggestions?: string[];
    required?: boolean;
    focus?: boolean;
}

export function TextField({ label, value, set, hint, wrong, placeholder, suggestions, required, focus }: TextProps) {
    const id = useId();
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <input id={id} value={value} placeholder={placeholder} required={required} autoFocus={focus} spellcheck={false} autocomplete="off"
                list={suggestions && `${id}-list`} aria-invalid={wrong !== undefined} aria-describedby={`${id}-hint`}
                onInput={(event) => set(event.currentTarget.value)} />
            {suggestions && <datalist id={`${id}-list`}>{suggestions.map((one) => <option key={one} value={one} />)}</datalist>}
            <span id={`${id}-hint`} class={wrong ? "wrong" : "hint"}>{wrong ?? hint}</span>
        </div>
    );
}

/** What somebody typed as a payload: JSON, or plain text that is to become a JSON string. */
export interface Payload {
    text: string;
    plain: boolean;
}

export const noPayload: Payload = { text: "", plain: false };
export const payloadJson = ({ text, plain }: Payload) => (plain ? JSON.stringify(text) : text);
export const payloadWrong = ({ text, plain }: Payload) => (plain ? undefined : whyNotJson(text));

interface PayloadProps {
    label: string;
    value: Payload;
    set: (value: Payload) => void;
    rows?: number;
    hint: string;
}

export function PayloadField({ label, value, set, rows = 6, hint }: PayloadProps) {
    const id = useId();
    const wrong = payloadWrong(value);
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <textarea id={id} rows={rows} value={value.text} spellcheck={false} aria-invalid={wrong !== undefined} aria-describedby={`${id}-hint`}
                onInput={(event) => set({ ...value, text: event.currentTarget.value })} />
            <span id={`${id}-hint`} class={wrong ? "wrong" : "hint"}>{wrong ? `Not JSON: ${wrong}` : hint}</span>
            <label class="check">
                <input type="checkbox" checked={value.plain} onChange={(event) => set({ ...value, plain: event.currentTarget.checked })} />
                Send it as plain text (a JSON string)
            </label>
        </div>
    );
}

interface SelectProps {
    label: string;
    value: string;
    set: (value: string) => void;
    options: readonly (readonly [value: string, label: string])[];
}

export function SelectField({ label, value, set, options }: SelectProps) {
    const id = useId();
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <select id={id} value={value} onChange={(event) => set(event.currentTarget.value)}>
                {options.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
            </select>
        </div>
    );
}
