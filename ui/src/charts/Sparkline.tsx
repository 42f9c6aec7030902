import { count } from "../format";

const WIDTH = 96, HEIGHT = 24;

/** How often over time, in a line of a table. */
export function Sparkline({ counts, what }: { counts: readonly number[]; what: string }) {
    const highest = Math.max(1, ...counts), width = WIDTH / Math.max(1, counts.length);
    return (
        <svg class="spark" width={WIDTH} height={HEIGHT} role="img" aria-label={`${what}: at most ${count(highest)} in one of ${counts.length} parts of the time`}>
            <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
            {counts.map((one, place) => one > 0 && (
                <rect key={place} class="bar-of" x={place * width} width={Math.max(1, width - 1)} y={(HEIGHT - 1) * (1 - one / highest)} height={Math.max(1.5, ((HEIGHT - 1) * one) / highest)} />
            ))}
        </svg>
    );
}
