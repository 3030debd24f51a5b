import { describe, expect, test } from "vitest";

import type { ChatError } from "../errors.ts";
import type { JsonValue } from "../protocol/chunk.ts";
import { forSeeds } from "../testing/random.ts";
import { createToolCallAccumulator, type CompletedToolCall, type ToolCallFragment, type ToolCallProgress } from "./accumulator.ts";

interface Result {
  calls: CompletedToolCall[];
  progress: (ToolCallProgress | null)[];
  late: ChatError[];
}

function run(fragments: ToolCallFragment[], { cut = false } = {}): Result {
  const late: ChatError[] = [];
  const calls = createToolCallAccumulator({ onLate: (error) => late.push(error) });
  const progress = fragments.map((fragment) => calls.feed(fragment));
  return { calls: calls.finish({ cut }), progress, late };
}

/** Calls as `name(arguments)`, with what is wrong with them behind. */
const told = (fragments: ToolCallFragment[], options?: { cut?: boolean }): string[] =>
  run(fragments, options).calls.map((call) => {
    const flags = ["incomplete", "invalid", "repaired"].filter((flag) => call[flag as "incomplete"]);
    return [`${call.id.replace(/^(call_\d+)_.*/, "$1")} ${call.name}(${JSON.stringify(call.arguments)})`, ...flags].join(" ");
  });

/** The table of rules: what it is, the fragments, the calls. */
const RULES: [name: string, fragments: ToolCallFragment[], calls: string[]][] = [
  ["no arguments at all are {}", [{ index: 0, id: "a", name: "f", arguments: "" }], ["a f({})"]],
  ["arguments that were never sent are {}", [{ index: 0, id: "a", name: "f" }], ["a f({})"]],
  ["arguments of white space are {}", [{ index: 0, id: "a", name: "f", arguments: " \n" }], ["a f({})"]],
  [
    "'1' then '2' is 12",
    [
      { index: 0, id: "a", name: "f", arguments: "1" },
      { index: 0, arguments: "2" },
    ],
    ["a f(12)"],
  ],
  [
    "'{}' then an object is the object, flagged",
    [
      { index: 0, id: "a", name: "f", arguments: "{}" },
      { index: 0, arguments: '{"x":1}' },
    ],
    ['a f({"x":1}) repaired'],
  ],
  [
    "'{ }' with spaces then an object in pieces",
    [
      { index: 0, id: "a", name: "f", arguments: "{ } " },
      { index: 0, arguments: '{"x"' },
      { index: 0, arguments: ":1}" },
    ],
    ['a f({"x":1}) repaired'],
  ],
  [
    "an object {} then the text of the real one",
    [
      { index: 0, id: "a", name: "f", arguments: {} },
      { index: 0, arguments: '{"x":1}' },
    ],
    ['a f({"x":1}) repaired'],
  ],
  [
    "two whole objects, neither of them {}, are invalid",
    [
      { index: 0, id: "a", name: "f", arguments: '{"x":1}' },
      { index: 0, arguments: '{"y":2}' },
    ],
    ["a f(null) invalid"],
  ],
  [
    "an object then a line break is the object",
    [
      { index: 0, id: "a", name: "f", arguments: '{"x":1}' },
      { index: 0, arguments: "\n" },
    ],
    ['a f({"x":1})'],
  ],
  ["text behind the object is invalid", [{ index: 0, id: "a", name: "f", arguments: '{"x":1} thanks' }], ["a f(null) invalid"]],
  [
    "no index, two ids",
    [
      { id: "a", name: "f", arguments: '{"x"' },
      { id: "a", arguments: ":1}" },
      { id: "b", name: "g", arguments: "{}" },
    ],
    ['a f({"x":1})', "b g({})"],
  ],
  [
    "no index and no id goes to the last open call",
    [{ id: "a", name: "f", arguments: "" }, { arguments: '{"x":1}' }, { id: "b", name: "g" }, { arguments: "[2]" }],
    ['a f({"x":1})', "b g([2])"],
  ],
  [
    "the same index with two ids is two calls",
    [
      { index: 0, id: "a", name: "f", arguments: '{"x":1}' },
      { index: 0, id: "b", name: "g", arguments: '{"y":2}' },
    ],
    ['a f({"x":1})', 'b g({"y":2})'],
  ],
  [
    "the newer call owns the index",
    [
      { index: 0, id: "a", name: "f", arguments: "{}" },
      { index: 0, id: "b", name: "g", arguments: '{"y"' },
      { index: 0, arguments: ":2}" },
    ],
    ["a f({})", 'b g({"y":2})'],
  ],
  [
    "a known id beats the index",
    [
      { index: 0, id: "a", name: "f", arguments: '{"x"' },
      { index: 1, id: "b", name: "g", arguments: '{"y"' },
      { index: 1, id: "a", arguments: ":1}" },
      { id: "b", arguments: ":2}" },
    ],
    ['a f({"x":1})', 'b g({"y":2})'],
  ],
  [
    "a tail at an index of its own goes on with the last call",
    [
      { index: 0, id: "a", name: "f", arguments: "{}" },
      { index: 0, id: "b", name: "g", arguments: '{"y"' },
      { index: 1, arguments: ":2" },
      { index: 1, arguments: "}" },
    ],
    ["a f({})", 'b g({"y":2})'],
  ],
  [
    "an index from 1",
    [
      { index: 1, id: "a", name: "f", arguments: "{" },
      { index: 1, arguments: "}" },
    ],
    ["a f({})"],
  ],
  [
    "interleaved by index",
    [
      { index: 0, id: "a", name: "f" },
      { index: 1, id: "b", name: "g" },
      { index: 1, arguments: "[2" },
      { index: 0, arguments: "[1" },
      { index: 1, arguments: "]" },
      { index: 0, arguments: "]" },
    ],
    ["a f([1])", "b g([2])"],
  ],
  [
    "an id that comes after the name",
    [
      { index: 0, name: "f", arguments: "" },
      { index: 0, id: "a", arguments: "[1]" },
    ],
    ["a f([1])"],
  ],
  [
    "a call without any id gets one",
    [
      { index: 0, name: "f", arguments: "[1]" },
      { index: 1, name: "g", arguments: "[2]" },
    ],
    ["call_0 f([1])", "call_1 g([2])"],
  ],
  [
    "a later empty id and name overwrite nothing",
    [
      { index: 0, id: "a", name: "f", arguments: "" },
      { index: 0, id: "", name: "", arguments: "[1]" },
      { index: 0, id: null, name: null, arguments: "" },
    ],
    ["a f([1])"],
  ],
  [
    "a name in two pieces",
    [
      { index: 0, id: "a", name: "get_" },
      { index: 0, name: "weather", arguments: "{}" },
    ],
    ["a get_weather({})"],
  ],
  [
    "a name that is repeated",
    [
      { index: 0, id: "a", name: "f", arguments: "[" },
      { index: 0, id: "a", name: "f", arguments: "]" },
    ],
    ["a f([])"],
  ],
  [
    "a name that grows",
    [
      { index: 0, id: "a", name: "get_" },
      { index: 0, name: "get_weather", arguments: "{}" },
    ],
    ["a get_weather({})"],
  ],
  [
    "another name after arguments began overwrites nothing",
    [
      { index: 0, id: "a", name: "f", arguments: "[" },
      { index: 0, name: "g", arguments: "]" },
    ],
    ["a f([])"],
  ],
  ["arguments as an object", [{ index: 0, id: "a", name: "f", arguments: { x: [1, null] } }], ['a f({"x":[1,null]})']],
  [
    "an object after text replaces it",
    [
      { index: 0, id: "a", name: "f", arguments: '{"x"' },
      { index: 0, arguments: { y: 2 } },
    ],
    ['a f({"y":2})'],
  ],
  ["arguments null are none", [{ index: 0, id: "a", name: "f", arguments: null }], ["a f({})"]],
  ["text that stops inside a string is incomplete", [{ index: 0, id: "a", name: "f", arguments: '{"x":"lo' }], ["a f(null) incomplete"]],
  ["text that stops inside an escape is incomplete", [{ index: 0, id: "a", name: "f", arguments: '{"x":"lo\\' }], ["a f(null) incomplete"]],
  ["text that stops inside an array is incomplete", [{ index: 0, id: "a", name: "f", arguments: "[1," }], ["a f(null) incomplete"]],
  ["a bracket inside a string opens nothing", [{ index: 0, id: "a", name: "f", arguments: '"[{\\""x' }], ["a f(null) invalid"]],
  ["text that is no JSON is invalid", [{ index: 0, id: "a", name: "f", arguments: "{x: 1}" }], ["a f(null) invalid"]],
  [
    "__proto__ is a key like others",
    [{ index: 0, id: "a", name: "f", arguments: '{"__proto__":{"x":1}}' }],
    ['a f({"__proto__":{"x":1}})'],
  ],
];

describe("the rules", () => {
  test.each(RULES)("%s", (_, fragments, calls) => {
    expect(told(fragments)).toEqual(calls);
    expect(run(fragments).late).toEqual([]);
  });
});

describe("a cut", () => {
  test.each([
    ["text that parses", '{"x":1}'],
    ["text that does not", '{"x"'],
    ["no text", ""],
    ["a placeholder", "{}"],
  ])("makes a call with %s incomplete: it may have gone on", (_, text) => {
    const [call] = run([{ index: 0, id: "a", name: "f", arguments: text }], { cut: true }).calls;
    expect(call).toEqual({ index: 0, id: "a", name: "f", argumentsText: text, arguments: null, incomplete: true });
  });

  test("leaves a call that had ended as it was", () => {
    const calls = createToolCallAccumulator();
    calls.feed({ index: 0, id: "a", name: "f", arguments: "[1]" });
    calls.feed({ index: 1, id: "b", name: "g", arguments: "[2]" });
    expect(calls.complete({ index: 0 })).toMatchObject({ id: "a", arguments: [1] });
    expect(calls.finish({ cut: true })).toMatchObject([{ id: "b", incomplete: true }]);
  });

  test("leaves arguments that came whole as an object", () => {
    expect(run([{ index: 0, id: "a", name: "f", arguments: { x: 1 } }], { cut: true }).calls).toMatchObject([{ arguments: { x: 1 } }]);
  });
});

describe("a call ends once", () => {
  test("complete and then finish give it once", () => {
    const calls = createToolCallAccumulator();
    calls.feed({ index: 0, id: "a", name: "f" });
    expect(calls.complete({ id: "a" })).toMatchObject({ id: "a" });
    expect(calls.complete({ id: "a" })).toBeNull();
    expect(calls.complete({ index: 0 })).toBeNull();
    expect(calls.finish()).toEqual([]);
    expect(calls.finish()).toEqual([]);
  });

  test("text that parses ends nothing", () => {
    const calls = createToolCallAccumulator();
    calls.feed({ index: 0, id: "a", name: "f", arguments: "{}" });
    expect(calls.open()).toEqual([{ index: 0, id: "a", name: "f", argumentsText: "{}" }]);
  });

  test("a fragment after the end is reported and dropped, by id, index and neither", () => {
    const late: ChatError[] = [];
    const calls = createToolCallAccumulator({ onLate: (error) => late.push(error) });
    calls.feed({ index: 0, id: "a", name: "f", arguments: "{}" });
    calls.finish();
    expect(calls.feed({ id: "a", arguments: "x" })).toBeNull();
    expect(calls.feed({ index: 0, arguments: "x" })).toBeNull();
    expect(calls.feed({ arguments: "x" })).toBeNull();
    expect(late.map(({ code }) => code)).toEqual(["bad_frame", "bad_frame", "bad_frame"]);
    expect(calls.finish()).toEqual([]);
    expect(calls.open()).toEqual([]);
  });

  test("a new id after the end is a new call", () => {
    const calls = createToolCallAccumulator();
    calls.feed({ index: 0, id: "a", name: "f" });
    calls.finish();
    calls.feed({ index: 0, id: "b", name: "g", arguments: "[1]" });
    expect(calls.finish()).toMatchObject([{ index: 1, id: "b", arguments: [1] }]);
  });

  test("completing what is not open gives nothing", () => {
    const calls = createToolCallAccumulator();
    expect(calls.complete({ id: "x" })).toBeNull();
    expect(calls.complete({ index: 3 })).toBeNull();
    expect(calls.complete({})).toBeNull();
  });
});

describe("progress", () => {
  test("tells id and name once, with our index", () => {
    expect(
      run([
        { index: 4, id: "a", name: "f", arguments: "" },
        { index: 4, id: "a", name: "f", arguments: "[" },
        { index: 4, arguments: "]" },
      ]).progress,
    ).toEqual([
      { index: 0, id: "a", name: "f", arguments: "" },
      { index: 0, arguments: "[" },
      { index: 0, arguments: "]" },
    ]);
  });

  test("tells the whole name when it grew", () => {
    expect(
      run([
        { index: 0, name: "get_" },
        { index: 0, name: "weather" },
      ]).progress.map((progress) => progress?.name),
    ).toEqual(["get_", "get_weather"]);
  });

  test("tells an object as JSON text", () => {
    expect(run([{ index: 0, id: "a", name: "f", arguments: { x: 1 } }]).progress).toEqual([
      { index: 0, id: "a", name: "f", arguments: '{"x":1}' },
    ]);
  });
});

test("made-up ids differ between accumulators, so that two turns of one run do not share a call", () => {
  const id = (): string => run([{ index: 0, name: "f" }]).calls[0]!.id;
  expect(id()).not.toBe(id());
});

test("reset forgets everything", () => {
  const calls = createToolCallAccumulator();
  calls.feed({ index: 0, id: "a", name: "f", arguments: "[" });
  calls.reset();
  expect(calls.open()).toEqual([]);
  calls.feed({ index: 0, id: "b", name: "g", arguments: "[1]" });
  expect(calls.finish()).toMatchObject([{ index: 0, id: "b", arguments: [1] }]);
});

test("2,000 random sets of parallel calls come out whole, however they are cut and interleaved", () => {
  const values: JsonValue[] = [{}, { x: 1 }, [1, [2, { y: null }]], { text: 'a "quoted" \\ line\n{[' }, { 漢: "😀" }, 12, "word", true];
  forSeeds(2000, (random) => {
    const keyed = random.pick(["index", "id", "both"]);
    const wanted = Array.from({ length: 1 + random.below(4) }, (_, index) => ({
      index,
      id: `id_${index}`,
      name: `tool_${index}`,
      value: random.pick(values),
    }));
    const queues = wanted.map(({ index, id, name, value }) => {
      const text = JSON.stringify(value);
      const pieces: string[] = [];
      for (let at = 0; at < text.length;) {
        const length = 1 + random.below(6);
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      const key = (first: boolean): ToolCallFragment => ({
        ...(keyed === "id" ? {} : { index }),
        ...(first || keyed !== "index" ? { id } : {}),
      });
      return [{ ...key(true), name, arguments: "" }, ...pieces.map((piece) => ({ ...key(false), arguments: piece }))];
    });
    const fragments: ToolCallFragment[] = [];
    // Calls begin in order; what follows is mixed.
    for (const queue of queues) fragments.push(queue.shift()!);
    while (queues.some((queue) => queue.length > 0)) fragments.push(random.pick(queues.filter((queue) => queue.length > 0)).shift()!);
    const { calls, late } = run(fragments);
    expect(calls.map(({ index, id, name, arguments: value }) => ({ index, id, name, value }))).toEqual(wanted);
    expect(late).toEqual([]);
  });
});
