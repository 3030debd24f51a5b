/**
 * What a view of unfinished JSON shows, slow and obvious: the text is cut back to the last place where everything shown is
 * certain, the open strings and containers are closed, and `JSON.parse` reads the rest.
 */
import type { JsonValue } from "../protocol/chunk.ts";

/** The view after `text`, the begin of valid JSON; `undefined` when nothing can be shown. */
export function referenceJsonView(text: string): JsonValue | undefined {
  const closers: string[] = [];
  // The text up to a certain place, with what closes it there.
  let shown = "";
  const keep = (upTo: number, extra = ""): void => {
    shown = text.slice(0, upTo) + extra + closers.toReversed().join("");
  };
  let expectsKey = false;
  let at = 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character === "{" || character === "[") {
      closers.push(character === "{" ? "}" : "]");
      expectsKey = character === "{";
      at++;
      keep(at);
    } else if (character === "}" || character === "]") {
      closers.pop();
      expectsKey = false;
      at++;
      keep(at);
    } else if (character === ",") {
      expectsKey = closers.at(-1) === "}";
      at++;
    } else if (character === '"') {
      const end = /^"(?:[^"\\]|\\.)*"/su.exec(text.slice(at))?.[0].length;
      if (expectsKey) {
        expectsKey = false;
        if (end === undefined) break;
      } else if (end === undefined) {
        // Half an escape, then half a pair: neither is certain.
        const certain = text
          .slice(at)
          .replace(/(?<=^(?:[^\\]|\\u[0-9a-f]{4}|\\[^u])*)\\(?:u[0-9a-f]{0,3})?$/isu, "")
          .replace(/(?<=^(?:[^\\]|\\u[0-9a-f]{4}|\\[^u])*)(?:\\ud[89ab][0-9a-f]{2}|[\ud800-\udbff])$/is, "");
        keep(at + certain.length, '"');
        break;
      } else keep(at + end);
      at += end;
    } else if (/[-0-9a-z]/.test(character)) {
      const length = /^[-+.0-9A-Za-z]+/.exec(text.slice(at))![0].length;
      at += length;
      // A number or literal at the end of the text may go on.
      if (at < text.length) keep(at);
    } else at++;
  }
  return shown === "" ? undefined : (JSON.parse(shown) as JsonValue);
}
