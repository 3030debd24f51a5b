import { describe, expect, test } from "vitest";

import { bytesOf } from "../testing/chunked.ts";
import { forSeeds } from "../testing/random.ts";
import { SseDecoder } from "./decoder.ts";
import { encodeSseComment, encodeSseEvent } from "./encoder.ts";
import type { SseEvent } from "./event.ts";

function decode(text: string): { events: SseEvent[]; retries: number[]; comments: string[] } {
  const decoded = { events: [] as SseEvent[], retries: [] as number[], comments: [] as string[] };
  const decoder = new SseDecoder({
    onEvent: (event) => decoded.events.push(event),
    onRetry: (ms) => decoded.retries.push(ms),
    onComment: (comment) => decoded.comments.push(comment),
  });
  decoder.push(bytesOf(text));
  decoder.end();
  return decoded;
}

test("an event is written in the order retry, id, event, data", () => {
  expect(encodeSseEvent({ data: "x", id: 48, event: "a", retry: 1000 })).toBe("retry: 1000\nid: 48\nevent: a\ndata: x\n\n");
});

test("one data line stays one line", () => expect(encodeSseEvent({ id: 1, data: "{}" })).toBe("id: 1\ndata: {}\n\n"));

test("a field that is not given is not written", () => {
  expect(encodeSseEvent({ retry: 0 })).toBe("retry: 0\n\n");
  expect(encodeSseEvent({})).toBe("\n");
});

test("empty data is still an event", () =>
  expect(decode(encodeSseEvent({ data: "" })).events).toEqual([{ type: "message", data: "", lastEventId: "" }]));

test("an empty id resets the id", () => {
  expect(
    decode(encodeSseEvent({ id: "1", data: "a" }) + encodeSseEvent({ id: "", data: "b" })).events.map(({ lastEventId }) => lastEventId),
  ).toEqual(["1", ""]);
});

test("each line break of the data begins a data line, so it cannot forge an event", () => {
  expect(encodeSseEvent({ data: "a\nb\rc\r\nd\n" })).toBe("data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  expect(decode(encodeSseEvent({ data: "x\n\nevent: forged\nid: 9\n\n" })).events).toHaveLength(1);
});

test("a comment carries no event", () => {
  expect(encodeSseComment("keepalive")).toBe(": keepalive\n\n");
  expect(decode(encodeSseComment("keepalive"))).toEqual({ events: [], retries: [], comments: [" keepalive"] });
});

describe("what would forge a second event is refused", () => {
  test.each(["\r", "\n", "\0", "\r\n", "x\n\ndata: forged"])("%j in id, event and comment", (bad) => {
    expect(() => encodeSseEvent({ id: bad, data: "x" })).toThrow(TypeError);
    expect(() => encodeSseEvent({ event: bad, data: "x" })).toThrow(TypeError);
    expect(() => encodeSseComment(bad)).toThrow(TypeError);
  });

  test.each([1.5, -1, Number.NaN, Number.POSITIVE_INFINITY])("a retry of %s", (retry) => {
    expect(() => encodeSseEvent({ retry })).toThrow(TypeError);
  });

  test("the error names the field", () => expect(() => encodeSseEvent({ id: "\n" })).toThrow(/\bid\b/));
});

test("10,000 random data strings come back through the decoder, with line breaks as LF", () => {
  const pieces = [
    "a",
    " ",
    "  ",
    ":",
    "data: ",
    "id: 1",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\0",
    "\uFEFF",
    "é",
    "漢",
    "😀",
    "\u2028",
    "\u0085",
    "{}",
    "",
  ];
  forSeeds(10_000, (random) => {
    let data = "";
    for (let count = random.below(12); count > 0; count--) data += random.pick(pieces);
    const id = random.pick(["", "1", "é", " x "]);
    const type = random.pick(["a", "漢 字", ":"]);
    const { events } = decode(encodeSseEvent({ id, event: type, data }));
    expect(events).toEqual([{ type, data: data.replace(/\r\n|\r/g, "\n"), lastEventId: id }]);
  });
});
