import { describe, expect, test } from "vitest";

import type { StreamChunk } from "../protocol/chunk.ts";
import { answerOf, collect } from "../testing/answer.ts";
import { bytesOf, iterate } from "../testing/chunked.ts";
import { readChunks } from "./read-chunks.ts";

const token = (content: string): string => `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
const FINISH = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
const read = (text: string, options?: Parameters<typeof readChunks>[1]): Promise<StreamChunk[]> =>
  collect(readChunks(iterate([bytesOf(text)]), options));

describe("the body tells its framing", () => {
  const LINE = '{"message":{"content":"Hi"},"done":true}';
  test.each([
    ["a bracket", LINE],
    ["white space and a bracket", ` \r\n\t${LINE}`],
    ["a byte order mark and a bracket", `\uFEFF${LINE}`],
  ])("%s is lines of JSON", async (_, body) => {
    const whole = bytesOf(body);
    for (let at = 0; at <= 8; at++) {
      const chunks = await collect(readChunks(iterate([whole.subarray(0, at), whole.subarray(at)])));
      expect(answerOf(chunks), `cut before byte ${at}`).toMatchObject({ text: "Hi", end: "stop" });
    }
  });

  test.each([
    ["blank lines", `\n\n${token("Hi")}${FINISH}`],
    ["a comment", `: ${LINE}\n\n${token("Hi")}${FINISH}`],
    ["more white space than any server sends", `${"\n".repeat(1000)}${token("Hi")}${FINISH}`],
  ])("%s is an event stream", async (_, body) => expect(answerOf(await read(body))).toMatchObject({ text: "Hi", end: "stop" }));

  test("a bracket alone on its line is a pretty-printed error", async () => {
    const error = JSON.stringify({ error: { code: 429, message: "x" } }, null, 2);
    expect(answerOf(await read(error)).end).toBe("error: provider_rate_limited");
    expect(answerOf(await read(error.replaceAll("\n", "\r\n"))).end).toBe("error: provider_rate_limited");
  });

  test.each(["{", " ", "\n {", "\uFEFF", "["])("a body of %j is truncated", async (body) =>
    expect(answerOf(await read(body)).end).toBe("error: truncated"),
  );
});

describe("JSON without data: in an event stream", () => {
  const error = (message: string): string => JSON.stringify({ error: { code: 503, message } }, null, 1);

  test("is read in every dialect of event streams", async () => {
    expect(answerOf(await read(`${token("a")}${error("x")}\n${token("b")}`, { dialect: "openai-chat" }))).toMatchObject({
      text: "a",
      end: "error: provider_unavailable",
    });
    const overloaded = JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "x" } });
    expect(answerOf(await read(overloaded, { dialect: "anthropic" })).end).toBe("error: provider_unavailable");
  });

  test("may hold any text in its strings", async () => {
    for (const message of ["a } b", "{[", '"', "\\", '\\"}', "ü😀", "data: x"]) {
      const chunks = await read(`${token("a")}${error(message)}`, { dialect: "openai-chat" });
      expect(chunks.at(-1)).toMatchObject({ code: "provider_unavailable", detail: message });
    }
  });

  test("that is none is reported, and the stream goes on", async () => {
    const reports: string[] = [];
    const chunks = await read(`${token("a")}{broken}\n${token("b")}${FINISH}`, { onReport: ({ code }) => reports.push(code) });
    expect(answerOf(chunks)).toMatchObject({ text: "ab", end: "stop" });
    expect(reports).toEqual(["bad_frame"]);
  });

  test("inside a line is not looked for", async () => {
    expect(answerOf(await read(`x{"error":1}\n: {"error":1}\n ${token("b").slice(0, -1)}\n${token("c")}${FINISH}`)).text).toBe("c");
  });

  test("is held to maxEventBytes, wherever it is cut", async () => {
    const body = bytesOf(`${token("a")}${error("x".repeat(300))}`);
    for (const pieces of [[body], Array.from(body, (_, at) => body.subarray(at, at + 1))]) {
      const chunks = await collect(readChunks(iterate(pieces), { maxEventBytes: 200 }));
      expect(answerOf(chunks)).toMatchObject({ text: "a", end: "error: event_too_large" });
    }
  });
});
