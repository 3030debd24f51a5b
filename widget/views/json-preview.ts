/** JSON as it is being written: tolerant of an end anywhere, laid out and coloured, one pass over the text. */
import { html, type TemplateResult } from "lit";

export interface JsonToken {
  kind: "st" | "nu" | "";
  text: string;
}

/** Below this many characters it stays on one line. */
const ONE_LINE = 64;
/** Above this many it is shown as it came: colouring is for what one reads. */
const PLAIN_ABOVE = 6_000;

export function tokenizeJson(text: string): JsonToken[] {
  const multiline = text.length > ONE_LINE;
  const tokens: JsonToken[] = [];
  let depth = 0;
  const push = (kind: JsonToken["kind"], value: string): void => {
    const last = tokens.at(-1);
    if (last && last.kind === kind) last.text += value;
    else tokens.push({ kind, text: value });
  };
  const lineBreak = (): void => push("", multiline ? `\n${"  ".repeat(depth)}` : " ");

  for (let at = 0; at < text.length;) {
    const char = text[at] as string;
    if (char === '"') {
      let end = at + 1;
      while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
      push("st", text.slice(at, end + 1));
      at = end + 1;
    } else if (char === "{" || char === "[") {
      push("", char);
      at += 1;
      while (at < text.length && /\s/.test(text[at] as string)) at += 1;
      const closing = text[at] === "}" || text[at] === "]";
      if (closing) {
        push("", text[at] as string);
        at += 1;
      } else {
        depth += 1;
        if (char === "{" || multiline) lineBreak();
      }
    } else if (char === "}" || char === "]") {
      depth = Math.max(0, depth - 1);
      if (char === "}" || multiline) lineBreak();
      push("", char);
      at += 1;
    } else if (char === ",") {
      push("", ",");
      lineBreak();
      at += 1;
    } else if (char === ":") {
      push("", ": ");
      at += 1;
    } else if (/\s/.test(char)) {
      at += 1;
    } else {
      let end = at + 1;
      while (end < text.length && !/[\s,\]}:"[{]/.test(text[end] as string)) end += 1;
      push("nu", text.slice(at, end));
      at = end;
    }
  }
  return tokens;
}

/** The text of an `argumentsText` or of a result, ready for a `<pre>`. */
export function jsonPreview(text: string): unknown {
  if (text.length > PLAIN_ABOVE) return text;
  return tokenizeJson(text).map((token): TemplateResult | string =>
    token.kind ? html`<span class=${token.kind}>${token.text}</span>` : token.text,
  );
}
