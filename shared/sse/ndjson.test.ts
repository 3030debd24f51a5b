import { describe, expect, test } from "vitest";

import { ChatError } from "../errors.ts";
import { byteByByte, bytesOf, everySplit, randomPieces } from "../testing/chunked.ts";
import { forSeeds } from "../testing/random.ts";
import type { SseEvent } from "./event.ts";
import { NdjsonDecoder } from "./ndjson.ts";

function decode(pieces: Iterable<Uint8Array | string>, maxEventBytes?: number): string[] {
  const lines: string[] = [];
  const decoder = new NdjsonDecoder({ onEvent: ({ data }) => lines.push(data), maxEventBytes });
  for (const piece of pieces) decoder.push(piece);
  decoder.end();
  return lines;
}

const CASES: [name: string, body: string, lines: string[]][] = [
  ["each line is one event", '{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']],
  ["the last line needs no line end", '{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']],
  ["CRLF ends a line", '{"a":1}\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']],
  ["a CR after the last line is none of it", '{"a":1}\r', ['{"a":1}']],
  ["a CR inside a line ends nothing", '{"a":\r1}\n', ['{"a":\r1}']],
  ["only one CR belongs to the line end", "1\r\r\n", ["1\r"]],
  ["empty lines are skipped", "\n\n1\n\n\r\n2\n\n", ["1", "2"]],
  ["lines of white space are skipped", " \t\n1\n \r\n", ["1"]],
  ["white space around a value stays", "  1 \n", ["  1 "]],
  ["one leading BOM is stripped", "\uFEFF1\n\uFEFF2\n", ["1", "\uFEFF2"]],
  ["characters of several bytes", '{"t":"é€😀"}\n"\u2028\u0085"\n', ['{"t":"é€😀"}', '"\u2028\u0085"']],
  ["an empty body has no events", "", []],
  ["a body of line ends has no events", "\n\r\n\n", []],
  ["what looks like an event stream is only text", "data: 1\n: 2\n", ["data: 1", ": 2"]],
];

describe("lines → events", () => {
  test.each(CASES)("%s, wherever the body is cut", (_name, body, lines) => {
    const bytes = bytesOf(body);
    expect(decode([body])).toEqual(lines);
    expect(decode([bytes])).toEqual(lines);
    expect(decode(byteByByte(bytes))).toEqual(lines);
    expect(decode(body.split(""))).toEqual(lines);
    expect(decode([new Uint8Array(), bytes, "", new Uint8Array()])).toEqual(lines);
    for (const pieces of everySplit(bytes)) expect(decode(pieces), `cut before byte ${pieces[0]!.length}`).toEqual(lines);
  });

  test("an event has the shape of a message without an id", () => {
    const events: SseEvent[] = [];
    const decoder = new NdjsonDecoder({ onEvent: (event) => events.push(event) });
    decoder.push('{"done":true}\n');
    expect(events).toEqual([{ type: "message", data: '{"done":true}', lastEventId: "" }]);
  });

  test("a line is given when its line end arrives, not later", () => {
    const lines: string[] = [];
    const decoder = new NdjsonDecoder({ onEvent: ({ data }) => lines.push(data) });
    decoder.push("1");
    expect(lines).toEqual([]);
    decoder.push("2\n3");
    expect(lines).toEqual(["12"]);
    decoder.end();
    decoder.end();
    expect(lines).toEqual(["12", "3"]);
  });

  test("bytes that are no UTF-8 become U+FFFD, a cut character at the end too", () => {
    expect(decode([new Uint8Array([0x22, 0xff, 0x22, 0x0a, 0xe2, 0x82])])).toEqual(['"\uFFFD"', "\uFFFD"]);
  });

  test("random bodies in random pieces agree with a split of the whole text", () => {
    forSeeds(3000, (random) => {
      const alphabet = ["a", "é", "😀", "\n", "\n", "\r\n", "\r", " ", "{", "\t"];
      const body = `x${Array.from({ length: random.below(40) }, () => random.pick(alphabet)).join("")}`;
      const lines = body
        .split("\n")
        .map((line) => line.replace(/\r$/, ""))
        .filter((line) => line.trim() !== "");
      expect(decode(randomPieces(bytesOf(body), random))).toEqual(lines);
    });
  });
});

describe("the limit of a line", () => {
  const long = "x".repeat(11);

  test.each([
    ["whole", [`${long}\n`]],
    ["in pieces", `${long}\n`.split("")],
    ["never ended", long.split("")],
    ["after others", ["1\n2\n", long, "\n"]],
    ["with a CRLF", [`${long}\r\n`]],
  ])("a line above it is an error, %s", (_name, pieces) => {
    expect(() => decode(pieces, 10)).toThrow(expect.objectContaining({ code: "event_too_large" }));
  });

  test("a line of exactly the limit is none, with either line end and in any pieces", () => {
    const line = "x".repeat(10);
    for (const body of [`${line}\n${line}\n`, `${line}\r\n${line}\r\n`, `${line}\n${line}`])
      for (const pieces of everySplit(bytesOf(body))) expect(decode(pieces, 10)).toEqual([line, line]);
  });

  test("the error comes again with every push, and end() gives nothing more", () => {
    const lines: string[] = [];
    const decoder = new NdjsonDecoder({ onEvent: ({ data }) => lines.push(data), maxEventBytes: 10 });
    expect(() => decoder.push(long)).toThrow(ChatError);
    expect(() => decoder.push("1\n")).toThrow(ChatError);
    decoder.end();
    expect(lines).toEqual([]);
  });

  test("a line of 4 MB in small pieces is joined once", () => {
    const piece = "x".repeat(64);
    const [line] = decode(Array.from({ length: 65_536 }, () => piece));
    expect(line).toHaveLength(4_194_304);
  });
});
