/** Where mathematics stands in a line: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, as models write it. */
import { INCOMPLETE } from "../markdown/links.ts";
import type { MathScan } from "../markdown/leaf.ts";

/** Characters of one formula in a line. It bounds how far an opener without an end looks. */
const MAX_LENGTH = 1_024;

const CLOSE: Readonly<Record<string, string>> = { $: "$", $$: "$$", "\\(": "\\)", "\\[": "\\]" };

/**
 * The formula at `offset`. A single `$` opens only before something that is no space, and closes only behind such and not before a
 * digit (the rule of Pandoc), so that "$5 and $6" is money.
 */
export const scanMath: MathScan = (text, offset) => {
  const open = /\$\$?|\\[([]/y;
  open.lastIndex = offset;
  const mark = open.exec(text)?.[0] ?? "";
  const close = CLOSE[mark];
  if (close === undefined) return null;
  const start = offset + mark.length;
  const single = mark === "$";
  if (single && /\s/.test(text[start] ?? "")) return null;
  const window = text.slice(start, start + MAX_LENGTH + close.length);
  let at = window.indexOf(close);
  while (at >= 0 && isEscaped(window, at)) at = window.indexOf(close, at + 1);
  if (at < 0) return start + MAX_LENGTH + close.length > text.length ? INCOMPLETE : null;
  const end = start + at + close.length;
  if (at === 0 || (single && (/\s/.test(window[at - 1] ?? "") || /\d/.test(text[end] ?? "")))) return null;
  return { value: { text: window.slice(0, at), display: mark !== "$" && mark !== "\\(" }, end };
};

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, offset: number): boolean {
  let start = offset;
  while (text[start - 1] === "\\") start--;
  return (offset - start) % 2 === 1;
}
