import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";

import { ChatError } from "../errors.ts";
import type { JsonValue } from "../protocol/chunk.ts";
import { mutate, randomJson, randomTextPieces } from "../testing/random-json.ts";
import { createRandom, forSeeds } from "../testing/random.ts";
import { referenceJsonView } from "../testing/reference-json-view.ts";
import {
  IncrementalJson,
  type IncrementalJsonOptions,
  type IncrementalJsonResult,
  type IncrementalJsonState,
  type JsonPath,
} from "./incremental-json.ts";

function feed(pieces: Iterable<string>, options?: IncrementalJsonOptions): IncrementalJson {
  const json = new IncrementalJson(options);
  for (const piece of pieces) json.push(piece);
  return json;
}

const read = (pieces: Iterable<string>, options?: IncrementalJsonOptions): IncrementalJsonResult => feed(pieces, options).end();

const units = (text: string): string[] => text.split("");

function* everyCut(text: string): Generator<string[]> {
  yield [text];
  yield units(text);
  for (let at = 0; at <= text.length; at++) yield [text.slice(0, at), text.slice(at)];
}

/** `undefined` is no JSON value, so it can say that there is none. */
function parseOrUndefined(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** `toEqual` takes an own key `constructor` for the class of the object, and an own `__proto__` for nothing. */
function expectSame(actual: unknown, expected: unknown, input: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${JSON.stringify(input)} gave ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
}

/** Freezes a tree to the bottom: whoever changes it later throws. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const item of Object.values(value)) freeze(item);
}

/** Why `part` is not an earlier view of `whole`, or `null`: only what was written last may be unfinished. */
function notAPrefix(part: unknown, whole: unknown, at = "$"): string | null {
  if (typeof part === "string" && typeof whole === "string") {
    if (!whole.startsWith(part)) return `${at} is no prefix`;
    const halves = /[\ud800-\udbff]$/.test(part) && /^[\udc00-\udfff]/.test(whole.slice(part.length));
    return halves ? `${at} ends in half a character` : null;
  }
  if (typeof part !== "object" || part === null) return Object.is(part, whole) ? null : `${at} is not the final scalar`;
  if (typeof whole !== "object" || whole === null || Array.isArray(part) !== Array.isArray(whole)) return `${at} is of another kind`;
  const keys = Object.keys(part);
  if (
    Object.keys(whole)
      .filter((key) => Object.hasOwn(part, key))
      .join() !== keys.join()
  )
    return `${at} has other keys`;
  if (Array.isArray(part) && keys.length !== part.length) return `${at} has holes`;
  const unfinished = keys.filter((key) => !isDeepStrictEqual(itemOf(part, key), itemOf(whole, key)));
  if (unfinished.length > 1) return `${at} has ${unfinished.length} unfinished items`;
  return unfinished.map((key) => notAPrefix(itemOf(part, key), itemOf(whole, key), `${at}.${key}`))[0] ?? null;
}

const itemOf = (container: object, key: string): unknown => Object.getOwnPropertyDescriptor(container, key)?.value;

/** Documents that break one parser or another. */
const NASTY: string[] = [
  "{}",
  "[]",
  " [ ] ",
  '{"a":1}',
  '{"a":{"b":[1,{"c":[]}]}}',
  "[[[[[[]]]]]]",
  '""',
  '"plain"',
  String.raw`"\"\\\/\b\f\n\r\t"`,
  String.raw`"\u0041\u00e9\u2028\uFFFF\u0000"`,
  String.raw`"\ud83d\ude00"`,
  String.raw`"\uD83D\uDE00\ud83d\ude00"`,
  '"😀"',
  '"\\ud83d\ude00"',
  '"\ud83d\\ude00"',
  String.raw`"\ud83d"`,
  String.raw`"\ude00\ud83d"`,
  String.raw`"\ud83d\ud83d\ude00"`,
  String.raw`"\ud83dx"`,
  String.raw`"\ud83d\n\ude00"`,
  '"\ud83d"',
  '"\ud83d\ud83d\ude00\ude00"',
  '{"\\ud83d\\ude00":"k","😀2":"\ud83d"}',
  '"\u2028\u2029\u007f\uFEFF"',
  "0",
  "-0",
  "12",
  " 12 ",
  "[0,-0,1.5,-1.5e-10,2E+3,1e400,-1e400,12345678901234567890,0.1,5e-324,1e0]",
  "[12,3 ,4\n,5\t]",
  '{"n":12}',
  '{"n":12 ,"m":-3.5E2\r\n}',
  "true",
  " false",
  "null\n",
  "[true,false,null]",
  '{"t":true,"f":false,"n":null}',
  '{"__proto__":{"x":1},"a":2}',
  '{"__proto__":"text that grows","a":2}',
  '{"__proto__":1,"__proto__":[2]}',
  '{"\\u005f_proto__":{"__proto__":null}}',
  '{"constructor":{"prototype":{"x":1}},"toString":"t","hasOwnProperty":1}',
  '{"":"empty key","":"again"}',
  '{"a":1,"b":2,"a":3}',
  '{"a":"long first","a":"s"}',
  '{"a":{"x":[1]},"b":0,"a":{"y":2}}',
  '{"2":"two","1":"one","b":0,"10":"ten"}',
  '\t\r\n {\n  "a" :\r\n [ 1 , 2 ] ,\t"b":\n"c"\n}\n\n',
  '{"path":"src/a.ts","content":"const a = \\"b\\";\\n\\tif (a < 1 && b > 2) { return `x`; }\\n"}',
  '["long enough to leave the loop for the search of the engine, without anything to stop at", "é😀 and so on past the end of it"]',
];

describe("the finished value", () => {
  test.each(NASTY)("%j is what JSON.parse gives, wherever it is cut", (text) => {
    const value = JSON.parse(text) as JsonValue;
    for (const pieces of everyCut(text)) {
      const json = feed(pieces);
      const result = json.end();
      expectSame(result, { state: "complete", value }, pieces);
      expect(JSON.stringify(result.value)).toBe(JSON.stringify(value));
      expect(json.snapshot()).toBe(result.value);
      expect(json.text).toBe(text);
    }
  });

  test.each(NASTY)("%j shows after each unit what a slow reader of its begin shows", (text) => {
    const json = new IncrementalJson();
    for (let at = 0; at < text.length; at++) {
      json.push(text[at]!);
      const begin = text.slice(0, at + 1);
      expectSame(json.value, referenceJsonView(begin), begin);
      expectSame(json.snapshot(), referenceJsonView(begin), begin);
    }
  });
});

describe("random documents in random pieces", () => {
  test("end as JSON.parse ends, and every view on the way is a true one that never changes", { timeout: 120_000 }, () => {
    forSeeds(10_000, (random) => {
      const text = randomJson(random, 3);
      const final = JSON.parse(text) as JsonValue;
      const json = new IncrementalJson();
      const snapshots: { snapshot: JsonValue | undefined; copy: string | undefined }[] = [];
      const freezes = random.chance(0.5);
      const snaps = random.pick([0.1, 1]);
      let length = 0;
      for (const piece of randomTextPieces(text, random)) {
        const { version } = json;
        const before = json.snapshot();
        json.push(piece);
        length += piece.length;
        if (json.version === version && json.snapshot() !== before) throw new Error("another snapshot without a change");
        const view = referenceJsonView(text.slice(0, length));
        if (!isDeepStrictEqual(json.value, view)) throw new Error(`${text.slice(0, length)} shows ${JSON.stringify(json.value)}`);
        if (!random.chance(snaps)) continue;
        const snapshot = json.snapshot();
        if (!isDeepStrictEqual(snapshot, view)) throw new Error(`the snapshot of ${text.slice(0, length)} is ${JSON.stringify(snapshot)}`);
        const wrong = snapshot === undefined ? null : notAPrefix(snapshot, final);
        if (wrong) throw new Error(`${wrong}: ${text.slice(0, length)}`);
        if (freezes) freeze(snapshot);
        snapshots.push({ snapshot, copy: JSON.stringify(snapshot) });
      }
      const result = json.end();
      if (result.state !== "complete" || !isDeepStrictEqual(result.value, final)) throw new Error(`${text} → ${JSON.stringify(result)}`);
      if (JSON.stringify(result.value) !== JSON.stringify(final)) throw new Error(`the keys of ${text} are in another order`);
      if (json.text !== text) throw new Error("the text was not kept");
      for (const { snapshot, copy } of snapshots) if (JSON.stringify(snapshot) !== copy) throw new Error(`a snapshot changed: ${text}`);
    });
  });

  test("are rebuilt from the deltas of their strings and from their whole values", { timeout: 60_000 }, () => {
    forSeeds(3000, (random) => {
      const text = randomJson(random);
      const grown = new Map<JsonPath, string>();
      const values = new Map<string, JsonValue>();
      const json = new IncrementalJson({
        onDelta: (path, appended) => {
          if (appended === "") throw new Error("an empty delta");
          grown.set(path, (grown.get(path) ?? "") + appended);
        },
        onValue: (path, value) => {
          if (values.has(JSON.stringify(path))) throw new Error(`${JSON.stringify(path)} ended twice`);
          values.set(JSON.stringify(path), structuredClone(value));
        },
      });
      for (const piece of randomTextPieces(text, random)) json.push(piece);
      const { value } = json.end();
      const expected = new Map<string, JsonValue>();
      const strings = new Map<string, string>();
      const visit = (path: (string | number)[], at: JsonValue): void => {
        expected.set(JSON.stringify(path), at);
        if (typeof at === "string" && at !== "") strings.set(JSON.stringify(path), at);
        if (Array.isArray(at)) for (const [index, item] of at.entries()) visit([...path, index], item);
        else if (typeof at === "object" && at !== null) for (const [key, item] of Object.entries(at)) visit([...path, key], item);
      };
      visit([], value!);
      const sorted = (map: Map<string, unknown>): [string, unknown][] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
      expect(sorted(new Map([...grown].map(([path, string]) => [JSON.stringify(path), string])))).toStrictEqual(sorted(strings));
      // `structuredClone` keeps an own `__proto__`, so both sides are whole.
      if (!isDeepStrictEqual(sorted(values), sorted(expected))) throw new Error(text);
    });
  });

  test("are invalid exactly when JSON.parse throws, at the same place wherever they are cut", { timeout: 120_000 }, () => {
    let rejected = 0;
    let accepted = 0;
    forSeeds(10_000, (random) => {
      let text = randomJson(random, 3);
      for (let times = 1 + random.below(2); times > 0; times--) text = mutate(text, random);
      const value = parseOrUndefined(text);
      const whole = read([text]);
      if ((whole.state === "complete") !== (value !== undefined)) throw new Error(`${JSON.stringify(text)} is ${whole.state}`);
      if (value === undefined) rejected++;
      else accepted++;
      if (value !== undefined && !isDeepStrictEqual(whole.value, value)) throw new Error(`${text} → ${JSON.stringify(whole.value)}`);
      if ((whole.state === "invalid") !== (whole.error !== undefined)) throw new Error(`${text} has ${JSON.stringify(whole.error)}`);
      for (const pieces of [units(text), randomTextPieces(text, random), randomTextPieces(text, random)]) {
        const cut = read(pieces);
        if (!isDeepStrictEqual(cut, whole))
          throw new Error(`${JSON.stringify(pieces)} → ${JSON.stringify(cut)}, not ${JSON.stringify(whole)}`);
      }
      // Nothing before the wrong unit is wrong: the error came as early and as late as it must.
      if (whole.error && !whole.trailing) {
        const begin = read([text.slice(0, whole.error.position)]);
        if (begin.state === "invalid") throw new Error(`${JSON.stringify(text)} was wrong before ${whole.error.position}`);
      }
    });
    if (process.env["CHANL_SEED"] === undefined) {
      expect(rejected).toBeGreaterThan(1000);
      expect(accepted).toBeGreaterThan(1000);
    }
  });
});

describe("the end", () => {
  test.each<[text: string, state: IncrementalJsonState, value: JsonValue | undefined]>([
    ["", "empty", undefined],
    [" \n\t\r", "empty", undefined],
    ["{", "incomplete", {}],
    ['{"a', "incomplete", {}],
    ['{"a"', "incomplete", {}],
    ['{"a":', "incomplete", {}],
    ['{"a":"', "incomplete", { a: "" }],
    ['{"a":"x', "incomplete", { a: "x" }],
    ['{"a":"x"', "incomplete", { a: "x" }],
    ['{"a":"x",', "incomplete", { a: "x" }],
    ["[1,2", "incomplete", [1]],
    ["[1,tru", "incomplete", [1]],
    ["[1,true", "incomplete", [1]],
    ["[1,true ", "incomplete", [1, true]],
    ["12", "complete", 12],
    ["-", "incomplete", undefined],
    ["1.", "incomplete", undefined],
    ["1e", "incomplete", undefined],
    ["1e+", "incomplete", undefined],
    ["tru", "incomplete", undefined],
    ["true", "complete", true],
    ["null", "complete", null],
    ['"x', "incomplete", "x"],
    [String.raw`"x\ud83d`, "incomplete", "x"],
    [String.raw`"x\u12`, "incomplete", "x"],
    ['"x\\', "incomplete", "x"],
  ])("of %j is %s", (text, state, value) => {
    for (const pieces of everyCut(text)) expect(read(pieces)).toStrictEqual({ state, value });
  });

  test("comes once: a second end() says the same, and push() after it is the caller's mistake", () => {
    const json = feed(["12"]);
    expect(json.state).toBe("incomplete");
    expect(json.value).toBeUndefined();
    expect(json.end()).toStrictEqual({ state: "complete", value: 12 });
    expect(json.end()).toStrictEqual({ state: "complete", value: 12 });
    expect(() => json.push("3")).toThrow(TypeError);
    expect(json.value).toBe(12);
  });

  test("the state is told on the way as well", () => {
    const json = new IncrementalJson();
    const states = ["", " ", "{", '"a":1', "}", " ", "x"].map((piece) => {
      json.push(piece);
      return json.state;
    });
    expect(states).toEqual(["empty", "empty", "incomplete", "incomplete", "complete", "complete", "invalid"]);
  });
});

describe("numbers and literals", () => {
  test.each(["[12", "[-", "[1.5", "[1e5", "[true", "[nul", "[false"])("%j shows nothing yet", (text) => {
    expect(feed([text]).value).toEqual([]);
    expect(feed(units(text)).value).toEqual([]);
  });

  test.each([
    ["[12,", [12]],
    ["[12 ", [12]],
    ["[12\n", [12]],
    ["[12]", [12]],
    ['{"a":12}', { a: 12 }],
    ["[true,", [true]],
    ["12 ", 12],
  ])("%j shows it", (text, value) => {
    for (const pieces of everyCut(text)) expect(feed(pieces).value).toEqual(value);
  });

  test("the old value of a repeated key stays until the new number is whole", () => {
    const json = feed(['{"a":1,"a":2']);
    expect(json.value).toEqual({ a: 1 });
    json.push("3}");
    expect(json.value).toEqual({ a: 23 });
  });

  const WRONG: [text: string, position: number][] = [
    ["01", 1],
    ["-01", 2],
    ["+1", 0],
    [".5", 0],
    ["-.5", 1],
    ["1.e5", 2],
    ["1.]", 2],
    ["1..2", 2],
    ["1.2.3", 3],
    ["1e5.5", 3],
    ["1ee5", 2],
    ["1e+-5", 3],
    ["--1", 1],
    ["1-2", 1],
    ["0x10", 1],
    ["1_000", 1],
    ["1n", 1],
    ["1a", 1],
    ['1"', 1],
    ["1{", 1],
    ["NaN", 0],
    ["Infinity", 0],
    ["-Infinity", 1],
    ["undefined", 0],
    ["True", 0],
    ["trUe", 2],
    ["trues", 4],
    ["nulll", 4],
    ["falsefalse", 5],
    ["nan", 1],
  ];
  test.each(WRONG)("%s is none, alone and inside an array", (text, position) => {
    for (const pieces of everyCut(text)) {
      expect(read(pieces)).toMatchObject({ state: "invalid", error: { position } });
      expect(read(["[", ...pieces, "]"])).toMatchObject({ state: "invalid", value: [], error: { position: position + 1 } });
    }
  });

  test("the text keeps the digits that a number loses", () => {
    const json = feed(["[1234567890", "1234567890]"]);
    expect(json.value).toEqual([Number("12345678901234567890")]);
    expect(json.text).toBe("[12345678901234567890]");
  });
});

describe("half a surrogate pair", () => {
  const views = (pieces: string[]): unknown[] => {
    const json = new IncrementalJson();
    return pieces.map((piece) => {
      json.push(piece);
      return json.value;
    });
  };

  test.each<[name: string, pieces: string[], views: string[]]>([
    ["raw", ['"a\ud83d', "\ude00", "b"], ["a", "a😀", "a😀b"]],
    ["escaped", ['"a\\ud83d', "\\ude00", "b"], ["a", "a😀", "a😀b"]],
    ["escaped, the second cut too", ['"a\\ud83d', "\\", "u", "de", "00"], ["a", "a", "a", "a", "a😀"]],
    ["escaped, then raw", ['"a\\ud83d', "\ude00"], ["a", "a😀"]],
    ["raw, then escaped", ['"a\ud83d', "\\ude00"], ["a", "a😀"]],
    ["followed by another half", ['"\ud83d', "\ud83d", "\ude00"], ["", "\ud83d", "\ud83d😀"]],
    ["followed by text", ['"\ud83d', "x"], ["", "\ud83dx"]],
    ["followed by another escape", ['"\ud83d', "\\", "n"], ["", "", "\ud83d\n"]],
    ["at the end of the string", ['"a\ud83d', '"'], ["a", "a\ud83d"]],
    ["a low one alone needs no wait", ['"\ude00', "x"], ["\ude00", "\ude00x"]],
  ])("waits for the other: %s", (_name, pieces, expected) => {
    expect(views(pieces)).toEqual(expected);
  });

  test("is no part of any delta before its pair", () => {
    const deltas: string[] = [];
    feed(['["a\ud83d', "", "\ude00", "\\ud83d", '"]'], { onDelta: (_, appended) => deltas.push(appended) });
    expect(deltas).toEqual(["a", "😀", "\ud83d"]);
  });
});

describe("escapes", () => {
  test.each<[text: string, position: number, shown: string]>([
    [String.raw`"a\x41"`, 3, "a"],
    [String.raw`"a\'"`, 3, "a"],
    [String.raw`"a\u12g4"`, 6, "a"],
    [String.raw`"a\u 123"`, 4, "a"],
    [String.raw`"a\U0041"`, 3, "a"],
    [String.raw`"a\u00"`, 6, "a"],
    [String.raw`"\ud83d\q"`, 8, ""],
    ['"a\\\n"', 3, "a"],
  ])("%s is none", (text, position, shown) => {
    for (const pieces of everyCut(text)) expect(read(pieces)).toMatchObject({ state: "invalid", value: shown, error: { position } });
  });
});

describe("keys", () => {
  test("a key is shown with its value, never half", () => {
    const json = new IncrementalJson();
    const views = units('{"ab":"c"}').map((unit) => {
      json.push(unit);
      return JSON.stringify(json.value);
    });
    expect(views).toEqual(["{}", "{}", "{}", "{}", "{}", "{}", '{"ab":""}', '{"ab":"c"}', '{"ab":"c"}', '{"ab":"c"}']);
  });

  test("__proto__ is a key like others, in the view, in snapshots and at the end", () => {
    const text = '{"__proto__":{"polluted":1,"__proto__":"text"},"a":[{"__proto__":1}]}';
    const json = new IncrementalJson();
    for (const unit of units(text)) {
      json.push(unit);
      for (const view of [json.value, json.snapshot()]) {
        expect(Object.getPrototypeOf(view)).toBe(Object.prototype);
        expect(isDeepStrictEqual(view, referenceJsonView(json.text))).toBe(true);
      }
    }
    expect(Object.keys(json.value as object)).toEqual(["__proto__", "a"]);
    expect(isDeepStrictEqual(json.end().value, JSON.parse(text))).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("names that objects inherit are own keys, even where the prototype has setters of such names", () => {
    // oxlint-disable-next-line no-extend-native -- a polluted page is what this is about; it is cleaned below
    Object.defineProperty(Object.prototype, "inherited", {
      configurable: true,
      get: () => "wrong",
      set: () => {
        throw new Error("a setter of the prototype ran");
      },
    });
    try {
      const { value } = read(units('{"inherited":"own","toString":1}'));
      expect(JSON.stringify(value)).toBe('{"inherited":"own","toString":1}');
    } finally {
      delete (Object.prototype as { inherited?: unknown }).inherited;
    }
  });
});

describe("text after the value", () => {
  test.each<[text: string, value: JsonValue, position: number]>([
    ['{"a":1}x', { a: 1 }, 7],
    ['{"a":1}{"b":2}', { a: 1 }, 7],
    ['{"a":1} \n "b"', { a: 1 }, 10],
    ["[1]]", [1], 3],
    ["1 2", 1, 2],
    ["1,2", 1, 1],
    ["true]", true, 4],
    ['"a""b"', "a", 3],
  ])("%j is reported; the value stays, and the text is kept", (text, value, position) => {
    for (const pieces of everyCut(text)) {
      const json = feed([...pieces, " and more"]);
      expect(json).toMatchObject({ state: "invalid", trailing: true, value, text: `${text} and more` });
      expect(json.end()).toStrictEqual({
        state: "invalid",
        value,
        trailing: true,
        error: { message: `There is text after the JSON value at position ${position}.`, position },
      });
    }
  });

  test("white space is none", () => {
    expect(read(["{}", " \n", "\t\r"])).toStrictEqual({ state: "complete", value: {} });
  });
});

describe("text that is no JSON", () => {
  test.each<[text: string, position: number, shown: JsonValue | undefined]>([
    ["x", 0, undefined],
    ["\uFEFF{}", 0, undefined],
    ["\u00a0{}", 0, undefined],
    ["]", 0, undefined],
    [",", 0, undefined],
    ["'a'", 0, undefined],
    ["{a:1}", 1, {}],
    ['{"a" 1}', 5, {}],
    ['{"a":}', 5, {}],
    ['{"a":1,}', 7, { a: 1 }],
    ['{"a":1 "b":2}', 7, { a: 1 }],
    ['{"a":1]', 6, { a: 1 }],
    ["{,}", 1, {}],
    ["{1:2}", 1, {}],
    ["[1,]", 3, [1]],
    ["[,1]", 1, []],
    ["[1 2]", 3, [1]],
    ["[1}", 2, [1]],
    ["[1:2]", 2, []],
    ['["a" "b"]', 5, ["a"]],
    ["[1] // note", 4, [1]],
    ["[/* note */1]", 1, []],
    ['["a\nb"]', 3, ["a"]],
    ['{"a\tb":1}', 3, {}],
    ['["\u0000"]', 2, [""]],
  ])("%j is told with its position, and what came before stays", (text, position, shown) => {
    for (const pieces of everyCut(text)) {
      const json = feed(pieces);
      const snapshot = json.snapshot();
      const { version } = json;
      json.push(' "more" ]}');
      expect(json).toMatchObject({ state: "invalid", value: shown, version, error: { position } });
      expect(json.error!.message).toMatch(new RegExp(` at position ${position}\\.$`));
      expect(json.snapshot()).toBe(snapshot);
      expect(json.text).toBe(`${text} "more" ]}`);
      expect(json.end()).toMatchObject({ state: "invalid", value: shown });
    }
  });
});

describe("tolerant", () => {
  test("takes raw control characters in strings and keys as they are, and records it", () => {
    const text = '{"a\tb":"line 1\nline 2\r\n\u0000 and a long tail behind it that is searched"}';
    for (const pieces of everyCut(text)) {
      expect(read(pieces, { tolerant: true })).toStrictEqual({
        state: "complete",
        value: { "a\tb": "line 1\nline 2\r\n\u0000 and a long tail behind it that is searched" },
        repaired: true,
      });
    }
  });

  test("says nothing of a repair where none was needed", () => {
    expect(read(['{"a":"\\n"}\n'], { tolerant: true })).toStrictEqual({ state: "complete", value: { a: "\n" } });
  });

  test("is as strict about everything else", () => {
    for (const text of ["[1,]", "{a:1}", '"\\x"', "01", "\u0000", "[1]x"]) expect(read([text], { tolerant: true }).state).toBe("invalid");
  });
});

describe("snapshots", () => {
  test("without a change are the same object, with one another", () => {
    const json = feed(['{"a":[1,']);
    const first = json.snapshot();
    for (const piece of [" ", "\n", "1", "2"]) {
      json.push(piece);
      expect(json.snapshot()).toBe(first);
    }
    json.push(",");
    expect(json.snapshot()).not.toBe(first);
    expect(first).toEqual({ a: [1] });
    expect(json.snapshot()).toEqual({ a: [1, 12] });
  });

  test("share what has closed, by identity, from its closing on", () => {
    const json = feed(['{"rows":[{"id":1},{"id":2}']);
    const one = json.snapshot() as { rows: unknown[] };
    json.push(',{"id":3,');
    const two = json.snapshot() as { rows: unknown[] };
    json.push('"note":"x"}]}');
    const three = json.snapshot() as { rows: unknown[] };
    expect([one.rows.length, two.rows.length, three.rows.length]).toEqual([2, 3, 3]);
    expect(two.rows[0]).toBe(one.rows[0]);
    expect(two.rows[1]).toBe(one.rows[1]);
    expect(three.rows.slice(0, 2)).toEqual(one.rows);
    expect(three.rows[1]).toBe(one.rows[1]);
    expect(two.rows[2]).toEqual({ id: 3 });
    expect(three).toBe(json.value);
  });

  test("copy the open path alone, however much has closed", () => {
    const json = feed([`{"rows":[${'{"a":{"b":[1]}},'.repeat(1000)}{"a":{"b":[`]);
    json.snapshot();
    // The root, its rows, the last row, its `a`, and `b`.
    expect(json.counters.containersCopied).toBe(5);
    json.snapshot();
    expect(json.counters.containersCopied).toBe(5);
  });

  test("are not the live tree while anything is open", () => {
    const json = feed(['[["a']);
    const snapshot = json.snapshot() as string[][];
    expect(snapshot).not.toBe(json.value);
    expect(snapshot[0]).not.toBe((json.value as string[][])[0]);
    json.push('b"]');
    expect(snapshot).toEqual([["a"]]);
  });

  test("there is none before the value", () => {
    expect(feed([" "]).snapshot()).toBeUndefined();
  });
});

describe("the live tree", () => {
  test("is one object that grows, and its version moves with it", () => {
    const json = feed(["{"]);
    const tree = json.value;
    const versions = ['"a"', ":", '"', "x", "y", '"', ",", '"b":1', "2", " ", "}"].map((piece) => {
      const { version } = json;
      json.push(piece);
      expect(json.value).toBe(tree);
      return json.version !== version;
    });
    expect(versions).toEqual([false, false, true, true, true, false, false, false, false, true, true]);
    expect(tree).toEqual({ a: "xy", b: 12 });
  });
});

describe("callbacks", () => {
  const log = (pieces: Iterable<string>): string[] => {
    const lines: string[] = [];
    const json = new IncrementalJson({
      onDelta: (path, appended) => lines.push(`${path.join(".")} += ${appended}`),
      onValue: (path, value) => lines.push(`${path.join(".")} = ${JSON.stringify(value)}`),
    });
    for (const piece of pieces) json.push(piece);
    json.end();
    return lines;
  };

  test("tell each piece of a string once, and each value when it is whole", () => {
    expect(log(['{"a":"he', 'llo","b":[1', "2,", "tru", 'e,"",{}]', "}"])).toEqual([
      "a += he",
      "a += llo",
      'a = "hello"',
      "b.0 = 12",
      "b.1 = true",
      'b.2 = ""',
      "b.3 = {}",
      'b = [12,true,"",{}]',
      ' = {"a":"hello","b":[12,true,"",{}]}',
    ]);
  });

  test("a piece with escapes is one delta, decoded", () => {
    expect(log([String.raw`"a\nb\u0041`, String.raw`\t"`])).toEqual([" += a\nbA", " += \t", String.raw` = "a\nbA\t"`]);
  });

  test("keys give no deltas", () => {
    expect(log(['{"lo', 'ng":1}'])).toEqual(["long = 1", ' = {"long":1}']);
  });

  test("a number at the root is whole at the end", () => {
    expect(log(["1", "2"])).toEqual([" = 12"]);
    expect(log(["tru"])).toEqual([]);
  });

  test("the tree already holds what a callback tells", () => {
    const seen: unknown[] = [];
    const json: IncrementalJson = new IncrementalJson({
      onDelta: () => seen.push(structuredClone(json.value)),
      onValue: () => seen.push(structuredClone(json.value)),
    });
    json.push('["ab"');
    expect(seen).toEqual([["ab"], ["ab"]]);
  });

  test("a path is one array per string, and stays what it was", () => {
    const paths: JsonPath[] = [];
    feed(['{"a":["x', "y", 'z","x"],"b":"x","b":"y', '"}'], { onDelta: (path) => paths.push(path) });
    expect(paths).toEqual([["a", 0], ["a", 0], ["a", 0], ["a", 1], ["b"], ["b"]]);
    expect(paths[1]).toBe(paths[0]);
    expect(paths[2]).toBe(paths[0]);
    expect(paths[5]).not.toBe(paths[4]);
  });
});

describe("limits", () => {
  const depthError = expect.objectContaining({ code: "bad_frame", message: "The JSON is nested deeper than 512 levels." });

  test.each([
    ["arrays", "["],
    ["objects", '{"a":'],
    ["both", '[{"a":'],
  ])("%s 200,000 deep are a typed error, in one piece and in many", (_name, opening) => {
    const text = opening.repeat(200_000);
    expect(() => feed([text])).toThrow(ChatError);
    expect(() => feed([text])).toThrow(depthError);
    expect(() => feed(units(text.slice(0, 10_000)))).toThrow(depthError);
  });

  test("a depth of exactly the limit is none", () => {
    expect(read(["[".repeat(512), "]".repeat(512)]).state).toBe("complete");
    expect(read(["[[1]]"], { maxDepth: 2 }).state).toBe("complete");
    expect(() => feed(["[[[1]]]"], { maxDepth: 2 })).toThrow("deeper than 2 levels");
  });

  test("a higher limit needs no call stack", () => {
    const json = feed(["[".repeat(200_000), "]".repeat(200_000)], { maxDepth: 200_000 });
    expect(json.state).toBe("complete");
  });

  test("a text above maxLength is a typed error, and its piece is not kept", () => {
    const json = feed(['["1234567'], { maxLength: 10 });
    expect(() => json.push("89")).toThrow(expect.objectContaining({ code: "event_too_large" }));
    expect(json.text).toBe('["1234567');
    expect(json.value).toEqual(["1234567"]);
    expect(read(['["123', '4567"', "]"], { maxLength: 11 }).state).toBe("complete");
  });

  test("maxLength counts white space, and text after an error", () => {
    expect(() => feed(units(" ".repeat(11)), { maxLength: 10 })).toThrow(ChatError);
    expect(() => feed(units("x".repeat(11)), { maxLength: 10 })).toThrow(ChatError);
  });

  test("an error of a limit comes again with every push, while end() tells it as a result", () => {
    const json = feed(["[1,"], { maxDepth: 1 });
    expect(() => json.push('"a",[')).toThrow(ChatError);
    expect(() => json.push("]")).toThrow(ChatError);
    expect(() => json.push("")).toThrow(ChatError);
    expect(json.end()).toStrictEqual({
      state: "invalid",
      value: [1, "a"],
      error: { message: "The JSON is nested deeper than 1 levels.", position: 7 },
    });
  });
});

describe("cost", () => {
  const code = (size: number): string =>
    JSON.stringify({ path: "a.ts", content: '  const value = compute("x", 1);\n'.repeat(Math.ceil(size / 36)).slice(0, size) });
  const rows = (size: number): string =>
    JSON.stringify({ rows: Array.from({ length: Math.ceil(size / 50) }, (_, id) => ({ id, name: `Name ${id}`, ok: true, price: 1.5 })) });
  const inFours = (text: string): string[] =>
    Array.from({ length: Math.ceil(text.length / 4) }, (_, index) => text.slice(index * 4, index * 4 + 4));

  test.each([
    ["one long string", code],
    ["many rows", rows],
  ])("%s: each unit is looked at once or twice, at 100 KB as at 1 MB, in pieces of four", { timeout: 30_000 }, (_name, make) => {
    for (const size of [100_000, 1_000_000]) {
      const text = make(size);
      const json = feed(inFours(text));
      expect(json.counters.unitsScanned).toBeLessThan(text.length * 2);
      expect(json.end().state).toBe("complete");
    }
  });

  test("a long number, a long key and a long run of white space are read once too", () => {
    for (const text of [
      `[${"1".repeat(100_000)}]`,
      `{"${"k".repeat(100_000)}":1}`,
      `[${" ".repeat(100_000)}]`,
      `["${"\\n".repeat(50_000)}"]`,
    ]) {
      const json = feed(inFours(text));
      expect(json.counters.unitsScanned).toBeLessThan(text.length * 2);
      expect(json.end().value).toEqual(JSON.parse(text));
    }
  });

  test("whole documents, one after another in one piece each, are not searched past their strings", () => {
    const random = createRandom(1);
    for (let count = 0; count < 100; count++) {
      const text = randomJson(random, 5);
      expect(feed([text]).counters.unitsScanned).toBeLessThanOrEqual(text.length * 2);
    }
  });

  test("a view after each piece of a 1 MB string does not read the string: seconds would be minutes", { timeout: 20_000 }, () => {
    const json = new IncrementalJson();
    let shown = 0;
    for (const piece of inFours(code(1_000_000))) {
      json.push(piece);
      shown += ((json.value as { content?: string }).content ?? "").length;
      json.snapshot();
    }
    expect(shown).toBeGreaterThan(0);
    expect(json.end().state).toBe("complete");
  });
});
