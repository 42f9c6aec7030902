// Bars over time, one series on top of the other.
import { useMemo } from "preact/hooks";
import { plural } from "../format";
import { Figures, Legend, tellOf, type Drawn } from "./Figures";
import { Frame } from "./Frame";
import { stacked } from "./scale";

interface Props {
    label: string;
    from: number;
    bucketMs: number;
    buckets: number;
    series: Drawn[];
    choose?: (from: number, to: number) => void;
}

export function Bars({ label, from, bucketMs, buckets, series, choose }: Props) {
    const { floors, highest } = useMemo(() => stacked(series.map((one) => one.counts)), [series]);
    const total = series.reduce((sum, one) => sum + one.total, 0);
    return (
        <figure aria-label={`${label}, ${plural(total, "instance")}`}>
            <Legend series={series} />
            <Frame label={label} from={from} bucketMs={bucketMs} buckets={buckets} highest={highest} tell={tellOf(series)} {...(choose && { choose })}>
                {({ x, y, width }) => series.map((one, place) => (
                    <g key={one.key} class={one.colour}>
                        {one.counts.map((count, bucket) => {
                            if (count === 0) return null;
                            const floor = floors[place]?.[bucket] ?? 0;
                            const gap = width > 4 ? 1 : 0;
                            const top = y(floor + count);
                            return <rect key={bucket} class="bar-of" x={x(bucket) + gap / 2} width={Math.max(1, width - gap)} y={top} height={Math.max(1, y(floor) - top)} />;
                        })}
                    </g>
                ))}
            </Frame>
            <Figures from={from} bucketMs={bucketMs} series={series} />
        </figure>
    );
}
