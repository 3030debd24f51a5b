/** Random JSON text in all its spellings, for parsers. */
import type { Random } from "./random.ts";

const STRINGS = [
  "",
  "a",
  "key",
  "long plain text that runs past a short run",
  '"',
  "\\",
  "/",
  "\n",
  "\t\u0001\u001f",
  "é",
  "😀",
  "\ud83d",
  "\ude00",
  "\u2028",
  "\u007f",
];
const KEYS = ["a", "b", "c", "path", "content", "__proto__", "constructor", "toString", "length", "0", "17", "", " ", "é😀", '"\\'];
const NUMBERS = ["0", "-0", "7", "-12", "123456789", "0.5", "-0.25", "1e3", "1E+2", "2.5e-3", "1e400", "12345678901234567890", "5e-324"];
const SPACE = ["", "", "", "", " ", "\n", "\r\n", "\t", "  "];

const SHORT_ESCAPES: { [character: string]: string } = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** One of the spellings of a string: raw where JSON allows it, or escaped in either way, in either case. */
function spell(value: string, random: Random): string {
  let text = '"';
  for (const unit of value.split("")) {
    const mustEscape = unit === '"' || unit === "\\" || unit < " ";
    if (!mustEscape && random.chance(0.8)) text += unit;
    else if (SHORT_ESCAPES[unit] !== undefined && random.chance(0.7)) text += SHORT_ESCAPES[unit];
    else {
      const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
      text += `\\u${random.chance(0.5) ? hex.toUpperCase() : hex}`;
    }
  }
  return `${text}"`;
}

/** A valid JSON text with white space around everything. Keys do not repeat within one object. */
export function randomJson(random: Random, depth = 4): string {
  const space = (): string => random.pick(SPACE);
  const string = (): string => spell(Array.from({ length: random.below(4) }, () => random.pick(STRINGS)).join(""), random);
  const value = (left: number): string => {
    const kind = random.below(left > 0 ? 7 : 3);
    if (kind === 0) return random.pick(["true", "false", "null"]);
    if (kind === 1) return random.pick(NUMBERS);
    if (kind === 2) return string();
    const items: string[] = [];
    const keys = new Set<string>();
    for (let count = random.below(5); count > 0; count--) {
      const item = `${space()}${value(left - 1)}${space()}`;
      if (kind < 5) items.push(item);
      else {
        const key = random.pick(KEYS);
        if (!keys.has(key)) items.push(`${space()}${spell(key, random)}${space()}:${item}`);
        keys.add(key);
      }
    }
    const inside = items.length === 0 ? space() : items.join(",");
    return kind < 5 ? `[${inside}]` : `{${inside}}`;
  };
  return `${space()}${value(depth)}${space()}`;
}

/** A small change that a model, a network or a bug could make: mostly no JSON any more. */
export function mutate(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const odd = [
    ..."{}[]:,\"\\+-.eE01 \n\u0001tfnux'/".split(""),
    "NaN",
    "Infinity",
    "undefined",
    "\\u12",
    "\\x",
    "\u00a0",
    "\uFEFF",
    "//",
    "01",
    "1.",
    "truE",
  ];
  const kind = random.below(5);
  if (kind === 0) return text.slice(0, at);
  if (kind === 1) return text.slice(0, at) + text.slice(at + 1);
  if (kind === 2) return text.slice(0, at) + random.pick(odd) + text.slice(at);
  if (kind === 3) return text.slice(0, at) + random.pick(odd) + text.slice(at + 1);
  const from = random.below(text.length + 1);
  return text.slice(0, at) + text.slice(from, from + random.below(8)) + text.slice(at);
}

/** The text in pieces of random length, cut anywhere, some empty. */
export function randomTextPieces(text: string, random: Random): string[] {
  const pieces: string[] = [];
  const longest = random.pick([1, 2, 5, 20, 200]);
  for (let at = 0; at < text.length;) {
    const length = random.chance(0.1) ? 0 : 1 + random.below(longest);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}
