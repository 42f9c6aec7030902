// What can be done to an instance. A button that makes no sense in its status says why; what a key does not permit, the server refuses.
import { useEffect, useRef, useState } from "preact/hooks";
import { forbidden } from "../caller";
import { go, href } from "../router";
import { whyNot, type Action } from "../status";
import type { Status } from "../types";
import type { InstanceDetails } from "../types/instance";
import { PurgeDialog, RaiseDialog, ReasonDialog, RestartDialog, TerminateDialog } from "./ActionDialogs";
import { Icon, type IconName } from "./Icon";
import { toast } from "./Toasts";

const BUTTONS: readonly (readonly [Action, string, IconName])[] = [
    ["raise", "Raise event", "bolt"], ["suspend", "Suspend", "pause"], ["resume", "Resume", "play"], ["rewind", "Rewind", "rewind"],
    ["restart", "Restart", "again"], ["terminate", "Terminate", "stop"], ["purge", "Purge", "trash"],
];

/** An accepted action shows after the next turn: look soon, then less and less often, until it does or this long has passed. */
const FIRST_LOOK_MS = 100;
const LONGEST_PAUSE_MS = 4_000;
const PATIENCE_MS = 60_000;

/** Whether an action shows; `changed`: something about the instance has changed since. */
type Shows = (status: Status, changed: boolean) => boolean;

export interface ActionProps {
    instance: InstanceDetails;
    close: () => void;
    /** Tells the news, and looks until it shows. */
    done: (news: string, shows?: Shows) => void;
}

/** What changes whenever the instance does. */
const moment = ({ runtimeStatus, lastUpdatedTime, historyEvents, executionId }: InstanceDetails) => `${executionId} ${runtimeStatus} ${lastUpdatedTime} ${historyEvents}`;

/** Looks again until what was done shows. */
function useWatch(instance: InstanceDetails, again: () => void) {
    const latest = useRef({ instance, again });
    latest.current = { instance, again };
    const timer = useRef<ReturnType<typeof setTimeout>>();
    useEffect(() => () => clearTimeout(timer.current), []);
    return (shows: Shows) => {
        const before = moment(latest.current.instance), until = Date.now() + PATIENCE_MS;
        const look = (pause: number) => {
            const { instance, again } = latest.current;
            if (shows(instance.runtimeStatus, moment(instance) !== before) || Date.now() > until) return;
            again();
            timer.current = setTimeout(() => look(Math.min(pause * 1.6, LONGEST_PAUSE_MS)), pause);
        };
        clearTimeout(timer.current);
        look(FIRST_LOOK_MS);
    };
}

export function Actions({ instance, again }: { instance: InstanceDetails; again: () => void }) {
    const [open, setOpen] = useState<Action>();
    const watch = useWatch(instance, again);
    const done: ActionProps["done"] = (news, shows) => {
        toast(news);
        if (shows) watch(shows);
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
