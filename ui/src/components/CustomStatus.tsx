// What an orchestration says of itself, with a bar if it says how far it is.
import type { Json } from "../types";
import { JsonView } from "./JsonView";

/** From 0 to 1, if there is a number called percent or progress, or done of so many. */
export function progress(value: Json): number | undefined {
    if (value === null || typeof value !== "object") return undefined;
    const { percent, progress, done, of } = value as Record<string, unknown>;
    const within = (part: number) => (part >= 0 && part <= 1 ? part : undefined);
    if (typeof percent === "number") return within(percent / 100);
    if (typeof progress === "number") return within(progress > 1 ? progress / 100 : progress);
    return typeof done === "number" && typeof of === "number" && of > 0 ? within(done / of) : undefined;
}

export function CustomStatus({ id, value }: { id: string; value: Json }) {
    if (value === null) return null;
    const part = progress(value);
    return (
        <div class="progress">
            {part !== undefined && <progress value={part} max={1} aria-label={`${Math.round(part * 100)} percent done`} />}
            <JsonView title="Custom status" file={`${id}-custom-status`} value={value} none="None." />
        </div>
    );
}
