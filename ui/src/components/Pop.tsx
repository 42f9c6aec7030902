// What unfolds below a button and goes away by Escape, or by doing something elsewhere.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

export function Pop({ icon, label, children }: { icon: IconName; label: string; children: ComponentChildren }) {
    const own = useRef<HTMLDetailsElement>(null);
    useEffect(() => {
        const onPointer = (event: PointerEvent) => {
            if (own.current?.open && !own.current.contains(event.target as Node)) own.current.open = false;
        };
        addEventListener("pointerdown", onPointer);
        return () => removeEventListener("pointerdown", onPointer);
    }, []);
    const onKey = (event: KeyboardEvent) => {
        if (event.key !== "Escape" || !own.current?.open) return;
        event.stopPropagation();
        own.current.open = false;
        own.current.querySelector("summary")?.focus();
    };
    return (
        <details ref={own} class="pop" onKeyDown={onKey}>
            <summary class="button"><Icon name={icon} />{label}</summary>
            <div class="menu">{children}</div>
        </details>
    );
}
