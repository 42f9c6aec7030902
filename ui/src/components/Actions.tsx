// What can be done to an instance. A button that makes no sense in its status says why; what a key does not permit, the server refuses.
import { useState } from "preact/hooks";
import { forbidden } from "../caller";
import { go, href } from "../router";
import { whyNot, type Action } from "../status";
import type { Instance } from "../types";
import { PurgeDialog, RaiseDialog, ReasonDialog, RestartDialog, TerminateDialog } from "./ActionDialogs";
import { Icon, type IconName } from "./Icon";
import { toast } from "./Toasts";

const BUTTONS: readonly (readonly [Action, string, IconName])[] = [
    ["raise", "Raise event", "bolt"], ["suspend", "Suspend", "pause"], ["resume", "Resume", "play"], ["rewind", "Rewind", "rewind"],
    ["restart", "Restart", "again"], ["terminate", "Terminate", "stop"], ["purge", "Purge", "trash"],
];

/** An accepted action shows after the next turn: look soon, and then again. */
const LOOK_AFTER_MS = [0, 250, 800, 2000];

export interface ActionProps {
    instance: Instance;
    close: () => void;
    done: (news: string) => void;
}

export function Actions({ instance, again }: { instance: Instance; again: () => void }) {
    const [open, setOpen] = useState<Action>();
    const done = (news: string) => {
        toast(news);
        for (const pause of LOOK_AFTER_MS) setTimeout(again, pause);
    };
    const props: ActionProps = { instance, close: () => setOpen(undefined), done };
    return (
        <div class="row" role="group" aria-label="Actions">
            {BUTTONS.map(([action, label, icon]) => {
                const why = forbidden(action === "raise" ? "raiseEvent" : action) ?? whyNot(action, instance.runtimeStatus);
                const danger = action === "terminate" || action === "purge";
                return (
                    <button key={action} type="button" class={danger ? "button small danger" : "button small"} aria-disabled={why !== undefined} title={why}
                        onClick={() => (why === undefined ? setOpen(action) : toast(why, true))}><Icon name={icon} size={13} />{label}</button>
                );
            })}
            <button type="button" class="button small" title="Fill in the form for a new instance like this one" onClick={() => go(href("start", { from: instance.instanceId }))}>
                <Icon name="copy" size={13} />Start alike</button>
            {open === "raise" && <RaiseDialog {...props} />}
            {(open === "suspend" || open === "resume" || open === "rewind") && <ReasonDialog {...props} action={open} />}
            {open === "terminate" && <TerminateDialog {...props} />}
            {open === "restart" && <RestartDialog {...props} />}
            {open === "purge" && <PurgeDialog {...props} />}
        </div>
    );
}
