// Lines over time, told apart by their dashes, too.
import { Figures, Legend, tellOf, type Drawn } from "./Figures";
import { Frame } from "./Frame";
import { line } from "./scale";

interface Props {
    label: string;
    from: number;
    bucketMs: number;
    buckets: number;
    series: Drawn[];
}

export function Lines({ label, from, bucketMs, buckets, series }: Props) {
    const highest = Math.max(0, ...series.flatMap((one) => one.counts));
    return (
        <figure aria-label={label}>
            <Legend series={series} lines />
            <Frame label={label} from={from} bucketMs={bucketMs} buckets={buckets} highest={highest} height={200} tell={tellOf(series)}>
                {({ x, y, width }) => series.map((one, place) => (
                    <path key={one.key} class={`line-of dash-${place} ${one.colour}`} d={line(one.counts.map((count, bucket) => [x(bucket) + width / 2, y(count)] as const))} />
                ))}
            </Frame>
            <Figures from={from} bucketMs={bucketMs} series={series} />
        </figure>
    );
}
