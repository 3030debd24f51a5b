import { createParser } from "eventsource-parser";
import { describe, expect, test } from "vitest";

import { ChatError } from "../errors.ts";
import { byteByByte, bytesOf, everySplit, randomPieces } from "../testing/chunked.ts";
import { fixtureJson, fixturesMissing } from "../testing/fixtures.ts";
import { forSeeds, type Random } from "../testing/random.ts";
import { referenceDecode, type Decoded, type DecodedStep } from "../testing/reference-decoder.ts";
import { SseDecoder, type SseDecoderOptions } from "./decoder.ts";

function decode(pieces: Iterable<Uint8Array | string>, options: Partial<SseDecoderOptions> = {}): Decoded {
  const steps: DecodedStep[] = [];
  const decoder = new SseDecoder({
    onEvent: (event) => steps.push({ event }),
    onRetry: (retry) => steps.push({ retry }),
    onComment: (comment) => steps.push({ comment }),
    ...options,
  });
  for (const piece of pieces) decoder.push(piece);
  decoder.end();
  return { steps, lastEventId: decoder.lastEventId };
}

const text = (input: string, options?: Partial<SseDecoderOptions>): Decoded => decode([bytesOf(input)], options);
const dataOf = ({ steps }: Decoded): string[] => steps.flatMap((step) => ("event" in step ? [step.event.data] : []));
const retriesOf = ({ steps }: Decoded): number[] => steps.flatMap((step) => ("retry" in step ? [step.retry] : []));

/** Whole, byte by byte, every cut in two, with an empty piece before, and as strings: all give the same. */
function inEveryChunking(input: Uint8Array, expected: Decoded, options?: Partial<SseDecoderOptions>): void {
  expect(decode([input], options)).toEqual(expected);
  expect(decode(byteByByte(input), options)).toEqual(expected);
  expect(decode([new Uint8Array(), input, new Uint8Array()], options)).toEqual(expected);
  for (const pieces of everySplit(input)) expect(decode(pieces, options), `cut before byte ${pieces[0]!.length}`).toEqual(expected);
}

interface WptCase {
  name: string;
  input: string;
  suggested_chunks?: string[];
  expected_events: { type: string; data: string; lastEventId: string }[];
  expected_retry: number | null;
  expected_final_last_event_id?: string;
}

describe("the cases of web-platform-tests", () => {
  if (fixturesMissing) {
    test.skip(`skipped: ${fixturesMissing}`, () => undefined);
    return;
  }
  const cases = fixtureJson("sse/wpt-eventsource-cases.json") as WptCase[];

  test("all 41 of them are there", () => expect(cases).toHaveLength(41));

  test.each(cases)("$name", (one) => {
    const check = (decoded: Decoded): void => {
      expect(decoded.steps.flatMap((step) => ("event" in step ? [step.event] : []))).toEqual(one.expected_events);
      expect(retriesOf(decoded).at(-1) ?? null).toBe(one.expected_retry);
      if (one.expected_final_last_event_id !== undefined) expect(decoded.lastEventId).toBe(one.expected_final_last_event_id);
    };
    const bytes = bytesOf(one.input);
    check(decode([bytes]));
    check(decode([one.input]));
    check(decode(byteByByte(bytes)));
    check(decode([new Uint8Array(), bytes]));
    for (const pieces of everySplit(bytes)) check(decode(pieces));
    if (one.suggested_chunks) check(decode(one.suggested_chunks.map(bytesOf)));
  });
});

const event = (data: string, lastEventId = "", type = "message"): DecodedStep => ({ event: { type, data, lastEventId } });

/** One row per duty of the standard: what it is, the body, the steps, the last event id at the end. */
const DUTIES: [name: string, input: string, steps: DecodedStep[], lastEventId?: string][] = [
  ["one leading BOM is stripped", "\uFEFFdata: x\n\n", [event("x")]],
  ["a second BOM is part of the field name", "\uFEFF\uFEFFdata: x\n\ndata: y\n\n", [event("y")]],
  ["a BOM inside the body is text", "data: \uFEFFx\n\n\uFEFFdata: y\n\n", [event("\uFEFFx")]],
  ["a BOM at the begin of a value is text", "data:\uFEFFx\n\n", [event("\uFEFFx")]],
  ["a body of one BOM is empty", "\uFEFF", []],
  ["LF ends a line", "data: a\ndata: b\n\n", [event("a\nb")]],
  ["CR ends a line", "data: a\rdata: b\r\r", [event("a\nb")]],
  ["CRLF ends one line", "data: a\r\ndata: b\r\n\r\n", [event("a\nb")]],
  ["LF CR are two line ends", "data: a\n\rdata: b\n\n", [event("a"), event("b")]],
  ["CR CR LF are two line ends", "data: a\r\r\ndata: b\n\n", [event("a"), event("b")]],
  ["CRLF LF are two line ends", "data: a\r\n\ndata: b\n\n", [event("a"), event("b")]],
  ["mixed line ends", "data: a\r\ndata: b\rdata: c\n\r", [event("a\nb\nc")]],
  ["U+2028, U+2029, U+0085, VT and FF are ordinary text", "data: \u2028\u2029\u0085\v\f\n\n", [event("\u2028\u2029\u0085\v\f")]],
  ["a comment is a line that begins with a colon", ":a\n: b\n::c\n\n", [{ comment: "a" }, { comment: " b" }, { comment: ":c" }]],
  ["a comment inside a block does not end it", "data: a\n:x\ndata: b\n\n", [event("a\nb"), { comment: "x" }].toReversed()],
  ["a line is split at its first colon", "data: a:b: c\n\n", [event("a:b: c")]],
  ["exactly one space after the colon is removed", "data:  a \n\n", [event(" a ")]],
  ["a tab after the colon stays", "data:\ta\n\n", [event("\ta")]],
  ["a line without a colon is a field without a value", "data\n\n", [event("")]],
  ["an empty data line still makes an event", "data:\n\n", [event("")]],
  ["two empty data lines are one line break", "data\ndata\n\n", [event("\n")]],
  ["an empty data line at the end keeps its line break", "data: a\ndata\n\n", [event("a\n")]],
  ["a block without a data line makes no event", "event: x\nid: 1\n\ndata: a\n\n", [event("a", "1")], "1"],
  ["field names are case-sensitive and not trimmed", "Data: a\n data: b\ndata : c\nDATA: d\n\ndata: e\n\n", [event("e")]],
  ["unknown fields are ignored", "foo: 1\ndata: a\nbar\n\n", [event("a")]],
  ["the event type is reset by each block", "event: x\ndata: a\n\ndata: b\n\n", [event("a", "", "x"), event("b")]],
  ["a block without data resets the event type too", "event: x\n\ndata: a\n\n", [event("a")]],
  ["an empty event type is message", "event: x\nevent\ndata: a\n\n", [event("a")]],
  ["the last event type of a block counts", "event: x\nevent: y\ndata: a\n\n", [event("a", "", "y")]],
  ["an event type keeps the spaces behind it", "event:  x \ndata: a\n\n", [event("a", "", " x ")]],
  [
    "an id lasts until the next one",
    "id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n",
    [event("a", "1"), event("b", "1"), event("c", "2")],
    "2",
  ],
  ["an id is committed by the blank line, without data too", "id: 7\n\n", [], "7"],
  ["an id without its blank line is not committed", "data: a\n\nid: 7\n", [event("a")], ""],
  ["an id with U+0000 is ignored", "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [event("a", "1"), event("b", "1")], "1"],
  ["`id:` resets the id", "id: 1\ndata: a\n\nid:\ndata: b\n\n", [event("a", "1"), event("b", "")], ""],
  ["`id` without a colon resets the id", "id: 1\ndata: a\n\nid\ndata: b\n\n", [event("a", "1"), event("b", "")], ""],
  ["the last id of a block counts", "id: 1\nid: 2\ndata: a\n\n", [event("a", "2")], "2"],
  ["an id keeps the spaces behind it", "id:  1 \ndata: a\n\n", [event("a", " 1 ")], " 1 "],
  ["retry takes effect at once, without a blank line", "retry: 10\n", [{ retry: 10 }]],
  ["retry of anything but digits is ignored", "retry: 1x\nretry: -1\nretry: 1.5\nretry: \nretry\nretry:  1\nretry: ١\nretry: +1\n\n", []],
  ["retry may begin with zeros", "retry: 007\n", [{ retry: 7 }]],
  ["U+0000 in data is text", "data: \0\n\n", [event("\0")]],
  [
    "data between events of other types stays in order",
    "event: a\ndata: 1\n\nevent: b\ndata: 2\n\n",
    [event("1", "", "a"), event("2", "", "b")],
  ],
  ["blank lines alone make no event", "\n\n\r\n\r\r\n", []],
  ["a character outside the BMP", "data: 😀é漢\n\n", [event("😀é漢")]],
  ["the end of the body discards an unfinished block with its id", "id: 1\ndata: a\n\nid: 2\ndata: b\n", [event("a", "1")], "1"],
  ["the end of the body discards an unfinished line", "data: a\n\ndata: b", [event("a")]],
];

describe("the duties of the standard, in every chunking", () => {
  test.each(DUTIES)("%s", (_, input, steps, lastEventId = "") => {
    inEveryChunking(bytesOf(input), { steps, lastEventId });
    expect(decode([input])).toEqual({ steps, lastEventId });
    expect(decode(input.split(""))).toEqual({ steps, lastEventId });
    // The reference is held to the same rows, so that the two cannot agree on a mistake.
    expect(referenceDecode(bytesOf(input))).toEqual({ steps, lastEventId });
  });

  test("a BOM split over three chunks is stripped", () => {
    expect(dataOf(decode([Uint8Array.of(0xef), Uint8Array.of(0xbb), Uint8Array.of(0xbf), bytesOf("data: x\n\n")]))).toEqual(["x"]);
  });

  test("a CR at the end of a chunk ends the line now", () => {
    const seen: string[] = [];
    const decoder = new SseDecoder({ onEvent: ({ data }) => seen.push(data) });
    decoder.push(bytesOf("data: a\r\r"));
    expect(seen).toEqual(["a"]);
  });

  test("a CRLF split between two chunks is one line end", () => {
    expect(dataOf(decode([bytesOf("data: a\r"), bytesOf("\ndata: b\r"), bytesOf("\n\r"), bytesOf("\ndata: c\n\n")]))).toEqual([
      "a\nb",
      "c",
    ]);
  });

  test("only the first LF after a CR at a chunk's end is swallowed", () => {
    expect(dataOf(decode([bytesOf("data: a\r"), bytesOf("\n\ndata: b\n\n")]))).toEqual(["a", "b"]);
    expect(dataOf(decode([bytesOf("data: a\r"), bytesOf("data: b\n\n")]))).toEqual(["a\nb"]);
  });

  test("an empty chunk between CR and LF changes nothing", () => {
    expect(dataOf(decode([bytesOf("data: a\r"), new Uint8Array(), "", bytesOf("\n\r"), bytesOf("\n")]))).toEqual(["a"]);
  });

  test("bytes that are no UTF-8 become U+FFFD, wherever they are cut", () => {
    const input = Uint8Array.of(...bytesOf("data: "), 0xff, 0xe2, 0x82, 0x41, 0xf0, 0x9f, 0x98, ...bytesOf("\n\n"));
    inEveryChunking(input, { steps: [event("\uFFFD\uFFFDA\uFFFD")], lastEventId: "" });
  });

  test("a character cut off by the end of the body is discarded with its block", () => {
    inEveryChunking(Uint8Array.of(...bytesOf("data: a\n\ndata: "), 0xe2, 0x82), { steps: [event("a")], lastEventId: "" });
  });
});

describe("flushAtEof", () => {
  test.each([
    ["an unfinished block is an event", "data: a\n\nid: 2\ndata: b\n", ["a", "b"], "2"],
    ["an unfinished line counts", "data: a\n\ndata: b", ["a", "b"], ""],
    ["a finished body gains nothing", "data: a\n\n", ["a"], ""],
    ["a body that ends with CR gains nothing", "data: a\r\n\r", ["a"], ""],
    ["an empty body gains nothing", "", [], ""],
    ["a block without data gains nothing, but commits its id", "event: x\nid: 3", [], "3"],
  ])("%s", (_, input, expected, lastEventId) => {
    for (const pieces of everySplit(bytesOf(input))) {
      const decoded = decode(pieces, { flushAtEof: true });
      expect(dataOf(decoded)).toEqual(expected);
      expect(decoded.lastEventId).toBe(lastEventId);
    }
  });

  test("a body that ends inside a character shows U+FFFD", () => {
    inEveryChunking(Uint8Array.of(...bytesOf("data: a"), 0xf0, 0x9f), { steps: [event("a\uFFFD")], lastEventId: "" }, { flushAtEof: true });
  });

  test("ending twice says nothing twice", () => {
    const seen: string[] = [];
    const decoder = new SseDecoder({ onEvent: ({ data }) => seen.push(data), flushAtEof: true });
    decoder.push("data: a");
    decoder.end();
    decoder.end();
    expect(seen).toEqual(["a"]);
  });
});

/** Pieces a stream is made of, the nasty ones often. */
const PIECES = [
  "data: ",
  "data:",
  "data",
  "id: ",
  "id",
  "event: ",
  "event",
  "retry: ",
  "retry:",
  ":",
  " ",
  "\n",
  "\n",
  "\n",
  "\r",
  "\r",
  "\r\n",
  "\r\n",
  "\n\n",
  "\r\n\r\n",
  "a",
  "bc",
  "12",
  "0",
  "\0",
  "\uFEFF",
  "é",
  "漢",
  "😀",
  "\u2028",
  "\u0085",
  "\v",
  "x: y",
  "Data: z",
  "data: long enough to leave the path of short chunks\n\n",
];
const BROKEN_BYTES = [0x80, 0xbf, 0xc3, 0xe2, 0xef, 0xbb, 0xf0, 0x9f, 0xff];

function randomStream(random: Random): Uint8Array {
  const bytes: number[] = random.chance(0.1) ? [0xef, 0xbb, 0xbf] : [];
  for (let count = 1 + random.below(24); count > 0; count--) {
    if (random.chance(0.04)) bytes.push(random.pick(BROKEN_BYTES));
    else bytes.push(...bytesOf(random.pick(PIECES)));
  }
  return Uint8Array.from(bytes);
}

test("100,000 random streams give what the slow reference gives, however they are cut", { timeout: 120_000 }, () => {
  let events = 0;
  forSeeds(100_000, (random) => {
    const bytes = randomStream(random);
    const flushAtEof = random.chance(0.5);
    const expected = JSON.stringify(referenceDecode(bytes, { flushAtEof }));
    const chunkings = [[bytes], [...byteByByte(bytes)], randomPieces(bytes, random), randomPieces(bytes, random)];
    for (const pieces of chunkings) {
      const decoded = decode(pieces, { flushAtEof });
      if (JSON.stringify(decoded) !== expected)
        expect(decoded, `cut into ${pieces.map((piece) => piece.length).join("+")} bytes`).toEqual(JSON.parse(expected));
      events += decoded.steps.length;
    }
  });
  if (process.env["CHANL_SEED"] === undefined) expect(events).toBeGreaterThan(10_000);
});

test("characters across the pieces of a long chunk stay whole", () => {
  // Long chunks are decoded in pieces, by two decoders: every place of a wide character against the pieces' ends, and all switches.
  const wide = "漢😀é";
  for (let shift = 0; shift < 12; shift++) {
    for (const filler of ["x".repeat(300), wide.repeat(40), `${wide}${"x".repeat(90)}`]) {
      const bytes = bytesOf(
        `: ${"s".repeat(shift)}\n${Array.from({ length: 40 }, (_, block) => `data: ${block}${filler}${wide}\n\n`).join("")}`,
      );
      const expected = referenceDecode(bytes);
      for (const length of [bytes.length, 3_000, 2_049, 33]) {
        const pieces = [];
        for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
        expect(decode(pieces), `shifted by ${shift}, in chunks of ${length} bytes`).toEqual(expected);
      }
    }
  }
});

test("eventsource-parser agrees wherever it keeps the standard", () => {
  forSeeds(2_000, (random) => {
    // Its known deviations are left out: CR at a chunk's end, a second BOM, blocks without data, an id with U+0000.
    let input = "";
    for (let blocks = 1 + random.below(6); blocks > 0; blocks--) {
      const lineEnd = random.pick(["\n", "\r\n"]);
      if (random.chance(0.3)) input += `event: ${random.pick(["x", "yz"])}${lineEnd}`;
      if (random.chance(0.3)) input += `: ${random.pick(["keepalive", "", "漢"])}${lineEnd}`;
      for (let lines = 1 + random.below(3); lines > 0; lines--)
        input += `${random.pick(["data: ", "data:"])}${random.pick(["", " ", "a:b", "😀", "{}"])}${lineEnd}`;
      input += lineEnd;
    }
    const theirs: [string, string][] = [];
    const parser = createParser({ onEvent: ({ event: type, data }) => theirs.push([type ?? "message", data]) });
    parser.feed(input);
    const ours = text(input).steps.flatMap((step): [string, string][] => ("event" in step ? [[step.event.type, step.event.data]] : []));
    expect(ours).toEqual(theirs);
  });
});

/** Counts the characters that searching, cutting and joining touch while `action` runs. */
function charactersTouched(action: () => void): number {
  let touched = 0;
  // oxlint-disable-next-line typescript/unbound-method -- called with the string they were called on
  const { indexOf, slice, split } = String.prototype;
  const { join } = Array.prototype;
  /* eslint-disable no-extend-native -- counted for one test, and put back */
  String.prototype.indexOf = function (this: string, search: string, from = 0): number {
    const found = indexOf.call(this, search, from);
    touched += (found === -1 ? this.length : found + 1) - from;
    return found;
  };
  String.prototype.slice = function (this: string, ...range: [number?, number?]): string {
    const piece = slice.apply(this, range);
    touched += piece.length;
    return piece;
  };
  String.prototype.split = function (this: string, ...how: [never]): string[] {
    touched += this.length;
    return split.apply(this, how);
  };
  Array.prototype.join = function (this: unknown[], separator?: string): string {
    const joined = join.call(this, separator);
    touched += joined.length;
    return joined;
  };
  try {
    action();
  } finally {
    String.prototype.indexOf = indexOf;
    String.prototype.slice = slice;
    String.prototype.split = split;
    Array.prototype.join = join;
  }
  /* eslint-enable no-extend-native */
  return touched;
}

describe("the cost is linear in the bytes", () => {
  const inPieces = (bytes: Uint8Array, size: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));

  test.each([
    ["one line of 1 MB", `data: ${"x".repeat(1_048_576)}\n\n`, 1],
    ["1 MB of short lines in one event", `${"data: 0123456789\n".repeat(65_536)}\n`, 1],
    ["1 MB of heartbeats", ": keepalive\n\n".repeat(80_659), 0],
    ["1 MB of heartbeats with CRLF", ": keepalive\r\n\r\n".repeat(69_905), 0],
  ])("%s in chunks of 64 bytes", (_, input, expected) => {
    const bytes = bytesOf(input);
    const pieces = inPieces(bytes, 64);
    let events = 0;
    const decoder = new SseDecoder({ onEvent: () => events++ });
    const touched = charactersTouched(() => {
      for (const piece of pieces) decoder.push(piece);
    });
    expect(events).toBe(expected);
    expect(touched / bytes.length).toBeLessThan(8);
  });
});

describe("maxEventBytes", () => {
  const failure = (action: () => void): unknown => {
    try {
      action();
    } catch (error) {
      return error;
    }
    return null;
  };

  test("an event above it ends with a typed error, and the decoder stays ended", () => {
    const seen: string[] = [];
    const decoder = new SseDecoder({ onEvent: ({ data }) => seen.push(data), maxEventBytes: 32 });
    decoder.push("data: small\n\n");
    const error = failure(() => decoder.push(`data: ${"x".repeat(40)}\n\n`));
    expect(error).toBeInstanceOf(ChatError);
    expect(error).toMatchObject({ code: "event_too_large", retryable: false });
    expect(failure(() => decoder.push("data: more\n\n"))).toBe(error);
    decoder.end();
    expect(seen).toEqual(["small"]);
  });

  test("a line that never ends is stopped before its end", () => {
    const decoder = new SseDecoder({ onEvent: () => undefined, maxEventBytes: 1000 });
    let pushed = 0;
    const error = failure(() => {
      for (; pushed < 10_000; pushed += 10) decoder.push("0123456789");
    });
    expect(error).toMatchObject({ code: "event_too_large" });
    expect(pushed).toBeLessThanOrEqual(1000);
  });

  test("many short lines add up to one large event", () => {
    const decoder = new SseDecoder({ onEvent: () => undefined, maxEventBytes: 100 });
    expect(failure(() => decoder.push("data: 12345\n".repeat(20)))).toMatchObject({ code: "event_too_large" });
  });

  test("many events below it add up to nothing", () => {
    expect(dataOf(decode(["data: 12345\n\n".repeat(100)], { maxEventBytes: 20 }))).toHaveLength(100);
  });

  test("heartbeats between the lines of a body add up to nothing", () => {
    expect(dataOf(decode([": keepalive\n".repeat(100), "data: x\n\n"], { maxEventBytes: 20 }))).toEqual(["x"]);
  });

  test("whether an event is too large does not depend on where it was cut", () => {
    for (const input of [
      "data: 0123456789\n\n",
      "data: 01234\ndata: 56789\n\n",
      "event: 0123456789\ndata: 1\n\n",
      ":0123456789012345\ndata: 1\n\n",
      "data\ndata\ndata\ndata\n\n",
    ]) {
      for (let maxEventBytes = 1; maxEventBytes < 30; maxEventBytes++) {
        const outcome = (pieces: Iterable<Uint8Array>): string =>
          failure(() => void decode(pieces, { maxEventBytes })) === null ? "fits" : "too large";
        const whole = outcome([bytesOf(input)]);
        for (const pieces of everySplit(bytesOf(input))) {
          expect(outcome(pieces), `${JSON.stringify(input)} with ${maxEventBytes}, cut before byte ${pieces[0]!.length}`).toBe(whole);
        }
        expect(outcome(byteByByte(bytesOf(input)))).toBe(whole);
      }
    }
  });
});
