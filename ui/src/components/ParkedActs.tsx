// What an operator does about a parked instance, and the questions before.
import { useState } from "preact/hooks";
import { discardParked, retryParked } from "../api";
import { forbidden } from "../caller";
import { Act } from "./Act";
import { Dialog } from "./Dialog";
import { TextField } from "./fields";
import { toast } from "./Toasts";

interface Props {
    id: string;
    /** Called when the server has done it. */
    done: () => void;
}

export function ParkedActs({ id, done }: Props) {
    const [open, setOpen] = useState<"retry" | "discard">();
    const close = () => setOpen(undefined);
    return (
        <div class="row" role="group" aria-label="Parked">
            <Act label="Retry" icon="again" why={forbidden("resume")} act={() => setOpen("retry")} />
            <Act label="Discard" icon="stop" danger why={forbidden("terminate")} act={() => setOpen("discard")} />
            {open === "retry" && <RetryDialog id={id} close={close} done={done} />}
            {open === "discard" && <DiscardDialog id={id} close={close} done={done} />}
        </div>
    );
}

function RetryDialog({ id, close, done }: Props & { close: () => void }) {
    const act = async () => {
        await retryParked(id);
        toast(`${id} is given out again`);
        done();
    };
    return (
        <Dialog title="Try it again?" verb="Retry" close={close} act={act}>
            <p class="lead muted">What waits for <code>{id}</code> is given to workers again, and deliveries are counted anew. If the cause is still
                there, it will be parked again.</p>
        </Dialog>
    );
}

function DiscardDialog({ id, close, done }: Props & { close: () => void }) {
    const [reason, setReason] = useState("");
    const act = async () => {
        await discardParked(id, reason);
        toast(`Discarded what was parked of ${id}`);
        done();
    };
    return (
        <Dialog title="Give it up?" verb="Discard" danger close={close} act={act}>
            <p class="lead">{id.startsWith("@")
                ? <>The operations that <code>{id}</code> would be given next are dropped. Whoever waits for one is told that it failed.</>
                : <>The orchestration <code>{id}</code> ends as failed. It can be rewound later.</>}</p>
            <TextField label="Reason" value={reason} set={setReason} focus hint="Becomes part of the failure; may be empty." />
        </Dialog>
    );
}
