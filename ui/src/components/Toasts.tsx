// Short news at the edge of the page, also read aloud.
import { signal } from "@preact/signals";
import { Icon } from "./Icon";

interface Toast {
    number: number;
    text: string;
    bad: boolean;
}

const toasts = signal<Toast[]>([]);
let last = 0;

export function toast(text: string, bad = false): void {
    const number = ++last;
    toasts.value = [...toasts.value.slice(-3), { number, text, bad }];
    setTimeout(() => close(number), bad ? 10_000 : 4_000);
}

function close(number: number): void {
    toasts.value = toasts.value.filter((toast) => toast.number !== number);
}

export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {toasts.value.map(({ number, text, bad }) => (
                <div key={number} class={bad ? "toast bad" : "toast"}>
                    <Icon name={bad ? "alert" : "check"} /><span>{text}</span>
                    <button type="button" class="button plain small icon push" aria-label="Close this message" onClick={() => close(number)}>
                        <Icon name="cross" size={14} />
                    </button>
                </div>
            ))}
        </div>
    );
}
