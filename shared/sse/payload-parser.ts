/**
 * `JSON.parse` for the payloads of one stream, each of which differs from the one before in a few values: the delta, a number,
 * some padding. Of two payloads alike it learns where those values stand; a third that has the same text around them costs a
 * comparison, a slice per value and a copy of the objects on the way to it. Everything else goes to `JSON.parse`.
 *
 * Why that is exact: the places are found by parsing the text with a marker in each (`placesOf`), so the text around a place is
 * known to end just before a value and to begin again just behind it, whatever the value is.
 */
import type { JsonValue } from "../protocol/chunk.ts";

/** A longer payload is no delta: learning from it would cost more than it saves. */
const MAX_LEARNED_UNITS = 1_024;
/** Payloads of one kind begin alike, with the kind or the id. */
const HEAD_UNITS = 24;
/** Learning costs about six times what `JSON.parse` does, a payload that fits saves about two thirds of it. */
const MAX_CREDIT = 4;
const CREDIT_PER_FIT = 0.2;
const CREDIT_PER_PARSE = 0.02;

/** Strings and numbers; behind a string, the colon that makes it a key. */
const LITERAL = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*/g;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A backslash, or a control character, which no string may hold. */
// oxlint-disable-next-line no-control-regex
const NEEDS_PARSING = /[\\\0-\x1f]/;

/** Cannot stand in JSON by itself, so it is free to mark a place. */
const MARK = "\0";

/** Index of a place's value, or what lies on the way to places: keys with their part of the plan. */
type Plan = number | readonly (readonly [key: string, plan: Plan])[];

interface Template {
  /** The text between all strings and numbers that are no keys. */
  readonly gaps: readonly string[];
  /** Indexes of those strings and numbers that have changed so far. */
  readonly places: readonly number[];
  /** The text around the places: one more than there are places. Quotes belong to it. */
  readonly around: readonly string[];
  readonly tree: JsonValue;
  readonly plan: Plan;
}

export class PayloadParser {
  #template: Template | undefined;
  /** The last payload that did not fit; at first, what no payload begins with. */
  #last = MARK;
  #credit = MAX_CREDIT;

  /**
   * Gives what `JSON.parse(text)` gives. Parts that are as in a payload before may be the same objects: those are frozen.
   * @throws SyntaxError as `JSON.parse` does; the parser stays usable.
   */
  parse(text: string): JsonValue {
    if (this.#template) {
      const value = fitted(text, this.#template);
      if (value !== undefined) {
        this.#credit = Math.min(MAX_CREDIT, this.#credit + CREDIT_PER_FIT);
        return value;
      }
    }
    const value = JSON.parse(text) as JsonValue;
    this.#credit += CREDIT_PER_PARSE;
    if (this.#credit >= 1 && text.length <= MAX_LEARNED_UNITS && standsAt(text, this.#last.slice(0, HEAD_UNITS), 0)) {
      this.#credit--;
      this.#template = learned(text, this.#last, this.#template) ?? this.#template;
    }
    this.#last = text;
    return value;
  }
}

/** The value of a text that is the template but for its places; `undefined` for every other text. */
function fitted(text: string, { around, tree, plan }: Template): JsonValue | undefined {
  if (!standsAt(text, around[0]!, 0)) return undefined;
  let position = around[0]!.length;
  const values: JsonValue[] = [];
  for (let place = 1; place < around.length; place++) {
    const next = around[place]!;
    let end: number;
    if (next.charCodeAt(0) === 34) {
      end = endOfString(text, position);
      if (end === -1) return undefined;
      const content = text.slice(position, end);
      if (NEEDS_PARSING.test(content)) {
        const parsed = parsedString(content);
        if (parsed === undefined) return undefined;
        values.push(parsed);
      } else values.push(content);
    } else {
      NUMBER.lastIndex = position;
      if (!NUMBER.test(text)) return undefined;
      end = NUMBER.lastIndex;
      values.push(Number(text.slice(position, end)));
    }
    if (!standsAt(text, next, end)) return undefined;
    position = end + next.length;
  }
  return position === text.length ? filled(tree, plan, values) : undefined;
}

/** `startsWith`, which V8 does one character at a time: a third of the time for 200 characters. */
function standsAt(text: string, part: string, position: number): boolean {
  return text.slice(position, position + part.length) === part;
}

/** Where the quote stands that ends a string; -1 where none does. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start);
  while (quote > start && text.charCodeAt(quote - 1) === 92) {
    let slashes = 1;
    while (quote - slashes > start && text.charCodeAt(quote - slashes - 1) === 92) slashes++;
    if (slashes % 2 === 0) break;
    quote = text.indexOf('"', quote + 1);
  }
  return quote;
}

/** `undefined` for what no string may hold: `JSON.parse` of the whole text then says what is wrong. */
function parsedString(content: string): string | undefined {
  try {
    return JSON.parse(`"${content}"`) as string;
  } catch {
    return undefined;
  }
}

/** The tree with the values in their places. Only what lies on the way to a place is copied. */
function filled(node: JsonValue, plan: Plan, values: readonly JsonValue[]): JsonValue {
  if (typeof plan === "number") return values[plan]!;
  if (plan.length === 0) return node;
  const copy = (Array.isArray(node) ? [...node] : { ...(node as object) }) as Record<string, JsonValue>;
  for (const [key, rest] of plan) copy[key] = filled(copy[key]!, rest, values);
  return copy;
}

/** A text without its strings and numbers, and these by themselves. */
function taken(text: string): { gaps: string[]; literals: string[] } {
  const literals: string[] = [];
  const gaps = text
    .replace(LITERAL, (literal: string, _string?: string, colon?: string) => (colon ? literal : (literals.push(literal), MARK)))
    .split(MARK);
  return { gaps, literals };
}

/** What two valid texts teach that are the same around their values; `undefined` for other texts. */
function learned(text: string, last: string, before: Template | undefined): Template | undefined {
  // An escaped NUL could be taken for a mark.
  if (text.includes("\\u0000")) return undefined;
  const { gaps, literals } = taken(text);
  const other = taken(last);
  const isAround = (gap: string, index: number): boolean => gap === gaps[index];
  if (other.gaps.length !== gaps.length || !other.gaps.every(isAround)) return undefined;
  const known = before?.gaps.length === gaps.length && before.gaps.every(isAround) ? new Set(before.places) : undefined;
  const places = [...literals.keys()].filter((index) => known?.has(index) || literals[index] !== other.literals[index]);
  const around: string[] = [];
  let part = "";
  let marked = "";
  for (const [index, gap] of gaps.entries()) {
    const literal = literals[index] ?? "";
    const isPlace = places[around.length] === index;
    marked += gap + (isPlace ? JSON.stringify(MARK + around.length) : literal);
    part += gap;
    if (!isPlace) part += literal;
    else {
      const quote = literal.startsWith('"') ? '"' : "";
      around.push(part + quote);
      part = quote;
    }
  }
  around.push(part);
  const tree = JSON.parse(marked) as JsonValue;
  // Of a key that comes twice the last value counts: a place in the one before is in no tree, and its value in none.
  return { gaps, places, around, tree, plan: placesOf(tree) };
}

/** The way to every mark in the tree. What is on no way is handed out again and again, so it is frozen. */
function placesOf(node: JsonValue): Plan {
  if (typeof node === "string" && node.startsWith(MARK)) return Number(node.slice(1));
  if (typeof node !== "object" || node === null) return [];
  const ways: [string, Plan][] = [];
  for (const [key, child] of Object.entries(node)) {
    const plan = placesOf(child);
    if (typeof plan === "number" || plan.length > 0) ways.push([key, plan]);
  }
  if (ways.length === 0) Object.freeze(node);
  return ways;
}
