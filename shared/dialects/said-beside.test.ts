/** What the dialects say beside the answer. Each dialect's streams are in the test beside it. */
import { describe, expect, test } from "vitest";

import type { StreamChunk, Usage } from "../protocol/chunk.ts";
import { answerOf } from "../testing/answer.ts";
import { ownStream } from "../testing/fixtures.ts";
import { readPieces } from "../testing/streams/conformance.ts";
import type { DialectName } from "./dialect.ts";

const USAGE: Usage = { inputTokens: 12, outputTokens: 5, totalTokens: 17, cachedInputTokens: 4, reasoningTokens: 2 };

describe("what a dialect says beside the text", () => {
  const whole = async (path: string, dialect: DialectName): Promise<StreamChunk[]> => (await readPieces([ownStream(path)], dialect)).chunks;

  test("deltas of a call carry its id and name with the first, and our own index", async () => {
    const chunks = await whole("openai-chat/index-starts-at-1.sse", "openai-chat");
    expect(chunks.filter(({ type }) => type === "tool_call_delta")).toEqual([
      { type: "tool_call_delta", index: 0, id: "call_a", name: "read", arguments: "" },
      { type: "tool_call_delta", index: 0, arguments: '{"p":1}' },
    ]);
  });

  test("the provider's own words of an error are the detail, never the message", async () => {
    for (const [path, dialect] of [
      ["openai-chat/error-object.sse", "openai-chat"],
      ["openai-chat/error-string.sse", "openai-chat"],
      ["anthropic/error-mid-stream.sse", "anthropic"],
      ["openai-responses/failed.sse", "openai-responses"],
      ["openai-responses/error-with-fields-of-its-own.sse", "openai-responses"],
      ["gemini/error-unframed.sse", "gemini"],
      ["ollama/error-mid-stream.ndjson", "ollama"],
      ["ai-sdk-ui/error.sse", "ai-sdk-ui"],
      ["ag-ui/run-error.sse", "ag-ui"],
    ] as const) {
      const error = (await whole(path, dialect)).at(-1);
      expect(error).toMatchObject({ type: "error", detail: "secret words", retryable: true });
      expect(error).not.toMatchObject({ message: expect.stringContaining("secret") as string });
    }
  });

  test("a citation is a source", async () => {
    expect((await whole("anthropic/server-tool.sse", "anthropic")).filter(({ type }) => type === "source")).toEqual([
      { type: "source", id: "1", title: "T", url: "https://example.com/", snippet: "words" },
    ]);
  });

  test("usage is a chunk of its own before the end, and part of it", async () => {
    expect((await whole("openai-chat/usage-of-groq.sse", "openai-chat")).slice(-2)).toEqual([
      { type: "usage", ...USAGE },
      { type: "done", reason: "stop", usage: USAGE },
    ]);
  });

  test("calls without an id get one that no other turn has", async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => answerOf(await whole("openai-chat/call-without-id.sse", "openai-chat")).toolCalls[0]!.id),
    );
    expect(new Set(ids).size).toBe(2);
  });

  test("deltas of a call are the text of its arguments, however they came", async () => {
    for (const [path, dialect] of [
      ["openai-responses/tool-args-only-in-done.sse", "openai-responses"],
      ["openai-responses/custom-tool.sse", "openai-responses"],
      ["openai-responses/custom-tool-without-input.sse", "openai-responses"],
      ["gemini/function-call.sse", "gemini"],
      ["gemini/partial-args.sse", "gemini"],
      ["ollama/call-with-object-arguments.ndjson", "ollama"],
      ["ai-sdk-ui/tool-with-output.sse", "ai-sdk-ui"],
      ["ag-ui/tool-call.sse", "ag-ui"],
    ] as const) {
      const chunks = await whole(path, dialect);
      const said = chunks.filter((chunk) => chunk.type === "tool_call_delta").map((delta) => delta.arguments);
      expect(JSON.parse(said.join("")), path).toEqual(answerOf(chunks).toolCalls[0]!.arguments);
    }
  });

  test("of two errors the first is told", async () => {
    const chunks = await whole("openai-responses/error-then-failed.sse", "openai-responses");
    expect(chunks.filter(({ type }) => type === "error")).toMatchObject([{ code: "provider_rate_limited", detail: "secret words" }]);
  });

  test("a result names its tool", async () => {
    const chunks = await whole("ai-sdk-ui/tools-interleaved.sse", "ai-sdk-ui");
    expect(chunks.filter(({ type }) => type === "tool_result")).toEqual([
      { type: "tool_result", id: "call_b", name: "b", result: "two", ms: 0 },
      { type: "tool_result", id: "call_a", name: "a", result: "one", ms: 0 },
    ]);
  });

  test("a result that is an error is no result", async () => {
    const chunks = await whole("ai-sdk-ui/tool-output-error.sse", "ai-sdk-ui");
    expect(chunks.filter(({ type }) => type === "tool_result")).toEqual([
      { type: "tool_result", id: "call_a", name: "find", error: "boom", ms: 0 },
    ]);
  });

  test("a source keeps the provider's id where it has one", async () => {
    const ids = async (path: string, dialect: DialectName): Promise<string[]> =>
      (await whole(path, dialect)).filter((chunk) => chunk.type === "source").map(({ id }) => id);
    expect(await ids("ai-sdk-ui/sources.sse", "ai-sdk-ui")).toEqual(["s1", "s2", "s3"]);
    expect(await ids("gemini/grounding.sse", "gemini")).toEqual(["1", "2"]);
  });
});
