// The oldest of what has not ended, which is where trouble shows first.
import { search } from "../api";
import { useLive } from "../live";
import type { Row } from "../types/lists";
import { Elapsed, IdLink } from "./basics";
import type { Status } from "../types";

export function Standing() {
    const { data } = useLive("oldest", async (signal) => {
        const oldest = (runtimeStatus: Status) => search({ runtimeStatus, entities: false, order: "createdTime", top: 1 }, undefined, signal);
        const [pending, running, suspended] = await Promise.all([oldest("Pending"), oldest("Running"), oldest("Suspended")]);
        return { pending: pending.rows[0], running: running.rows[0], suspended: suspended.rows[0] };
    });
    if (!data) return null;
    return (
        <section class="card" aria-label="Oldest in flight">
            <dl class="standing inside">
                <One what="Oldest pending" row={data.pending} />
                <One what="Longest running" row={data.running} />
                <One what="Longest suspended" row={data.suspended} />
            </dl>
        </section>
    );
}

function One({ what, row }: { what: string; row: Row | undefined }) {
    return (
        <div>
            <dt>{what}</dt>
            {row ? <dd><span><strong><Elapsed from={row.createdTime} /></strong> · {row.name}</span><IdLink id={row.instanceId} /></dd> : <dd class="muted">none</dd>}
        </div>
    );
}
