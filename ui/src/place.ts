// Where one is in a list. The server goes on from a place only if the question is the one that it was, so what is counted up to now ("the last
// hour") has to stay there, too: beside the server's token the address keeps the moment up to which ranges are counted.
import { params } from "./router";

export interface ListPlace {
    /** The server's; undefined: the beginning. */
    token: string | undefined;
    now: number;
}

/** What the address says. At the beginning of a list, ranges are counted up to this moment. */
export function listPlace(): ListPlace {
    const after = params.value.get("after") ?? "";
    const [, now, token] = /^(\d{1,15})-(.+)$/.exec(after) ?? [];
    return token ? { token, now: Number(now) } : { token: after || undefined, now: Date.now() };
}

/** For the address: what follows the page that was asked for at `now`. */
export const following = (next: string | undefined, { now }: ListPlace) => next && `${now}-${next}`;
