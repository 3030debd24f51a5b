import { describe, expect, test } from "vitest";

import type { StreamChunk } from "../protocol/chunk.ts";
import { answerOf, collect } from "../testing/answer.ts";
import { bytesOf, iterate } from "../testing/chunked.ts";
import type { Dialect } from "./dialect.ts";
import { readChunks } from "./read-chunks.ts";

const token = (content: string): string => `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
const FINISH = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
const DONE = "data: [DONE]\n\n";
const read = (text: string, options?: Parameters<typeof readChunks>[1]): Promise<StreamChunk[]> =>
  collect(readChunks(iterate([bytesOf(text)]), options));

test("an unknown dialect is the caller's mistake", async () => {
  await expect(read("", { dialect: "openai" as never })).rejects.toThrow(/unknown dialect "openai".*openai-chat/);
  await expect(read("", { dialect: "constructor" as never })).rejects.toThrow(TypeError);
});

test("a dialect of one's own can be given", async () => {
  const dialect: Dialect = {
    name: "my-own",
    framing: "sse",
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

  test("is no end of an answer whose end is the end of the body", async () => {
    const event = 'data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}\n\n';
    expect(answerOf(await collect(readChunks(breaking(event))))).toMatchObject({ text: "a", end: "error: network" });
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

test("an unfinished last event counts where the dialect says so, named or found out", async () => {
  for (const dialect of ["chanl", "auto"] as const) {
    const ours = '{"type":"token","content":"a","seq":1}\n\ndata: {"type":"done","reason":"stop","seq":2}';
    expect(answerOf(await read(`data: ${ours}`, { dialect })), dialect).toMatchObject({ text: "a", end: "error: truncated" });
  }
  for (const dialect of ["openai-chat", "auto"] as const) {
    expect(answerOf(await read(token("a") + FINISH.trimEnd(), { dialect })), dialect).toMatchObject({ text: "a", end: "stop" });
  }
});
