/** Every dialect over recorded streams and our own, cut at every byte. */
import { describe, expect, test } from "vitest";

import type { ChatError } from "../errors.ts";
import type { StreamChunk, Usage } from "../protocol/chunk.ts";
import { answerOf, brokenRules, collect, type Answer, type AnswerCall } from "../testing/answer.ts";
import { byteByByte, everySplit, iterate, splitAt } from "../testing/chunked.ts";
import { fixturesMissing, ownStream, recordings, type Recording } from "../testing/fixtures.ts";
import type { DialectName } from "./dialect.ts";
import { readChunks } from "./read-chunks.ts";

interface Read {
  chunks: StreamChunk[];
  reports: ChatError[];
}

async function read(pieces: Iterable<Uint8Array>, dialect: DialectName | "auto"): Promise<Read> {
  const reports: ChatError[] = [];
  const chunks = await collect(readChunks(iterate(pieces), { dialect, onReport: (error) => reports.push(error) }));
  return { chunks, reports };
}

/** Ids that the accumulator makes up are new each time. */
const comparable = ({ chunks, reports }: Read): string =>
  JSON.stringify([chunks, reports.map(({ code }) => code)]).replace(/call_\d+_[\w-]+/g, "call_made_up");

/** Whole, byte by byte, every cut in two; with the dialect named and found out. */
async function inEveryChunking(bytes: Uint8Array, dialect: DialectName): Promise<Read> {
  const whole = await read([bytes], dialect);
  const expected = comparable(whole);
  expect(comparable(await read([bytes], "auto")), "auto, whole").toBe(expected);
  expect(comparable(await read(byteByByte(bytes), dialect)), "byte by byte").toBe(expected);
  expect(comparable(await read(byteByByte(bytes), "auto")), "auto, byte by byte").toBe(expected);
  for (const pieces of everySplit(bytes)) {
    const got = comparable(await read(pieces, dialect));
    if (got !== expected) expect(got, `cut before byte ${pieces[0]!.length}`).toBe(expected);
  }
  // The dialect is found out in the first event; cuts behind it say nothing new.
  for (let at = 0; at <= Math.min(bytes.length, 400); at++) {
    const got = comparable(await read(splitAt(bytes, at), "auto"));
    if (got !== expected) expect(got, `auto, cut before byte ${at}`).toBe(expected);
  }
  return whole;
}

type Json = { [key: string]: unknown };

function usageOf(usage: Json | null): Usage | null {
  if (!usage) return null;
  const detail = (key: string, name: string): unknown => (usage[key] as Json | undefined)?.[name];
  const figures = {
    inputTokens: usage["prompt_tokens"] ?? usage["input_tokens"],
    outputTokens: usage["completion_tokens"] ?? usage["output_tokens"],
    totalTokens: usage["total_tokens"],
    cachedInputTokens: detail("prompt_tokens_details", "cached_tokens") ?? usage["cache_read_input_tokens"],
    reasoningTokens: detail("completion_tokens_details", "reasoning_tokens") ?? detail("output_tokens_details", "thinking_tokens"),
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
}

/** The expected result of a recording in our words, as the protocol maps them. */
function expectedAnswer({ expected }: Recording): Answer {
  const refusal = (expected["refusal"] as string | undefined) ?? "";
  const toolCalls = (expected["toolCalls"] as Json[]).map((call): AnswerCall => {
    const cut = call["arguments"] === null;
    return {
      id: call["id"] as string,
      name: call["name"] as string,
      arguments: call["arguments"],
      runsOn: call["type"] === "server_tool_use" ? "provider" : "server",
      ...(cut ? { incomplete: true as const, argumentsText: call["raw"] as string } : {}),
    };
  });
  const reasons: { [reason: string]: string } = { end_turn: "stop", stop_sequence: "stop", max_tokens: "length", tool_use: "tool_calls" };
  const told = expected["finishReason"] as string;
  const reason = reasons[told] ?? told;
  const end = reason === "stop" && refusal !== "" ? "refusal" : reason;
  return {
    text: expected["text"] as string,
    reasoning: expected["reasoning"] as string,
    refusal,
    toolCalls,
    end,
    usage: usageOf(expected["usage"] as Json | null),
  };
}

describe.each(["openai-chat", "anthropic"] as const)("recordings of %s", (dialect) => {
  if (fixturesMissing) {
    test.skip(`skipped: ${fixturesMissing}`, () => undefined);
    return;
  }

  test.each(recordings(dialect))("$name, cut at every byte", { timeout: 60_000 }, async (recording) => {
    const { chunks, reports } = await inEveryChunking(recording.bytes, dialect);
    const { toolCalls, ...rest } = expectedAnswer(recording);
    const answer = answerOf(chunks);
    expect(answer).toMatchObject(rest);
    expect(answer.toolCalls).toEqual(toolCalls);
    expect(brokenRules(chunks)).toEqual([]);
    expect(reports).toEqual([]);
  });
});

const call = (id: string, name: string, args: unknown, more: Partial<AnswerCall> = {}): AnswerCall => ({
  id,
  name,
  arguments: args,
  runsOn: "server",
  ...more,
});
const cut = (id: string, name: string, argumentsText: string): AnswerCall => call(id, name, null, { incomplete: true, argumentsText });

type Expected = Partial<Answer> & { reports?: number };
const OPENAI_USAGE: Usage = { inputTokens: 12, outputTokens: 5, totalTokens: 17, cachedInputTokens: 4, reasoningTokens: 2 };
const ANTHROPIC_USAGE: Usage = { inputTokens: 25, outputTokens: 9 };
const A = call("call_a", "a", { x: 1 });

const OPENAI: { [name: string]: Expected } = {
  "text-multibyte": { text: "Grüße 漢字 😀", usage: OPENAI_USAGE },
  "first-chunk-without-choices": { text: "Hi" },
  "name-empty-in-second-delta": { toolCalls: [call("call_a", "search", { q: "x" })], end: "tool_calls" },
  "index-starts-at-1": { toolCalls: [call("call_a", "read", { p: 1 })], end: "tool_calls" },
  "index-missing": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
  "index-zero-for-each-call": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
  "index-changes-inside-a-call": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
  "calls-interleaved": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
  "name-in-two-pieces": { toolCalls: [call("call_a", "get_weather", {})], end: "tool_calls" },
  "call-without-id": { toolCalls: [call(expect.stringMatching(/^call_0_./) as string, "a", { x: 1 })], end: "tool_calls" },
  "no-role": { text: "Hi" },
  "arguments-whole": { toolCalls: [call("call_a", "a", {})], end: "tool_calls" },
  "arguments-empty": { toolCalls: [call("call_a", "a", {})], end: "tool_calls" },
  "arguments-missing": { toolCalls: [call("call_a", "a", {})], end: "tool_calls" },
  "arguments-as-object": { toolCalls: [call("call_a", "a", { x: [1, { y: null }] })], end: "tool_calls" },
  "arguments-look-complete-early": { toolCalls: [call("call_a", "a", 12)], end: "tool_calls" },
  "arguments-placeholder-then-object": { toolCalls: [call("call_a", "a", { x: 1 }, { argumentsText: '{}{"x":1}' })], end: "tool_calls" },
  "arguments-not-json": { toolCalls: [call("call_a", "a", null, { invalid: true, argumentsText: "{x: 1}" })], end: "tool_calls" },
  "arguments-cut-by-length": { toolCalls: [A, cut("call_b", "b", '{"y":"lo')], end: "length" },
  "arguments-not-begun-by-length": { toolCalls: [cut("call_a", "a", "")], end: "length" },
  "stop-after-a-call": { toolCalls: [A], end: "tool_calls" },
  "finish-inside-the-last-call-delta": { toolCalls: [A], end: "tool_calls" },
  "late-call-delta": { toolCalls: [A], end: "tool_calls", reports: 1 },
  "usage-inside-finish-chunk": { text: "Hi", usage: OPENAI_USAGE },
  "usage-of-groq": { text: "Hi", usage: OPENAI_USAGE },
  "usage-null-on-each-chunk": { text: "Hi", usage: OPENAI_USAGE },
  "three-choices": { text: "one two" },
  "choices-in-one-chunk": { text: "yes" },
  "comments-between": { text: "Hi" },
  "reasoning-content": { text: "Hi", reasoning: "Let me think." },
  reasoning: { text: "Hi", reasoning: "Let me think." },
  "reasoning-as-content-list": { text: "Hi", reasoning: "Hm." },
  refusal: { refusal: "I cannot do that.", end: "refusal" },
  "finish-content-filter": { text: "He", end: "content_filter" },
  "finish-unknown": { text: "He", end: "other" },
  "error-object": { text: "He", toolCalls: [cut("call_a", "a", '{"x":')], end: "error: provider_unavailable" },
  "error-string": { text: "He", end: "error: provider_error" },
  "malformed-event": { text: "Hello", reports: 3 },
  "unknown-fields-and-types": { text: "Hi" },
  "no-done": { text: "Hi" },
  "no-final-blank-line": { text: "Hi" },
  "done-without-finish-reason": { text: "Hi" },
  crlf: { text: "Hi" },
  truncated: { text: "Hel", toolCalls: [cut("call_a", "a", '{"x":1}')], end: "error: truncated" },
  "whole-message": { text: "Hi" },
};

const ANTHROPIC: { [name: string]: Expected } = {
  "text-with-pings": { text: "Grüße 漢字 😀" },
  "text-in-block-start": { text: "Hello" },
  "thinking-then-text": { text: "Hi", reasoning: "Let me think.", usage: { ...ANTHROPIC_USAGE, cachedInputTokens: 7, reasoningTokens: 4 } },
  "tool-no-args": { toolCalls: [call("toolu_a", "now", {})], end: "tool_calls" },
  "tool-args-in-pieces": {
    text: "Wait.",
    toolCalls: [call("toolu_a", "find", { q: "aé", n: 2 }), call("toolu_b", "read", {})],
    end: "tool_calls",
  },
  "tool-input-in-block-start": { toolCalls: [call("toolu_a", "find", { q: 1 })], end: "tool_calls" },
  "tool-args-cut-by-max-tokens": { toolCalls: [cut("toolu_a", "write", '{"text": "lo')], end: "length" },
  "tool-args-cut-block-stopped": { toolCalls: [cut("toolu_a", "write", '{"text": "lo')], end: "length" },
  "server-tool": { text: "Found.", toolCalls: [call("srvtoolu_a", "web_search", { query: "x" }, { runsOn: "provider" })] },
  "mcp-tool": { toolCalls: [call("mcptoolu_a", "list", { a: 1 }, { runsOn: "provider" })] },
  "stop-after-a-call": { toolCalls: [call("toolu_a", "find", { q: 1 })], end: "tool_calls" },
  "second-message-start": { toolCalls: [cut("toolu_a", "find", '{"q":"lo'), call("toolu_b", "find", { q: "long" })], end: "tool_calls" },
  refusal: { text: "Here", end: "refusal" },
  "finish-unknown": { text: "He", end: "other" },
  "error-mid-stream": { text: "He", toolCalls: [cut("toolu_a", "find", '{"q":')], end: "error: provider_unavailable", usage: null },
  "malformed-event": { text: "Hello", reports: 2 },
  "unknown-fields-and-types": { text: "Hi" },
  "spaces-inside-the-json": { text: "Hi" },
  "no-final-blank-line": { text: "Hi" },
  "no-message-stop": { text: "Hi" },
  "no-event-names": { text: "Hi" },
  truncated: { text: "Hel", toolCalls: [cut("toolu_a", "find", '{"q":1}')], end: "error: truncated", usage: null },
};

const CHANL: { [name: string]: Expected } = {
  "tool-loop": {
    text: "Grüße 😀 Done.",
    reasoning: "Hm.",
    toolCalls: [call("call_a", "find", { q: 1 })],
    usage: { inputTokens: 3, outputTokens: 4 },
  },
  "repeats-unknown-and-bad": { text: "Hello", end: "cancelled: user", reports: 2 },
  error: { text: "He", end: "error: provider_unavailable" },
  truncated: { text: "He", end: "error: truncated" },
};

const TABLES: [DialectName, { [name: string]: Expected }][] = [
  ["openai-chat", OPENAI],
  ["anthropic", ANTHROPIC],
  ["chanl", CHANL],
];

describe.each(TABLES)("our own streams of %s", (dialect, table) => {
  test.each(Object.entries(table))("%s, cut at every byte", { timeout: 60_000 }, async (name, { reports: count = 0, ...expected }) => {
    const { chunks, reports } = await inEveryChunking(ownStream(`${dialect}/${name}.sse`), dialect);
    const usage = dialect === "anthropic" ? ANTHROPIC_USAGE : null;
    expect(answerOf(chunks)).toEqual({ text: "", reasoning: "", refusal: "", toolCalls: [], end: "stop", usage, ...expected });
    expect(brokenRules(chunks)).toEqual([]);
    expect(reports.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => "bad_frame"));
  });

  test("a body cut after any byte keeps what came and ends exactly once", { timeout: 60_000 }, async () => {
    for (const name of Object.keys(table)) {
      const bytes = ownStream(`${dialect}/${name}.sse`);
      const whole = answerOf((await read([bytes], dialect)).chunks);
      for (let at = 0; at < bytes.length; at++) {
        const { chunks } = await read([bytes.subarray(0, at)], dialect);
        const answer = answerOf(chunks);
        const where = `${name} cut before byte ${at}`;
        const broken = brokenRules(chunks, dialect === "chanl");
        if (broken.length > 0) expect(broken, where).toEqual([]);
        if (!whole.text.startsWith(answer.text) || !whole.reasoning.startsWith(answer.reasoning)) expect(answer, where).toEqual(whole);
        // A cut never makes up an end: either the provider had said it, or the answer is truncated.
        if (answer.end !== whole.end) expect(answer.end, where).toBe("error: truncated");
        if (answer.end === "error: truncated") {
          for (const one of answer.toolCalls) {
            const same = whole.toolCalls.some((other) => JSON.stringify(other.arguments) === JSON.stringify(one.arguments));
            if (!one.incomplete && !same) expect(one, where).toMatchObject({ incomplete: true });
          }
        }
      }
    }
  });
});

describe("what a dialect says beside the text", () => {
  const whole = async (path: string, dialect: DialectName): Promise<StreamChunk[]> => (await read([ownStream(path)], dialect)).chunks;

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
      { type: "usage", ...OPENAI_USAGE },
      { type: "done", reason: "stop", usage: OPENAI_USAGE },
    ]);
  });

  test("calls without an id get one that no other turn has", async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => answerOf(await whole("openai-chat/call-without-id.sse", "openai-chat")).toolCalls[0]!.id),
    );
    expect(new Set(ids).size).toBe(2);
  });
});
