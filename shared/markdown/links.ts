/** The parts of links and of link reference definitions (https://spec.commonmark.org/0.31.2/#links). */
import { unescapeText } from "./entities.ts";
import type { References } from "./references.ts";

export interface LinkTarget {
  href: string;
  title: string;
}

/** Something read from a text, and the offset after it. */
export interface Scanned<T> {
  value: T;
  end: number;
}

/** Outcome of a scan that needed more text than there was; matters only while the text is still growing. */
export const INCOMPLETE = "incomplete";

/** Labels longer than this are none: it also bounds how far a `]` can look back (spec: link label). */
export const MAX_LABEL = 999;
/** cmark's limit for nested parentheses in a destination. */
const MAX_PARENTHESES = 32;

/** How long an unfinished target may be and still be waited for. */
const MAX_GROWTH = 1_024;

const SPACE = /[ \t\n]*/y;
const LABEL = /\[((?:[^\\[\]]|\\[^]){0,999})\]/y;
const POINTY = /<([^<>\n\\]*(?:\\.[^<>\n\\]*)*)>/y;
// Written without alternation inside the repetition, which would use up the regular expression's stack on long texts.
const TITLE = /"([^"\\]*(?:\\[^][^"\\]*)*)"|'([^'\\]*(?:\\[^][^'\\]*)*)'|\(([^()\\]*(?:\\[^][^()\\]*)*)\)/y;
const LINE_REST = /[ \t]*(?:\n|$)/y;

/** What `pattern` matches at `offset`; the value is its first group that took part. */
function scan(pattern: RegExp, text: string, offset: number): Scanned<string> | null {
  pattern.lastIndex = offset;
  const match = pattern.exec(text);
  return match && { value: match[1] ?? match[2] ?? match[3] ?? "", end: pattern.lastIndex };
}

function skipSpace(text: string, offset: number): number {
  return scan(SPACE, text, offset)?.end ?? offset;
}

/** Two labels are the same when they match after case folding and collapsing white space. */
export function normalizeLabel(label: string): string {
  // Both directions, because neither alone folds "ẞ" and "ß" together.
  return label
    .trim()
    .replace(/[ \t\r\n]+/g, " ")
    .toLowerCase()
    .toUpperCase();
}

/** `[label]` at `offset`; the value is what stands between the brackets. */
export function scanLabel(text: string, offset: number): Scanned<string> | null {
  return scan(LABEL, text, offset);
}

/** A destination as it is written. */
function scanDestination(text: string, offset: number): Scanned<string> | null {
  if (text[offset] === "<") return scan(POINTY, text, offset);
  let end = offset;
  let depth = 0;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === 92 && /[!-/:-@[-`{-~]/.test(text.charAt(end + 1))) end++;
    else if (code === 40) {
      if (++depth > MAX_PARENTHESES) return null;
    } else if (code === 41) {
      if (depth-- === 0) break;
    } else if (code <= 32 || code === 127) break;
  }
  return depth > 0 || (end === offset && text[end] !== ")") ? null : { value: text.slice(offset, end), end };
}

function targetOf(destination: string, title: string): LinkTarget {
  return { href: unescapeText(destination), title: unescapeText(title) };
}

/** `(destination "title")` at `offset`, which is the parenthesis. */
export function scanInlineTarget(text: string, offset: number): Scanned<LinkTarget> | typeof INCOMPLETE | null {
  const start = skipSpace(text, offset + 1);
  if (start >= text.length) return INCOMPLETE;
  const destination = scanDestination(text, start);
  // An unfinished destination reaches the end of the text; anything else that fails has failed for good.
  if (!destination) return text.length - start < MAX_GROWTH && /^(?:<[^<>\n]*|\S*)$/.test(text.slice(start)) ? INCOMPLETE : null;
  let end = skipSpace(text, destination.end);
  let title = "";
  if (end > destination.end && text[end] !== ")") {
    const scanned = scan(TITLE, text, end);
    // It may come, or has begun.
    if (!scanned) return /^["'(]?$/.test(text.charAt(end)) ? INCOMPLETE : null;
    title = scanned.value;
    end = skipSpace(text, scanned.end);
  }
  if (end >= text.length) return INCOMPLETE;
  return text[end] === ")" ? { value: targetOf(destination.value, title), end: end + 1 } : null;
}

export interface Definition extends LinkTarget {
  label: string;
}

/** A link reference definition at `offset`, with its line end. */
export function scanDefinition(text: string, offset: number): Scanned<Definition> | null {
  const label = scanLabel(text, offset);
  if (!label || text[label.end] !== ":" || !/[^ \t\n]/.test(label.value)) return null;
  const destination = scanDestination(text, skipSpace(text, label.end + 1));
  // An empty destination must be written <>.
  if (!destination || (destination.value === "" && text[destination.end - 1] !== ">")) return null;
  const titleStart = skipSpace(text, destination.end);
  const title = titleStart > destination.end ? scan(TITLE, text, titleStart) : null;
  // A title with something after it on its line is no title; then the definition may still end before it.
  const titled = title && scan(LINE_REST, text, title.end);
  const rest = titled ?? scan(LINE_REST, text, destination.end);
  return (
    rest && {
      value: { label: normalizeLabel(label.value), ...targetOf(destination.value, titled && title ? title.value : "") },
      end: rest.end,
    }
  );
}

const DEFINITION_PREFIX = /^\[(?:[^\\[\]]|\\[^]){0,100}(?:\\?$|\](?:$|:[ \t]*\n?[ \t]*(?:<[^<>\n]*>?|[^\s<]\S*)?(?:\s+(?:["'(][^]*)?)?$))/;

/** Whether a paragraph that begins like this may yet turn out to be nothing but definitions. Used only to wait with showing it. */
export function mayBecomeDefinition(text: string): boolean {
  return text.startsWith("[") && (scanDefinition(text, 0) !== null || DEFINITION_PREFIX.test(text));
}

/** Offset after the definitions at the beginning of a paragraph; hands them to `references`. */
export function skipDefinitions(text: string, references?: References): number {
  let at = 0;
  for (let definition = scanDefinition(text, at); definition; definition = scanDefinition(text, at)) {
    references?.define(definition.value);
    at = definition.end;
  }
  return at;
}
