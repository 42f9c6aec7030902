// What an orchestration says of itself, with a bar if it says how far it is.
import { payload } from "../api";
import type { Json } from "../types";
import type { Payload } from "../types/instance";
import { parsed } from "./payload/json";
import { PayloadView } from "./payload/PayloadView";

/** From 0 to 1, if there is a number called percent or progress, or done of so many. */
export function progress(value: Json): number | undefined {
    if (value === null || typeof value !== "object") return undefined;
    const { percent, progress, done, of } = value as Record<string, unknown>;
    const within = (part: number) => (part >= 0 && part <= 1 ? part : undefined);
    if (typeof percent === "number") return within(percent / 100);
    if (typeof progress === "number") return within(progress > 1 ? progress / 100 : progress);
    return typeof done === "number" && typeof of === "number" && of > 0 ? within(done / of) : undefined;
}

export function CustomStatus({ id, status }: { id: string; status: Payload | null }) {
    if (status === null) return null;
    const part = status.whole ? progress(parsed(status.text)?.value ?? null) : undefined;
    return (
        <div class="progress">
            {part !== undefined && <div class="row"><progress value={part} max={1} aria-label={`${Math.round(part * 100)} percent done`} /><span class="small number">{Math.round(part * 100)} %</span></div>}
            <PayloadView title="Custom status" file={`${id}-custom-status`} payload={status} none="None." all={() => payload(id, "customStatus")} />
        </div>
    );
}
