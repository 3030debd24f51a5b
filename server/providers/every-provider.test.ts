/** What holds for every provider, in its own wire format: usage, thinking, why it ended, retries, silence, Stop, the fallback model. */
import { expect, describe, onTestFinished, test } from "vitest";

import type { GatewayOptions } from "../gateway.ts";
import { dialectOf, textTurn, type ProviderDialect } from "../testing/dialect-replies.ts";
import { startReplayProvider, type ReplayProvider } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

const KEY = "key-of-the-provider";
const data = (...events: object[]): string[] => events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
const chat = (delta: object, finish_reason: string | null = null): object => ({ choices: [{ index: 0, delta, finish_reason }] });
const block = (index: number, type: string, delta: object): object[] => [
  { type: "content_block_start", index, content_block: { type } },
  { type: "content_block_delta", index, delta },
  { type: "content_block_stop", index },
];

interface Played {
  model: string;
  /** Thinks "hm", says "so", and is cut off at its limit after 7 tokens in and 5 out. */
  thinking: string[];
}

const PLAYED: Record<ProviderDialect, Played> = {
  openai: {
    model: "openai/m",
    thinking: data(chat({ role: "assistant", reasoning_content: "hm" }), chat({ content: "so" }), chat({}, "length"), {
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    }).concat("data: [DONE]\n\n"),
  },
  compatible: {
    model: "openai/llama3.2",
    thinking: data(chat({ role: "assistant", content: "", reasoning: "hm" }), chat({ role: "assistant", content: "so" }), {
      ...chat({ content: "" }, "length"),
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    }).concat("data: [DONE]\n\n"),
  },
  "openai-responses": {
    model: "openai-responses/m",
    thinking: data(
      { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 0, delta: "hm" },
      { type: "response.output_text.delta", output_index: 1, content_index: 0, item_id: "m", delta: "so" },
      {
        type: "response.incomplete",
        response: {
          status: "incomplete",
          incomplete_details: { reason: "max_output_tokens" },
          usage: { input_tokens: 7, output_tokens: 5, total_tokens: 12 },
        },
      },
    ),
  },
  anthropic: {
    model: "anthropic/m",
    thinking: data(
      { type: "message_start", message: { usage: { input_tokens: 7, output_tokens: 1 } } },
      ...block(0, "thinking", { type: "thinking_delta", thinking: "hm" }),
      ...block(1, "text", { type: "text_delta", text: "so" }),
      { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ),
  },
  gemini: {
    model: "gemini/m",
    thinking: data(
      { candidates: [{ content: { parts: [{ text: "hm", thought: true }] } }] },
      {
        candidates: [{ content: { parts: [{ text: "so" }] }, finishReason: "MAX_TOKENS" }],
        usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 5, totalTokenCount: 12 },
      },
    ),
  },
};
const DIALECTS = Object.keys(PLAYED) as ProviderDialect[];
/** The model that is asked when the one under test fails: of another provider. */
const second = (dialect: ProviderDialect): ProviderDialect => (dialect === "gemini" ? "anthropic" : "gemini");

async function start(dialect: ProviderDialect, more: GatewayOptions = {}): Promise<{ gateway: TestGateway; provider: ReplayProvider }> {
  const provider = await startReplayProvider();
  onTestFinished(() => provider.close());
  const baseUrl = provider.url;
  const gateway = await startTestGateway({
    openai: { baseUrl: `${baseUrl}/v1`, apiKey: KEY },
    anthropic: { baseUrl, apiKey: KEY, maxTokens: 100 },
    gemini: { baseUrl, apiKey: KEY },
    model: PLAYED[dialect].model,
    ...more,
  });
  return { gateway, provider };
}

const hi = userSays("hi");

describe.each(DIALECTS)("%s", (dialect) => {
  const { thinking, model } = PLAYED[dialect];
  const words = (): string[] => textTurn(dialect, ["one ", "two ", "three"]);
  /** So much of an answer that a word was said. */
  const half = (): string[] => words().slice(0, dialect === "anthropic" ? 3 : 1);

  test("thoughts come apart from the text, with the provider's figures and the reason it ended", async () => {
    const { gateway, provider } = await start(dialect);
    provider.reply({ slices: thinking });
    const events = await readAll(await postChat(gateway.url, hi));
    expect(events.filter(({ type }) => type === "reasoning")).toMatchObject([{ content: "hm" }]);
    expect(textOf(events)).toBe("so");
    const usage = { inputTokens: 7, outputTokens: 5 };
    expect(events.at(-1)).toMatchObject({ type: "done", reason: "length", usage, metrics: { tokenCount: 5 } });
    expect(events.at(-1)).not.toHaveProperty("metrics.estimated");
  });

  test("a refusal before the first byte is asked again; what breaks off after it is kept and not asked again", async () => {
    const { gateway, provider } = await start(dialect, { providerRetries: 2 });
    provider.reply({ status: 503, headers: { "Retry-After": "0.01" }, slices: [] }, { slices: words() });
    expect(textOf(await readAll(await postChat(gateway.url, hi)))).toBe("one two three");
    expect(provider.calls).toHaveLength(2);
    provider.reply({ slices: half(), ending: "reset" });
    const broken = await readAll(await postChat(gateway.url, hi));
    expect(textOf(broken)).toBe("one ");
    expect(broken.at(-1)).toMatchObject({ type: "error", code: "provider_error", retryable: true });
    expect(provider.calls).toHaveLength(3);
    expect(provider.calls.map(dialectOf)).toEqual([dialect, dialect, dialect]);
  });

  test("silence is ended, before the headers and in mid-answer, and the connection is given up", async () => {
    const { gateway, provider } = await start(dialect, { providerIdleMs: 700 });
    provider.reply({ slices: [], headersDelayMs: 10_000 }, { slices: half(), ending: "hang" });
    expect((await readAll(await postChat(gateway.url, hi))).at(-1)).toMatchObject({ type: "error", code: "provider_timeout" });
    const events = await readAll(await postChat(gateway.url, hi));
    expect(textOf(events)).toBe("one ");
    expect(events.at(-1)).toMatchObject({ type: "error", code: "provider_timeout" });
    await eventually(() => provider.calls.every(({ aborted }) => aborted), "the aborts");
  });

  test("Stop closes the connection to the provider", async () => {
    const { gateway, provider } = await start(dialect);
    provider.reply({ slices: half(), ending: "hang" });
    const response = await postChat(gateway.url, hi);
    const id = response.headers.get("x-stream-id");
    await readUntil(response, (events) => textOf(events) === "one ");
    await fetch(`${gateway.url}/api/chat/stream/${id}/cancel`, { method: "POST" });
    await eventually(() => provider.calls[0]?.aborted === true, "the abort");
    const events = await readAll(await fetch(`${gateway.url}/api/chat/stream/${id}`));
    expect(events.at(-1)).toMatchObject({ type: "cancelled", reason: "user" });
  });

  test.each([
    ["a key that is refused", { status: 401, slices: ["{}"] }],
    ["a model that is not known", { status: 404, slices: ["{}"] }],
    ["a server that is down", { status: 503, slices: ["{}"] }],
    ["an error as the first event", { slices: ['data: {"error":{"message":"x","type":"overloaded_error"}}\n\n'] }],
  ])("with %s the fallback model answers", async (_, refusal) => {
    const other = second(dialect);
    const agents = [{ id: "a", name: "A", instructions: "", tools: [], model, fallbackModel: PLAYED[other].model }];
    const { gateway, provider } = await start(dialect, { agents });
    provider.reply((call) => (dialectOf(call) === dialect ? refusal : { slices: textTurn(other, ["the ", "second"]) }));
    const events = await readAll(await postChat(gateway.url, { ...hi, agentId: "a" }));
    expect(textOf(events)).toBe("the second");
    expect(provider.calls.map(dialectOf)).toEqual([dialect, other]);
  });

  test("after the first token the fallback model is not asked", async () => {
    const agents = [{ id: "a", name: "A", instructions: "", tools: [], model, fallbackModel: PLAYED[second(dialect)].model }];
    const { gateway, provider } = await start(dialect, { agents });
    provider.reply({ slices: half(), ending: "reset" });
    const events = await readAll(await postChat(gateway.url, { ...hi, agentId: "a" }));
    expect(textOf(events)).toBe("one ");
    expect(events.at(-1)).toMatchObject({ type: "error" });
    expect(provider.calls).toHaveLength(1);
  });
});
