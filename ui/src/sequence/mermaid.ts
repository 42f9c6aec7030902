// A sequence diagram as Mermaid text. Names come from outside: all that could mean something to Mermaid, or to a page that shows what it
// draws, is written as a character code. Pure.
import type { Sequence } from "./messages";

/** Text as Mermaid shows it, and nothing but text. */
export function escaped(text: string): string {
    const line = text.replace(/\s+/g, " ").trim().slice(0, 120);
    const safe = [...line].map((one) => (/[\p{L}\p{N} _.,/()=×+-]/u.test(one) ? one : `#${one.codePointAt(0)};`)).join("");
    // Words of Mermaid's own language lose their first letter to its code; two dashes would begin an arrow.
    const words = safe.replace(/\b(end|loop|alt|else|opt|par|and|rect|note|activate|deactivate|participant|actor|box|critical|break|option)\b/gi,
        (word) => `#${word.charCodeAt(0)};${word.slice(1)}`);
    return words.replace(/--/g, "-#45;") || " ";
}

export function mermaid({ lifelines, messages, left }: Sequence): string {
    const lines = ["sequenceDiagram", ...lifelines.map(({ id, name }) => `    participant p${id} as ${escaped(name)}`)];
    for (const { from, to, text, answer, failed } of messages) lines.push(`    p${from}${failed ? "--x" : answer ? "-->>" : "->>"}p${to}: ${escaped(text)}`);
    if (left > 0) lines.push(`    Note over p0: ${left} more messages are not shown`);
    return `${lines.join("\n")}\n`;
}
