// The list that matches as a file: fetched by the page as long as that is reasonable, or by a command.
import { useState } from "preact/hooks";
import { exportAddress, exported, type Query } from "../api";
import { save } from "../files";
import { count, plural } from "../format";
import { key } from "../settings";
import { quoted } from "../shell";
import { Snippet } from "./basics";
import { Dialog } from "./Dialog";

/** More than these would fill the memory of the tab. */
const MOST_HERE = 100_000;
const FORMATS = { csv: ["CSV, for spreadsheets", "text/csv"], ndjson: ["NDJSON, a JSON object on each line", "application/x-ndjson"] } as const;
type Format = keyof typeof FORMATS;

export function ExportDialog({ filter, total, close }: { filter: Query; total: number | undefined; close: () => void }) {
    const [format, setFormat] = useState<Format>("csv");
    const query = { ...filter, format };
    const large = total !== undefined && total > MOST_HERE;
    const act = async () => save(await exported(query), `instances.${format}`, FORMATS[format][1]);
    const address = new URL(exportAddress(query), location.href).href;
    const withKey = key.value ? " -H 'x-functions-key: KEY'" : "";
    return (
        <Dialog title={total === undefined ? "Export this list" : `Export ${plural(total, "instance")}`} verb="Download" blocked={large} close={close} act={act}>
            <fieldset class="plain">
                <legend class="label">Format</legend>
                {(Object.keys(FORMATS) as Format[]).map((one) => (
                    <label key={one} class="check"><input type="radio" name="format" checked={format === one} onChange={() => setFormat(one)} />{FORMATS[one][0]}</label>
                ))}
            </fieldset>
            {large && <p class="note warn">More than {count(MOST_HERE)} are too many for a browser tab. The command below writes them to a file.</p>}
            <div class="field">
                <span class="label">The same from a shell</span>
                <Snippet what="the command" text={`curl${withKey} ${quoted(address)} -o instances.${format}`} />
            </div>
        </Dialog>
    );
}
