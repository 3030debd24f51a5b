import { describe, expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../protocol/chunk.ts";
import { forSeeds, type Random } from "../testing/random.ts";
import { PartialArguments } from "./partial-arguments.ts";

type Part = { [key: string]: unknown };

const KEYS = ["a", "b", "key", "a.b", "it's", '"', "\\", "[0]", "é😀", "__proto__", "constructor", "0"];
const TEXTS = ["", "a", 'say "hi"', "line\nbreak", "\\", "Grüße 漢字 😀", "\ud83d"];

function randomLeaf(random: Random): JsonValue {
  const kind = random.below(4);
  return kind === 0 ? random.pick(TEXTS) : kind === 1 ? random.below(1000) / 8 : kind === 2 ? random.chance(0.5) : null;
}

/** Never empty: the format has no words for an empty list or object. */
function randomObject(random: Random, depth: number): JsonObject {
  const value: JsonObject = {};
  const count = 1 + random.below(4);
  for (let at = 0; at < count; at++) {
    const field = { value: randomValue(random, depth - 1), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(value, random.pick(KEYS), field);
  }
  return value;
}

function randomValue(random: Random, depth: number): JsonValue {
  if (depth <= 0 || random.chance(0.4)) return randomLeaf(random);
  if (random.chance(0.5)) return randomObject(random, depth);
  return Array.from({ length: 1 + random.below(3) }, () => randomValue(random, depth - 1));
}

function step(random: Random, key: string): string {
  if (/^[a-z_]+$/.test(key) && random.chance(0.7)) return `.${key}`;
  const quote = random.pick(["'", '"']);
  return `[${quote}${key.replaceAll(/["'\\]/g, "\\$&")}${quote}]`;
}

/** The leaves in the order of the document, strings in pieces. */
function* partsOf(random: Random, value: JsonValue, path: string): Generator<Part[]> {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) yield* partsOf(random, item, `${path}[${at}]`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* partsOf(random, item, path + step(random, key));
  } else if (typeof value === "string") {
    const pieces: Part[] = [];
    const cut = random.below(value.length + 1);
    if (random.chance(0.5)) pieces.push({ jsonPath: path, stringValue: value.slice(0, cut), willContinue: true });
    pieces.push({ jsonPath: path, stringValue: pieces.length > 0 ? value.slice(cut) : value });
    yield pieces;
  } else if (typeof value === "number") yield [{ jsonPath: path, numberValue: value }];
  else yield [{ jsonPath: path, ...(value === null ? { nullValue: "NULL_VALUE" } : { boolValue: value }) }];
}

function assemble(parts: Iterable<Part>): { text: string; value: JsonValue | undefined; incomplete: boolean } {
  const assembler = new PartialArguments();
  let text = "";
  for (const part of parts) text += assembler.add(part) ?? "";
  const { text: rest, value, incomplete } = assembler.end();
  return { text: text + rest, value, incomplete };
}

describe("partial arguments", () => {
  test("in the order of the document are its JSON text", () =>
    forSeeds(2000, (random) => {
      const whole = randomObject(random, 4);
      const { text, value, incomplete } = assemble([...partsOf(random, whole, "$")].flat());
      expect(incomplete).toBe(false);
      expect(value).toBeUndefined();
      // A pair of surrogates that was cut is escaped in the text, and whole again in the value.
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(whole));
    }));

  test("in another order give the same value", () =>
    forSeeds(500, (random) => {
      const whole: JsonObject = { x: randomObject(random, 2), y: randomObject(random, 2) };
      const parts = [...partsOf(random, whole, "$")];
      const [first, ...others] = parts;
      // The first leaf comes again at the end, with another value before.
      const path = first![0]!["jsonPath"];
      const { text, value, incomplete } = assemble([{ jsonPath: path, numberValue: 7 }, ...others.flat(), ...first!]);
      expect(incomplete).toBe(false);
      expect(value === undefined ? JSON.parse(text) : value).toEqual(whole);
    }));

  test("a string may go on without saying so", () => {
    const parts = [
      { jsonPath: "$.a", stringValue: "x" },
      { jsonPath: "$.a", stringValue: "y" },
    ];
    expect(assemble(parts).text).toBe('{"a":"xy"}');
  });

  test("a value that is said again ends the text, and only the value counts", () => {
    const parts = [
      { jsonPath: "$.a", numberValue: 1 },
      { jsonPath: "$.a", numberValue: 2 },
      { jsonPath: "$.b", stringValue: "x" },
    ];
    expect(assemble(parts)).toEqual({ text: '{"a":1', value: { a: 2, b: "x" }, incomplete: false });
  });

  test.each(["", "a", "$", "$.", "$..a", "$.a[", "$.a[-1]", "$.a[1]", "$[0]", "$.a['b]", "$.a.*", "$['a'", `$${".a".repeat(200)}`])(
    "the path %j cannot be followed",
    (jsonPath) => {
      const assembler = new PartialArguments();
      expect(assembler.add({ jsonPath, numberValue: 1 })).toBeNull();
      expect(assembler.end().incomplete).toBe(true);
    },
  );
});
