// Which colour a series has, as a class of styles/charts.css.
import { LOOKS } from "../status";
import { STATUSES, type Status } from "../types";
import type { Series } from "../types/lists";
import { drawn, type Drawn } from "./Figures";

const NAMED_COLOURS = 12;

const isStatus = (key: string): key is Status => (STATUSES as readonly string[]).includes(key);

/** The series of a histogram, in an order that does not change while numbers do. */
export function colouredSeries(series: readonly Series[], by: "status" | "name"): Drawn[] {
    if (by === "status") {
        const place = (one: Series) => (STATUSES as readonly string[]).indexOf(one.key);
        return [...series].sort((a, b) => place(a) - place(b))
            .map(({ key, counts }) => drawn(key, isStatus(key) ? LOOKS[key].label : key, isStatus(key) ? `tone-${key}` : "other", counts));
    }
    const last = (one: Series) => Number(one.key === "other");
    return [...series].sort((a, b) => last(a) - last(b))
        .map(({ key, counts }, place) => drawn(key, key, key === "other" ? "other" : `kind-${place % NAMED_COLOURS}`, counts));
}
