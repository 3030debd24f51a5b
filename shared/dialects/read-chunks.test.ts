import { describe, expect, test } from "vitest";

import type { StreamChunk } from "../protocol/chunk.ts";
import { answerOf, collect } from "../testing/answer.ts";
import { bodyOf, bytesOf, iterate } from "../testing/chunked.ts";
import { ownStream } from "../testing/fixtures.ts";
import { finishReason, providerError } from "./finish.ts";
import type { Dialect } from "./dialect.ts";
import { readChunks } from "./read-chunks.ts";

const token = (content: string): string => `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
const FINISH = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
const DONE = "data: [DONE]\n\n";
const read = (text: string, options?: Parameters<typeof readChunks>[1]): Promise<StreamChunk[]> =>
  collect(readChunks(iterate([bytesOf(text)]), options));

describe("auto tells the dialect from the first event", () => {
  test.each([
    ["openai-chat/text-multibyte.sse", "Grüße 漢字 😀"],
    ["openai-chat/first-chunk-without-choices.sse", "Hi"],
    ["openai-chat/comments-between.sse", "Hi"],
    ["anthropic/text-with-pings.sse", "Grüße 漢字 😀"],
    ["anthropic/no-event-names.sse", "Hi"],
    ["chanl/tool-loop.sse", "Grüße 😀 Done."],
  ])("%s", async (path, text) => {
    const chunks = await collect(readChunks(bodyOf([ownStream(path)])));
    expect(answerOf(chunks)).toMatchObject({ text, end: "stop" });
  });

  test("words of another dialect inside the text do not mislead it", async () => {
    const content = '{"seq": 1, "type":"start"} event: ping';
    expect(answerOf(await read(token(content) + FINISH + DONE)).text).toBe(content);
  });

  test("an error as the only event is read in any dialect", async () => {
    expect(answerOf(await read('data: {"error":{"message":"x","code":429}}\n\n')).end).toBe("error: provider_rate_limited");
    expect(answerOf(await read('event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"x"}}\n\n')).end).toBe(
      "error: provider_rate_limited",
    );
    expect(answerOf(await read('event: error\ndata: {"error":{"message":"x","code":429}}\n\n')).end).toBe("error: provider_rate_limited");
  });

  test("events that cannot be read do not decide", async () => {
    const body = new TextDecoder().decode(ownStream("anthropic/no-event-names.sse"));
    expect(answerOf(await read(`data: {broken\n\n${body}`)).text).toBe("Hi");
  });

  test("an empty body is truncated", async () =>
    expect(await read("")).toMatchObject([{ type: "error", code: "truncated", retryable: true }]));

  test("a page instead of a stream is truncated, and throws nothing", async () => {
    expect(answerOf(await read("<!doctype html>\n<title>502 Bad Gateway</title>\n")).end).toBe("error: truncated");
  });
});

test("an unknown dialect is the caller's mistake", async () => {
  await expect(read("", { dialect: "openai" as never })).rejects.toThrow(/unknown dialect "openai".*openai-chat/);
  await expect(read("", { dialect: "constructor" as never })).rejects.toThrow(TypeError);
});

test("a dialect of one's own can be given", async () => {
  const dialect: Dialect = {
    name: "chanl",
    flushAtEof: false,
    createReader: ({ emit }) => ({
      read: ({ data }) => emit(data === "end" ? { type: "done", reason: "stop" } : { type: "token", content: data }),
      end: () => undefined,
    }),
  };
  expect(await read("data: a\n\ndata: end\n\n", { dialect })).toEqual([
    { type: "token", content: "a" },
    { type: "done", reason: "stop" },
  ]);
});

test("nothing comes after the terminal chunk", async () => {
  expect(answerOf(await read(token("a") + FINISH + DONE + token("b") + FINISH + DONE)).text).toBe("a");
});

describe("a body that breaks", () => {
  async function* breaking(text: string): AsyncGenerator<Uint8Array> {
    yield bytesOf(text);
    await Promise.reject(new Error("ECONNRESET with secret words"));
  }

  test("ends with a network error after what came, without the error's own words", async () => {
    const chunks = await collect(readChunks(breaking(token("a") + token("b")), { dialect: "openai-chat" }));
    expect(answerOf(chunks)).toMatchObject({ text: "ab", end: "error: network" });
    expect(JSON.stringify(chunks)).not.toContain("secret");
  });

  test("completes what it left open as incomplete", async () => {
    const call = `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"n","arguments":"{}"}}]}}]}\n\n`;
    const chunks = await collect(readChunks(breaking(call), { dialect: "openai-chat" }));
    expect(answerOf(chunks)).toMatchObject({ toolCalls: [{ id: "a", arguments: null, incomplete: true }], end: "error: network" });
  });

  test("breaking before the first byte", async () => {
    async function* never(): AsyncGenerator<Uint8Array> {
      yield await Promise.reject<Uint8Array>(new Error("x"));
    }
    expect(answerOf(await collect(readChunks(never()))).end).toBe("error: network");
  });
});

describe("an event above maxEventBytes", () => {
  const large = token("x".repeat(300));

  test("ends with its own code after what came", async () => {
    expect(answerOf(await read(token("a") + large, { maxEventBytes: 200 }))).toMatchObject({ text: "a", end: "error: event_too_large" });
  });

  test("after the end of the answer says nothing more", async () => {
    const chunks = await read(token("a") + FINISH + DONE + large, { maxEventBytes: 200 });
    expect(chunks.filter(({ type }) => type === "done" || type === "error")).toEqual([{ type: "done", reason: "stop" }]);
  });
});

test("leaving the loop early closes the body", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytesOf(token("a"))),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const chunk of readChunks(body)) if (chunk.type === "token") break;
  expect(cancelled).toBe(true);
});

test("a terminal chunk closes the body, which may never end by itself", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytesOf(token("a") + FINISH + DONE)),
    cancel: () => {
      cancelled = true;
    },
  });
  expect(answerOf(await collect(readChunks(body))).end).toBe("stop");
  expect(cancelled).toBe(true);
});

describe("finish reasons", () => {
  const nothing = { callToRun: false, refusal: false };
  test.each([
    ["stop", "stop"],
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["STOP", "stop"],
    ["length", "length"],
    ["max_tokens", "length"],
    ["MAX_TOKENS", "length"],
    ["tool_calls", "tool_calls"],
    ["tool_use", "tool_calls"],
    ["content_filter", "content_filter"],
    ["SAFETY", "content_filter"],
    ["refusal", "refusal"],
    ["something_new", "other"],
    ["", "other"],
    ["toString", "other"],
    ["__proto__", "other"],
  ])("%j is %s", (reason, expected) => expect(finishReason(reason, nothing)).toBe(expected));

  test("a plain stop after a call to run is tool_calls", () =>
    expect(finishReason("end_turn", { callToRun: true, refusal: false })).toBe("tool_calls"));
  test("a plain stop after refusal text is refusal", () =>
    expect(finishReason("stop", { callToRun: false, refusal: true })).toBe("refusal"));
  test("another reason is not turned by either", () => expect(finishReason("length", { callToRun: true, refusal: true })).toBe("length"));
});

describe("a provider's error in our words", () => {
  test.each([
    [{ type: "authentication_error" }, "provider_auth", false],
    [{ code: "invalid_api_key" }, "provider_auth", false],
    [{ type: "permission_error" }, "provider_auth", false],
    [{ code: 401 }, "provider_auth", false],
    [{ status: "403" }, "provider_auth", false],
    [{ type: "rate_limit_error" }, "provider_rate_limited", true],
    [{ code: "insufficient_quota" }, "provider_rate_limited", true],
    [{ code: 429 }, "provider_rate_limited", true],
    [{ type: "overloaded_error" }, "provider_unavailable", true],
    [{ code: 503 }, "provider_unavailable", true],
    [{ type: "api_error" }, "provider_error", true],
    [{ code: 4290 }, "provider_error", true],
    [{}, "provider_error", true],
    [{ type: { deep: 1 }, code: null, message: 7 }, "provider_error", true],
  ])("%j is %s", (error, code, retryable) => expect(providerError(error)).toMatchObject({ type: "error", code, retryable }));
});
