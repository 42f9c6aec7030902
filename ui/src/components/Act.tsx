// A button that does something. One that cannot says why: in its tip, and when it is pressed all the same.
import { Icon, type IconName } from "./Icon";
import { toast } from "./Toasts";

interface Props {
    label: string;
    icon: IconName;
    /** Why it cannot be done now; undefined: it can. */
    why?: string | undefined;
    danger?: boolean;
    main?: boolean;
    act: () => void;
}

export function Act({ label, icon, why, danger, main, act }: Props) {
    const look = `button ${main ? "main" : "small"}${danger ? " danger" : ""}`;
    return (
        <button type="button" class={look} aria-disabled={why !== undefined} title={why} onClick={() => (why === undefined ? act() : toast(why, true))}>
            <Icon name={icon} size={13} />{label}
        </button>
    );
}
