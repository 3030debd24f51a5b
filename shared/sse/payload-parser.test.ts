import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";

import { randomJson } from "../testing/random-json.ts";
import { createRandom, forSeeds, type Random } from "../testing/random.ts";
import { PayloadParser } from "./payload-parser.ts";

afterEach(() => void vi.restoreAllMocks());

/** What a parser makes of a text: its value, or its error. */
function outcome(parse: (text: string) => unknown, text: string): unknown {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { error: String(error) };
  }
}

function expectAsJsonParse(parser: PayloadParser, text: string): void {
  const expected = outcome(JSON.parse, text);
  const actual = outcome((given) => parser.parse(given), text);
  // `toEqual` takes an own `__proto__` for nothing, and 0 for -0.
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`${text} gave ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
  expect(JSON.stringify(actual)).toBe(JSON.stringify(expected));
}

function expectAllAsJsonParse(texts: readonly string[]): void {
  const parser = new PayloadParser();
  for (const text of texts) expectAsJsonParse(parser, text);
}

/** How often the payloads of a stream went to `JSON.parse` as a whole. */
function parsedWhole(texts: readonly string[]): number {
  const whole = new Set(texts);
  const parser = new PayloadParser();
  const parse = vi.spyOn(JSON, "parse");
  for (const text of texts) parser.parse(text);
  return parse.mock.calls.filter(([text]) => whole.has(text)).length;
}

const delta = (content: string, seq = 1, padding = "x"): string =>
  JSON.stringify({
    id: "chatcmpl-1",
    created: 1_759_300_000,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    seq,
    padding,
  });

describe("payloads that differ in a few values", () => {
  test("are parsed by JSON.parse until their places are known, and no more", () => {
    const texts = Array.from({ length: 1_000 }, (_, n) => delta(`word ${n}`, n, "x".repeat(n % 7)));
    expect(parsedWhole(texts)).toBe(2);
    expectAllAsJsonParse(texts);
    const escaped = texts.map((_, n) => delta(`${n}\n"${"\\".repeat(n % 5)}`, n));
    expect(parsedWhole(escaped)).toBe(2);
    const inTurns = texts.map((_, n) => delta("a", n >> 1, "x".repeat((n + 1) >> 1)));
    expect(parsedWhole(inTurns)).toBe(3);
  });

  test("are the same with escapes, other scripts, halves of characters, nothing at all, and every kind of number", () => {
    const contents = [
      "a",
      "b",
      "",
      '"',
      "\\",
      '\\"',
      'say "hi"\n',
      "\\\\",
      "tab\t",
      "漢字😀",
      "\ud83d",
      "\u2028",
      "{}",
      '"}],"seq":2,"content":"',
      "0",
    ];
    expectAllAsJsonParse(contents.map((content) => delta(content)));
    const numbers = ["0", "-0", "1", "-12", "0.5", "1e3", "1E+2", "2.5e-3", "1e400", "12345678901234567890", "5e-324"];
    expectAllAsJsonParse(numbers.map((number) => `{"kind":"one of many kinds","seq":${number}}`));
  });

  test("may be surrounded by white space, be no object, and have keys that look like array indexes", () => {
    expectAllAsJsonParse(["b", "c", "d", "e"].map((value) => ` { "kind" : "one of many" , "a" : "${value}" } `));
    expectAllAsJsonParse(['"a"', '"b"', '"c"', "1", "2", "3", "null", '[1,"a"]', '[2,"b"]', '[3,"c"]']);
    expectAllAsJsonParse(["1", "2", "3"].map((value) => `{"kind":"one of many kinds","b":${value},"1":"${value}","0":${value}}`));
  });

  test("with a key twice keep its last value, as in JSON.parse", () => {
    const values = ["x", "y", "z", "w"];
    expectAllAsJsonParse(values.map((value) => `{"kind":"a key that comes twice","a":"${value}","a":1}`));
    expectAllAsJsonParse(values.map((value) => `{"kind":"a key that comes twice","a":1,"a":"${value}"}`));
    expectAllAsJsonParse(values.map((value) => `{"kind":"a key that comes twice","a":"${value}","a":"${value}${value}"}`));
  });

  test("with an own __proto__ have it as a value, however it is spelled", () => {
    for (const key of ["__proto__", "\\u005f_proto__"]) {
      const texts = ["a", "b", "c"].map((value) => `{"kind":"a key of its own","${key}":{"polluted":"${value}"},"n":1}`);
      expectAllAsJsonParse(texts);
      const parser = new PayloadParser();
      for (const text of texts) expect((parser.parse(text) as { polluted?: string }).polluted).toBeUndefined();
    }
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  test("with an escaped NUL are never taken for a mark", () => {
    expectAllAsJsonParse(["a", "\u00000", "\u00001", "b", "c"].map((content) => delta(content)));
    expectAllAsJsonParse(["a", "b", "c"].map((content) => `{"kind":"one of many kinds","m":"\\u00000","c":"${content}"}`));
  });

  test("give objects that a reader may change where values differ, and frozen ones where they are shared", () => {
    const parser = new PayloadParser();
    const read = (value: string): { list: { value: string }[]; fixed: { deep: { a: number } } } =>
      parser.parse(`{"kind":"one of many lists","list":[{"value":"${value}"}],"fixed":{"deep":{"a":1}}}`) as never;
    const values = ["a", "b", "c", "d"].map(read);
    values[2]!.list[0]!.value = "changed";
    expect(read("e").list).toEqual([{ value: "e" }]);
    expect(() => (values[3]!.fixed.deep.a = 2)).toThrow(TypeError);
    expect(read("f").fixed).toEqual({ deep: { a: 1 } });
  });
});

describe("payloads that are not alike", () => {
  test("are learned from only now and then", () => {
    const random = createRandom(7);
    const texts = Array.from(
      { length: 2_000 },
      () => `{"kind":"one of many kinds","v":[${"1,".repeat(random.below(9))}"${random.next()}"]}`,
    );
    const match = vi.spyOn(String.prototype, "replace");
    const parser = new PayloadParser();
    for (const text of texts) parser.parse(text);
    expect(match.mock.calls.length).toBeLessThan(texts.length / 5);
  });

  test("and are long are not learned from", () => {
    const texts = Array.from({ length: 20 }, (_, n) => `{"n":${n},"text":"${"x".repeat(5_000)}"}`);
    expect(parsedWhole(texts)).toBe(20);
  });

  test("throw what JSON.parse throws when they are no JSON, and the next one is read", () => {
    const parser = new PayloadParser();
    for (const text of [delta("a"), delta("b"), delta("c")]) parser.parse(text);
    const good = delta("here");
    for (let cut = 0; cut < good.length; cut++) expectAsJsonParse(parser, good.slice(0, cut));
    for (const bad of ["\n", "\\x", "\\", '"', "\0"]) expectAsJsonParse(parser, good.replace("here", bad));
    for (const bad of [`${good}}`, `${good} 1`, good.replace('"seq":1', '"seq":01'), good.replace('"seq":1', '"seq":1.')])
      expectAsJsonParse(parser, bad);
    expectAsJsonParse(parser, delta("e"));
  });
});

/** The same text with some strings and numbers replaced, now and then broken. */
function varied(text: string, random: Random): string {
  const changed = text.replaceAll(/"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*/g, (literal, colon) =>
    colon || literal.startsWith('"a head') || random.chance(0.7) ? literal : randomJson(random, 0).trim(),
  );
  return random.chance(0.05) ? changed.slice(0, random.below(changed.length)) : changed;
}

test("3,000 random streams of alike payloads give what JSON.parse gives", () => {
  forSeeds(3_000, (random) => {
    const shapes = Array.from({ length: 1 + random.below(2) }, () => `["a head that all have",${randomJson(random, 1 + random.below(3))}]`);
    const parser = new PayloadParser();
    for (let count = 6; count > 0; count--) expectAsJsonParse(parser, varied(random.pick(shapes), random));
  });
});
