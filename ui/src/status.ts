// What a status means for a person, and what may be done in it.
import type { IconName } from "./components/Icon";
import type { Status } from "./types";

interface Look {
    icon: IconName;
    label: string;
    ended: boolean;
}

export const LOOKS: Record<Status, Look> = {
    Running: { icon: "running", label: "Running", ended: false },
    Pending: { icon: "pending", label: "Pending", ended: false },
    Suspended: { icon: "pause", label: "Suspended", ended: false },
    Completed: { icon: "check", label: "Completed", ended: true },
    Failed: { icon: "cross", label: "Failed", ended: true },
    Terminated: { icon: "stop", label: "Terminated", ended: true },
    Canceled: { icon: "slash", label: "Canceled", ended: true },
    ContinuedAsNew: { icon: "again", label: "Continued as new", ended: false },
};

export const hasEnded = (status: Status) => LOOKS[status].ended;
export const IN_FLIGHT: Status[] = ["Running", "Pending", "Suspended", "ContinuedAsNew"];

export type Action = "raise" | "suspend" | "resume" | "terminate" | "rewind" | "restart" | "purge";

const PERMITTED: Record<Action, Status[]> = {
    raise: IN_FLIGHT,
    terminate: IN_FLIGHT,
    suspend: ["Pending", "Running", "ContinuedAsNew"],
    resume: ["Suspended"],
    rewind: ["Failed"],
    restart: ["Failed", "Completed", "Terminated", "Canceled"],
    purge: ["Failed", "Completed", "Terminated", "Canceled"],
};

/** Why an action makes no sense in a status; undefined if it does. */
export function whyNot(action: Action, status: Status): string | undefined {
    if (PERMITTED[action].includes(status)) return undefined;
    const is = `it is ${LOOKS[status].label.toLowerCase()}`;
    switch (action) {
        case "resume": return `Only what is suspended can be resumed; ${is}.`;
        case "rewind": return `Only what has failed can be rewound; ${is}.`;
        case "restart": case "purge": return `Only what has ended can be ${action === "purge" ? "purged" : "restarted"}; ${is}.`;
        case "suspend": return status === "Suspended" ? "It is suspended already." : `It has ended; ${is}.`;
        case "raise": case "terminate": return `It has ended; ${is}.`;
    }
}
