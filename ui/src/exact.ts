// JSON without loss. The server hands payloads on as they were written; a number such as 12345678901234567890 must not be rounded on its
// way to the eye. Where the browser knows no raw JSON (2024 and older), numbers are what JavaScript makes of them.

interface RawJson {
    rawJSON?: (text: string) => object;
    isRawJSON?: (value: unknown) => value is { rawJSON: string };
}
const raw = JSON as RawJson;

export function parse(text: string): unknown {
    const reviver = (_: string, value: unknown, context?: { source?: string }) => {
        const source = context?.source;
        return typeof value === "number" && source !== undefined && raw.rawJSON && String(value) !== source ? raw.rawJSON(source) : value;
    };
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

/** Pretty JSON, as a person reads it. */
export function pretty(value: unknown): string {
    return JSON.stringify(value, null, 2) ?? "null";
}

/** Why `text` is not JSON; undefined if it is. Nothing at all counts as JSON: it is no input. */
export function whyNotJson(text: string): string | undefined {
    if (text.trim() === "") return undefined;
    try {
        JSON.parse(text);
        return undefined;
    } catch (error) {
        return error instanceof Error ? error.message : String(error);
    }
}
