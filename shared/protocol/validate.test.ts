import { describe, expect, test } from "vitest";

import { ChatError } from "../errors.ts";
import { isTerminal } from "./chunk.ts";
import { parseEvent } from "./validate.ts";

const VALID: { [key: string]: unknown }[] = [
  { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 },
  { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1, requestId: "r" },
  { type: "token", content: "" },
  { type: "token", content: "x", refusal: true },
  { type: "reasoning", content: "x" },
  { type: "tool_call_delta", index: 0, arguments: "" },
  { type: "tool_call_delta", index: 3, id: "a", name: "f", arguments: "{" },
  { type: "tool_call", index: 0, id: "a", name: "f", arguments: {}, runsOn: "server" },
  { type: "tool_call", index: 0, id: "a", name: "f", arguments: null, argumentsText: "{", runsOn: "client", incomplete: true },
  { type: "tool_result", id: "a", name: "f", result: null, ms: 0 },
  { type: "tool_result", id: "a", name: "f", error: "x", ms: 1.5 },
  { type: "source", id: "1", title: "T" },
  { type: "step", n: 1, reason: "tool_calls" },
  { type: "usage", inputTokens: 1, outputTokens: 2 },
  { type: "usage" },
  { type: "snapshot", message: { messageId: "m", chunks: [] } },
  { type: "snapshot", message: { messageId: "m", chunks: [{ type: "token", content: "x" }] } },
  { type: "done", reason: "stop" },
  {
    type: "done",
    reason: "length",
    usage: { inputTokens: 1 },
    metrics: { ttft: null, totalMs: 1, tokenCount: 0, tokensPerSecond: 0, decodeTokensPerSecond: 0 },
  },
  { type: "error", message: "x", code: "internal", retryable: false },
  { type: "error", message: "x", code: "something_new" },
  { type: "cancelled", reason: "user" },
];

test.each(VALID)("%j passes unchanged", (frame) => {
  const sent = { ...frame, seq: 7 };
  expect(parseEvent(JSON.stringify(sent))).toMatchObject({ chunk: sent, seq: 7 });
});

const WRONG: [frame: { [key: string]: unknown }, field: string][] = [
  [{ type: "start", messageId: "m", agentId: "a", model: "x" }, "streamId"],
  [{ type: "token" }, "content"],
  [{ type: "token", content: 7 }, "content"],
  [{ type: "reasoning", content: null }, "content"],
  [{ type: "tool_call_delta", index: -1, arguments: "" }, "index"],
  [{ type: "tool_call_delta", index: 0.5, arguments: "" }, "index"],
  [{ type: "tool_call_delta", index: 0, arguments: {} }, "arguments"],
  [{ type: "tool_call_delta", index: 0, id: null, arguments: "" }, "id"],
  [{ type: "tool_call", index: 0, id: "a", name: "f", arguments: {}, runsOn: "moon" }, "runsOn"],
  [{ type: "tool_call", index: 0, name: "f", arguments: {}, runsOn: "server" }, "id"],
  [{ type: "tool_call", index: 0, id: "a", name: "f", runsOn: "client" }, "arguments"],
  [{ type: "tool_result", id: "a", name: "f" }, "ms"],
  [{ type: "tool_result", id: "a", name: "f", ms: "1" }, "ms"],
  [{ type: "source", id: "1" }, "title"],
  [{ type: "source", id: "1", title: "T", url: 7 }, "url"],
  [{ type: "step", n: 1, reason: "because" }, "reason"],
  [{ type: "usage", inputTokens: "1" }, "inputTokens"],
  [{ type: "snapshot" }, "message"],
  [{ type: "snapshot", message: [] }, "message"],
  [{ type: "snapshot", message: { chunks: "x" } }, "message"],
  [{ type: "snapshot", message: { chunks: [null] } }, "message"],
  [{ type: "snapshot", message: { chunks: [{ type: "token", content: 7 }] } }, "message"],
  [{ type: "snapshot", message: { chunks: [{ content: "x" }] } }, "message"],
  [{ type: "snapshot", message: { chunks: [{ type: "snapshot", message: { chunks: [] } }] } }, "message"],
  [{ type: "done" }, "reason"],
  [{ type: "done", reason: "STOP" }, "reason"],
  [{ type: "done", reason: "stop", metrics: 7 }, "metrics"],
  [{ type: "done", reason: "stop", usage: "x" }, "usage"],
  [{ type: "error", code: "internal" }, "message"],
  [{ type: "error", message: "x", code: 7 }, "code"],
  [{ type: "error", message: "x", code: "internal", retryable: "yes" }, "retryable"],
  [{ type: "cancelled" }, "reason"],
];

describe("a wrong type of a known field makes the frame bad", () => {
  test.each(WRONG)("%j: %s", (frame, field) => {
    let error: unknown;
    try {
      parseEvent(JSON.stringify({ ...frame, seq: 7, note: "secret words" }));
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ChatError);
    expect(error).toMatchObject({ code: "bad_frame" });
    const { message } = error as ChatError;
    expect(message.endsWith(`: ${field}.`), message).toBe(true);
    expect(message).not.toContain("secret");
  });
});

describe("what is no frame at all", () => {
  test.each(["", "{", "nope", "[]", "null", "7", '"text"', "{}", '{"type":7}', '{"type":null}'])("%j is bad", (data) => {
    expect(() => parseEvent(data)).toThrow(expect.objectContaining({ code: "bad_frame" }));
  });
});

describe("what this version does not know", () => {
  test.each(["ping", "hologram", "constructor", "__proto__", "toString"])("the type %s has no chunk, but its seq counts", (type) => {
    expect(parseEvent(JSON.stringify({ type, seq: 7, streamId: "s" }))).toEqual({ chunk: null, seq: 7, streamId: "s" });
  });

  test("unknown fields pass", () => {
    expect(parseEvent('{"type":"token","content":"x","colour":"red"}').chunk).toEqual({ type: "token", content: "x", colour: "red" });
  });

  test("an unknown type inside a snapshot passes", () => {
    const chunks = [{ type: "hologram" }, { type: "token", content: "x" }];
    expect(parseEvent(JSON.stringify({ type: "snapshot", message: { chunks } })).chunk).toMatchObject({ message: { chunks } });
  });
});

test.each([["7"], [-1], [1.5], [null], [Number.MAX_SAFE_INTEGER + 1]])("a seq of %j is none", (seq) => {
  expect(parseEvent(JSON.stringify({ type: "token", content: "x", seq })).seq).toBeUndefined();
});

test("ids of the envelope are read only as strings", () => {
  expect(parseEvent('{"type":"ping","streamId":7,"requestId":{}}')).toEqual({ chunk: null });
  expect(parseEvent('{"type":"ping","streamId":"s","requestId":"r"}')).toEqual({ chunk: null, streamId: "s", requestId: "r" });
});

test("three types are terminal", () => {
  expect(["done", "error", "cancelled"].every((type) => isTerminal({ type }))).toBe(true);
  expect(
    VALID.filter((frame) => isTerminal(frame as { type: string })).every(({ type }) =>
      ["done", "error", "cancelled"].includes(type as string),
    ),
  ).toBe(true);
  expect(isTerminal({ type: "token" })).toBe(false);
});
