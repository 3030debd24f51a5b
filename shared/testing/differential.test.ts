/**
 * Recorded streams read by the provider's official SDK and by `readChunks`: the same text, the same calls, the same reason.
 * Where the SDK fails or says something else, the list below names the recording and how.
 */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";

import { readChunks } from "../dialects/read-chunks.ts";
import { answerOf, collect } from "./answer.ts";
import { bodyOf } from "./chunked.ts";
import { fixturesMissing, recordings } from "./fixtures.ts";

/** What both can be asked for. */
interface Said {
  text: string;
  refusal: string;
  calls: { id: string; name: string; arguments: unknown }[];
  /** The provider's own word. */
  reason: string | null;
}

/**
 * Recordings that the SDK's own stream helper cannot read, with what it says. We read them all: what they hold is in the
 * dialects' own tests. A recording that an SDK learns to read fails here, and leaves the list.
 */
const SDK_FAILS: { [provider: string]: { [recording: string]: string } } = {
  "openai-chat": {
    "mistral-tool-name-empty-in-2nd-delta": "missing role for choice 0",
    // The call at index 1 leaves a hole at 0 in its list.
    "tool-index-starts-at-1": "Cannot read properties of undefined (reading 'type')",
  },
  anthropic: {
    "spliced-second-message-start": 'Unexpected event order, got message_start before receiving "message_stop"',
    // These end without the last blank line, and the SDK drops the unfinished event: message_stop.
    "text-basic": "stream ended without producing a Message with role=assistant",
    "text-then-tool": "stream ended without producing a Message with role=assistant",
    "tool-args-cut-by-max-tokens": "stream ended without producing a Message with role=assistant",
  },
};

type Reader = (bytes: Uint8Array) => Promise<Said>;

/** A client whose requests are all answered with these bytes. */
const answering = (bytes: Uint8Array): { apiKey: string; maxRetries: number; fetch: typeof fetch } => ({
  apiKey: "none",
  maxRetries: 0,
  fetch: () => Promise.resolve(new Response(bodyOf([bytes]), { headers: { "Content-Type": "text/event-stream" } })),
});

const readWithOpenAi: Reader = async (bytes) => {
  const completion = await new OpenAI(answering(bytes)).chat.completions.stream({ model: "any", messages: [] }).finalChatCompletion();
  const { message, finish_reason: reason } = completion.choices[0]!;
  return {
    text: message.content ?? "",
    refusal: message.refusal ?? "",
    calls: (message.tool_calls ?? []).map((call) => {
      const { id, function: called } = call as { id: string; function: { name: string; arguments: string } };
      return { id, name: called.name, arguments: JSON.parse(called.arguments) as unknown };
    }),
    reason,
  };
};

const readWithAnthropic: Reader = async (bytes) => {
  const message = await new Anthropic(answering(bytes)).messages.stream({ model: "any", max_tokens: 1, messages: [] }).finalMessage();
  return {
    text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    refusal: "",
    calls: message.content.flatMap((block) =>
      block.type === "tool_use" || block.type === "server_tool_use" ? [{ id: block.id, name: block.name, arguments: block.input }] : [],
    ),
    reason: message.stop_reason,
  };
};

const REASONS: { [said: string]: string } = { end_turn: "stop", max_tokens: "length", tool_use: "tool_calls" };

/** What `readChunks` says, in the same words. */
async function readOurselves(bytes: Uint8Array, dialect: "openai-chat" | "anthropic"): Promise<Said> {
  const { text, refusal, toolCalls, end } = answerOf(await collect(readChunks(bodyOf([bytes]), { dialect })));
  return { text, refusal, calls: toolCalls.map(({ id, name, arguments: input }) => ({ id, name, arguments: input })), reason: end };
}

/** A refusal that OpenAI ends with a plain stop has a reason of its own with us. */
function inOurWords(said: Said): Said {
  const reason = REASONS[said.reason ?? ""] ?? said.reason;
  return { ...said, reason: reason === "stop" && said.refusal !== "" ? "refusal" : reason };
}

describe.each([
  ["openai-chat", readWithOpenAi],
  ["anthropic", readWithAnthropic],
] as const)("recordings of %s, read by the official SDK and by readChunks", (dialect, read) => {
  if (fixturesMissing) {
    test.skip(`skipped: ${fixturesMissing}`, () => undefined);
    return;
  }
  const failures = SDK_FAILS[dialect]!;
  const all = recordings(dialect);

  test.each(all.filter(({ name }) => !Object.hasOwn(failures, name)))("$name says the same", async ({ bytes }) => {
    expect(await readOurselves(bytes, dialect)).toEqual(inOurWords(await read(bytes)));
  });

  test.each(all.filter(({ name }) => Object.hasOwn(failures, name)))("$name fails in the SDK and not here", async ({ name, bytes }) => {
    await expect(read(bytes)).rejects.toThrow(failures[name]);
    const { text, calls, reason } = await readOurselves(bytes, dialect);
    expect(reason).toMatch(/^(stop|length|tool_calls)$/);
    expect(text !== "" || calls.length > 0).toBe(true);
  });

  test("the list of failures names no recording that is gone", () =>
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(failures))));
});
