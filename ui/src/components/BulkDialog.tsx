// The question before an action on many instances. It says how many first; above a hundred it wants the number typed.
import { useState } from "preact/hooks";
import { startJob } from "../api";
import { forbidden } from "../caller";
import { count, plural } from "../format";
import { go, href } from "../router";
import { BULK_ACTIONS, type BulkAction, type Job, type NewJob } from "../types/server";
import { Dialog } from "./Dialog";
import { noPayload, PayloadField, payloadJson, payloadWrong, SelectField, TextField } from "./fields";
import { toast } from "./Toasts";

/** Which instances: these, or all that match a filter. */
export type BulkTargets =
    | { instanceIds: string[] }
    /** `filter`: the parameters of `GET /api/v1/counts` as a query string, without `taskHub`; `total`: how many match now, if that is known. */
    | { filter: string; total: number | undefined };

export interface BulkDialogProps {
    targets: BulkTargets;
    /** The action that is chosen when it opens. */
    action?: BulkAction;
    /** Called in any case when the dialog is done. */
    close: () => void;
    /** Called with the job once the server has it; without it the page goes to the job. */
    started?: (job: Job) => void;
}

/** From here on the number has to be typed. */
const TYPED_ABOVE = 100;

export const BULK_WORDS: Record<BulkAction, { verb: string; applies: string }> = {
    terminate: { verb: "Terminate", applies: "Ends what has not ended. The reason becomes the output." },
    suspend: { verb: "Suspend", applies: "Pauses what runs or waits. Events are kept." },
    resume: { verb: "Resume", applies: "Lets what is suspended go on." },
    rewind: { verb: "Rewind", applies: "Lets what has failed go on from before its failures." },
    restart: { verb: "Restart", applies: "Runs what has ended again from its beginning." },
    raiseEvent: { verb: "Raise event", applies: "Sends one event to each that has not ended. If the server crashes on the way, a few may get it twice." },
    purge: { verb: "Purge", applies: "Removes what has ended, with its history. This cannot be undone." },
};

const WITH_REASON: BulkAction[] = ["terminate", "suspend", "resume", "rewind"];

export function BulkDialog({ targets, action: preset = "terminate", close, started }: BulkDialogProps) {
    const [action, setAction] = useState<BulkAction>(preset);
    const [reason, setReason] = useState("");
    const [event, setEvent] = useState("");
    const [data, setData] = useState(noPayload);
    const [recursive, setRecursive] = useState(false);
    const [sameId, setSameId] = useState(false);
    const [typed, setTyped] = useState("");

    const byFilter = "filter" in targets;
    const many = byFilter ? targets.total : new Set(targets.instanceIds).size;
    const { verb, applies } = BULK_WORDS[action];
    const mustType = many === undefined ? "all" : many > TYPED_ABOVE ? String(many) : undefined;
    const isTyped = mustType === undefined || typed.replace(/[\s,.']/g, "") === mustType;
    const why = forbidden(action === "purge" && byFilter ? "purgeMany" : action);
    const blocked = why !== undefined || many === 0 || !isTyped || (action === "raiseEvent" && (!event.trim() || payloadWrong(data) !== undefined));

    const act = async () => {
        const asked: NewJob = { action, ...(byFilter ? { filter: targets.filter } : { instanceIds: targets.instanceIds }) };
        if (WITH_REASON.includes(action) && reason) asked.reason = reason;
        if (action === "terminate" || action === "purge") asked.recursive = recursive;
        if (action === "restart") asked.restartWithNewInstanceId = !sameId;
        if (action === "raiseEvent") Object.assign(asked, { eventName: event.trim(), eventJson: payloadJson(data) });
        const job = await startJob(asked);
        toast(`The server has begun: ${verb.toLowerCase()} ${many === undefined ? "all that match" : plural(many, "instance")}`);
        if (started) started(job);
        else go(href("bulk", { id: job.id }));
    };
    return (
        <Dialog title={many === undefined ? "Act on all that match" : `Act on ${plural(many, "instance")}`} verb={verb} danger={action === "terminate" || action === "purge"}
            blocked={blocked} close={close} act={act}>
            <p class="lead muted">
                {many === undefined ? "How many match could not be counted. " : byFilter ? `${plural(many, "instance matches", "instances match")} at this moment. ` : ""}
                The server works through them by itself, also when this page is closed. Those that the action does not apply to are skipped; later instances are left alone.
            </p>
            <SelectField label="Action" value={action} set={(value) => setAction(value as BulkAction)} options={BULK_ACTIONS.map((one) => [one, BULK_WORDS[one].verb])} />
            <p class="small muted">{applies}</p>
            {WITH_REASON.includes(action) && <TextField label="Reason" value={reason} set={setReason} hint="Kept in the history of each; may be empty." />}
            {action === "raiseEvent" && (
                <>
                    <TextField label="Event" value={event} set={setEvent} required hint="The name that the orchestrations wait for; case does not matter." />
                    <PayloadField label="Data" value={data} set={setData} rows={4} hint="Any JSON; empty for none." />
                </>
            )}
            {(action === "terminate" || action === "purge") && (
                <label class="check"><input type="checkbox" checked={recursive} onChange={(change) => setRecursive(change.currentTarget.checked)} />With their sub-orchestrations</label>
            )}
            {action === "restart" && (
                <label class="check">
                    <input type="checkbox" checked={sameId} onChange={(change) => setSameId(change.currentTarget.checked)} />Under the same ids; the histories are replaced
                </label>
            )}
            {why && <p class="note warn">{why}</p>}
            {many === 0 && <p class="note warn">Nothing matches, so there is nothing to do.</p>}
            {mustType && many !== 0 && (
                <TextField label={many === undefined ? "Type the word all to go on" : `Type ${count(many)} to go on`} value={typed} set={setTyped} required />
            )}
        </Dialog>
    );
}
