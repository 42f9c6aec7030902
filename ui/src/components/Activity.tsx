// What has been started, completed and has failed over time.
import { histogram, type Query } from "../api";
import { drawn } from "../charts/Figures";
import { Lines } from "../charts/Lines";
import { bucketCount } from "../charts/scale";
import { RANGES, since, untilNow } from "../format";
import { useLive } from "../live";
import { href } from "../router";
import type { Histogram } from "../types/lists";
import { Loading, Refused } from "./basics";

const PRESET = "24h", ABOUT = 60;

/** The counts of the series with these keys, or of all, bucket by bucket. */
function sum({ series }: Histogram, keys?: string[]): number[] {
    const some = series.filter((one) => !keys || keys.includes(one.key));
    const length = Math.max(0, ...series.map((one) => one.counts.length));
    return Array.from({ length }, (_, bucket) => some.reduce((total, one) => total + (one.counts[bucket] ?? 0), 0));
}

export function Activity({ range }: { range: string | null }) {
    const shown = RANGES.find(([value]) => value === range) ?? RANGES.find(([value]) => value === PRESET);
    const { data, problem, again } = useLive(`activity ${shown?.[0]}`, async (signal) => {
        const from = since(shown?.[0] ?? PRESET), to = untilNow();
        const buckets = bucketCount(Date.parse(from ?? to), Date.parse(to), ABOUT);
        const query: Query = { from, to, buckets, by: "status", entities: false };
        const [started, ended] = await Promise.all([histogram({ ...query, of: "created" }, signal), histogram({ ...query, of: "completed" }, signal)]);
        return { started, ended };
    });
    const padded = (counts: number[], length: number) => [...counts, ...new Array<number>(Math.max(0, length - counts.length)).fill(0)];
    const chart = () => {
        if (!data) return null;
        const { started, ended } = data;
        const from = Date.parse(started.from), buckets = Math.max(1, Math.ceil((Date.parse(started.to) - from) / started.bucketMs));
        return (
            <Lines label="Started, completed and failed over time" from={from} bucketMs={started.bucketMs} buckets={buckets} series={[
                drawn("started", "Started", "started", padded(sum(started), buckets)),
                drawn("completed", "Completed", "tone-Completed", padded(sum(ended, ["Completed"]), buckets)),
                drawn("failed", "Failed", "tone-Failed", padded(sum(ended, ["Failed"]), buckets)),
            ]} />
        );
    };
    return (
        <section class="card" aria-labelledby="activity">
            <header><h2 id="activity">Started and ended</h2><span class="muted small">{shown?.[1]}</span><span class="push" />
                <a class="small" href={href("statistics", { range: range ?? undefined })}>Statistics</a></header>
            {data ? <div class="inside">{chart()}</div> : problem ? <Refused problem={problem} again={again} /> : <Loading what="the chart" />}
        </section>
    );
}
