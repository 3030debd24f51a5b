import { describe, expect, test } from "vitest";

import type { StreamChunk } from "../protocol/chunk.ts";
import { answerOf, collect } from "../testing/answer.ts";
import { bodyOf, bytesOf, iterate } from "../testing/chunked.ts";
import { ownStream } from "../testing/fixtures.ts";
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
    ["openai-responses/text-multibyte.sse", "Grüße 漢字 😀"],
    ["openai-responses/no-event-names.sse", "Hi"],
    ["gemini/text-multibyte.sse", "Grüße 漢字 😀"],
    ["gemini/answer-as-a-list.sse", "Hi"],
    ["ollama/text-multibyte.ndjson", "Grüße 漢字 😀"],
    ["ollama/generate-response.ndjson", "Hi"],
    ["ai-sdk-ui/text-multibyte.sse", "Grüße 漢字 😀"],
    ["ai-sdk-ui/unknown-fields-and-types.sse", "Hi"],
    ["ag-ui/text-multibyte.sse", "Grüße 漢字 😀"],
    ["ag-ui/first-event-is-not-the-start.sse", "Hi"],
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

describe("the headers of the response tell before the first event does", () => {
  const headers = (fields: Record<string, string>): Headers => new Headers(fields);

  test("a format that names itself", async () => {
    // By its first event this would be Anthropic's, and nothing of it would be read.
    const body = 'data: {"type":"ping"}\n\ndata: {"type":"text-delta","id":"t","delta":"Hi"}\n\ndata: [DONE]\n\n';
    const named = headers({ "x-vercel-ai-ui-message-stream": "v1", "content-type": "text/event-stream" });
    expect(answerOf(await read(body, { headers: named }))).toMatchObject({ text: "Hi", end: "stop" });
    expect(answerOf(await read(body)).text).toBe("");
    const ours = 'data: {"type":"text-delta","delta":"x"}\n\ndata: {"type":"token","content":"Hi","seq":2}\n\n';
    expect(answerOf(await read(ours, { headers: headers({ "x-chanl-stream": "v1" }) })).text).toBe("Hi");
    expect(answerOf(await read(ours)).text).toBe("x");
  });

  test("lines of JSON, whatever their first byte", async () => {
    const body = '7\n{"message":{"content":"Hi"},"done":true}\n';
    for (const type of ["application/x-ndjson", "application/x-ndjson; charset=utf-8", "Application/JSONL", "application/ndjson"]) {
      const reports: string[] = [];
      const chunks = await read(body, { headers: headers({ "content-type": type }), onReport: ({ code }) => reports.push(code) });
      expect(answerOf(chunks), type).toMatchObject({ text: "Hi", end: "stop" });
      // In an event stream that line would be a field nobody knows.
      expect(reports, type).toEqual(["bad_frame"]);
    }
  });

  test("an event stream, even when its first line is JSON", async () => {
    const chunks = await read(`{"odd":1}\n${token("Hi")}${FINISH}`, { headers: headers({ "content-type": "text/event-stream" }) });
    expect(answerOf(chunks)).toMatchObject({ text: "Hi", end: "stop" });
  });

  test("a named dialect is not overruled", async () => {
    const chunks = await read(token("Hi") + FINISH, { dialect: "openai-chat", headers: headers({ "x-chanl-stream": "v1" }) });
    expect(answerOf(chunks)).toMatchObject({ text: "Hi", end: "stop" });
  });

  test("other headers leave it to the body", async () => {
    const chunks = await read(token("Hi") + FINISH, { headers: headers({ "content-type": "application/json" }) });
    expect(answerOf(chunks).text).toBe("Hi");
  });
});
