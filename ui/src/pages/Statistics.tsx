// How much, how long, how often in vain: numbers of the chosen time.
import { histogram, statistics } from "../api";
import { Bars } from "../charts/Bars";
import { colouredSeries } from "../charts/colours";
import { bucketCount } from "../charts/scale";
import { Loading, Refused, State, Time } from "../components/basics";
import { ActivityTable, DurationTable } from "../components/DurationTables";
import { FilterText } from "../components/FilterText";
import { HeatTable } from "../components/HeatTable";
import { RangeFields } from "../components/RangeFields";
import { SelectField } from "../components/fields";
import { plural, RANGES, since, untilNow } from "../format";
import { useLive } from "../live";
import { change, params } from "../router";

const PRESET = "24h", ABOUT = 80, SHORTEST_MS = 1_000;

/** The stretch of time that the address asks for. */
function stretch(): { from: string; to: string } {
    const of = (name: string) => params.value.get(name) ?? undefined;
    const now = untilNow(), range = of("range") ?? PRESET;
    if (range === "custom") return { from: of("from") ?? since(PRESET) ?? now, to: of("to") ?? now };
    return { from: since(range) ?? since(PRESET) ?? now, to: now };
}

export function Statistics() {
    const of = (name: string) => params.value.get(name) ?? "";
    const by = of("by") === "name" ? "name" : "status", counted = of("of") === "completed" ? "completed" : "created", name = of("name");
    const range = of("range") === "custom" || RANGES.some(([value]) => value === of("range")) ? of("range") : PRESET;
    const question = `${range} ${of("from")} ${of("to")} ${name}`;
    const chart = useLive(`histogram ${question} ${by} ${counted}`, (signal) => {
        const { from, to } = stretch();
        return histogram({ from, to, of: counted, by, name, buckets: bucketCount(Date.parse(from), Date.parse(to), ABOUT), entities: false }, signal);
    });
    // Many instances and histories are read for these, so only when somebody asks.
    const numbers = useLive(`statistics ${question}`, async (signal) => {
        const { from, to } = stretch();
        return { from, to, at: new Date().toISOString(), found: await statistics({ createdTimeFrom: from, createdTimeTo: to, name, entities: false }, signal) };
    }, true);
    const zoom = (from: number, to: number) => {
        if (to - from >= SHORTEST_MS) change({ range: "custom", from: new Date(from).toISOString(), to: new Date(to).toISOString() });
    };
    return (
        <div class="page">
            <div class="top"><h1>Statistics</h1><span class="push" />
                {of("range") === "custom" && <button type="button" class="button" onClick={() => change({ range: undefined, from: undefined, to: undefined })}>Back to the last 24 hours</button>}
            </div>
            <section class="card" aria-label="Instances over time">
                <div class="filters"><div class="fields">
                    <RangeFields label="Time" value={range} />
                    <SelectField label="Count what was" value={counted} options={[["created", "started"], ["completed", "ended"]]} set={(value) => change({ of: value })} />
                    <SelectField label="Coloured by" value={by} options={[["status", "status"], ["name", "name"]]} set={(value) => change({ by: value })} />
                    <FilterText label="Name" name="name" placeholder="exact name" />
                </div></div>
                {!chart.data ? chart.problem ? <Refused problem={chart.problem} again={chart.again} /> : <Loading what="the chart" /> : (
                    <div class={chart.stale ? "inside stale" : "inside"}>
                        <Bars label={counted === "created" ? "Started over time" : "Ended over time"} from={Date.parse(chart.data.from)} bucketMs={chart.data.bucketMs}
                            buckets={Math.max(1, Math.ceil((Date.parse(chart.data.to) - Date.parse(chart.data.from)) / chart.data.bucketMs))}
                            series={colouredSeries(chart.data.series, by)} choose={zoom} />
                    </div>
                )}
            </section>
            {!numbers.data ? (
                <section class="card">{numbers.problem ? <Refused problem={numbers.problem} again={numbers.again} /> : <Loading what="statistics" />}</section>
            ) : numbers.data.found.lookedAt === 0 ? (
                <section class="card"><State icon="search" title="Nothing that was started in this time has ended"><p>Choose a longer time, or another name.</p></State></section>
            ) : (
                <div class={numbers.stale ? "page stale" : "page"}>
                    <p class="muted small row">As of <Time at={numbers.data.at} /><button type="button" class="button link small" onClick={numbers.again}>Look again</button></p>
                    {numbers.data.found.more && <p class="note">The durations are those of the {plural(numbers.data.found.lookedAt, "instance")} of this time that ended last; there are more.</p>}
                    <DurationTable rows={numbers.data.found.durations} range={range} />
                    <HeatTable failures={numbers.data.found.failuresByHour} from={Date.parse(numbers.data.from)} to={Date.parse(numbers.data.to)} />
                    <ActivityTable rows={numbers.data.found.activities} histories={numbers.data.found.sampledHistories} />
                </div>
            )}
        </div>
    );
}
