/** The providers against a server that plays them: what a turn gives, and what is told when it fails. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { JsonValue, StreamChunk } from "../../shared/protocol/chunk.ts";
import { packageRoot } from "../package-root.ts";
import { byteByByte, openAiCall, openAiText, startReplayProvider, type ReplayProvider, type Reply } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, textOf, userSays } from "../testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "../testing/test-gateway.ts";
import { AnthropicProvider } from "./anthropic.ts";
import { GeminiProvider } from "./gemini.ts";
import { OpenAiProvider } from "./openai.ts";
import { OpenAiResponsesProvider } from "./openai-responses.ts";
import type { ModelTurn, Provider } from "./provider.ts";
import { parseRetryAfter } from "./upstream.ts";

const turn = (more: Partial<ModelTurn> = {}): ModelTurn => ({
  model: "m",
  instructions: "",
  messages: [{ role: "user", content: "hi" }],
  tools: [],
  signal: new AbortController().signal,
  ...more,
});

async function collect(provider: Provider, more: Partial<ModelTurn> = {}): Promise<StreamChunk[]> {
  const chunks: StreamChunk[] = [];
  for await (const chunk of provider.stream(turn(more))) chunks.push(chunk);
  return chunks;
}

async function replay(): Promise<ReplayProvider> {
  const provider = await startReplayProvider();
  onTestFinished(() => provider.close());
  return provider;
}

const PROVIDERS = {
  "openai-chat": OpenAiProvider,
  "openai-responses": OpenAiResponsesProvider,
  anthropic: AnthropicProvider,
  google: GeminiProvider,
};

const fixtures = join(process.env["CHANL_FIXTURES"] ?? join(packageRoot(), "..", "shared", "fixtures"), "streams");
if (!existsSync(fixtures)) console.warn(`recorded streams are not tested: there is no folder ${fixtures} (set CHANL_FIXTURES)`);

interface Expected {
  text: string;
  reasoning: string;
  refusal?: string;
  toolCalls: { id?: string; name: string; type?: string; arguments: JsonValue; raw: string }[];
}

const recordings = (["openai-chat", "openai-responses", "anthropic", "google"] as const).flatMap((dialect) =>
  existsSync(join(fixtures, dialect))
    ? readdirSync(join(fixtures, dialect))
        .filter((file) => file.endsWith(".sse"))
        .map((file) => ({ dialect, name: file.replace(/\.sse$/, "") }))
    : [],
);

test.skipIf(recordings.length === 0).each(recordings)(
  "$dialect/$name, byte by byte over the network, gives the recorded text and calls",
  { timeout: 30_000 },
  async ({ dialect, name }) => {
    const bytes = readFileSync(join(fixtures, dialect, `${name}.sse`));
    const expected = JSON.parse(readFileSync(join(fixtures, dialect, `${name}.expected.json`), "utf8")) as Expected;
    const upstream = await replay();
    upstream.reply({ slices: byteByByte(bytes) });
    const chunks = await collect(new PROVIDERS[dialect]({ baseUrl: upstream.url }));
    const join_ = (of: (chunk: StreamChunk) => string): string => chunks.map(of).join("");
    expect(join_((chunk) => (chunk.type === "token" && !chunk.refusal ? chunk.content : ""))).toBe(expected.text);
    expect(join_((chunk) => (chunk.type === "reasoning" ? chunk.content : ""))).toBe(expected.reasoning);
    expect(join_((chunk) => (chunk.type === "token" && chunk.refusal ? chunk.content : ""))).toBe(expected.refusal ?? "");
    const calls = chunks.filter((chunk) => chunk.type === "tool_call");
    expect(calls.map((call) => ({ id: call.id, name: call.name, arguments: call.arguments }))).toEqual(
      // Gemini names its calls with no id; they get one of ours.
      expected.toolCalls.map((call, at) => ({ id: call.id ?? calls[at]?.id, name: call.name, arguments: call.arguments })),
    );
    for (const [index, call] of calls.entries()) {
      if (call.arguments === null) expect(call.argumentsText).toBe(expected.toolCalls[index]?.raw);
    }
    expect(chunks.filter((chunk) => ["done", "error", "cancelled"].includes(chunk.type))).toHaveLength(1);
    // Two recordings end with the provider's own error.
    expect(chunks.at(-1)?.type).toBe(name.startsWith("error-") ? "error" : "done");
  },
);

test("OpenAI gets instructions, history, tool results and tools in its own form, and no key when there is none", async () => {
  const upstream = await replay();
  upstream.reply({ slices: openAiText(["ok"]) });
  await collect(new OpenAiProvider({ baseUrl: `${upstream.url}/v1/` }), {
    model: "llama",
    instructions: "Be short.",
    messages: [
      { role: "user", content: "weather?" },
      { role: "assistant", content: "", toolCalls: [{ id: "c1", name: "weather", arguments: { city: "Rome" } }] },
      { role: "tool", content: "sunny", toolCallId: "c1", name: "weather" },
    ],
    tools: [{ name: "weather", description: "Weather", parameters: { type: "object" } }],
    toolChoice: "none",
  });
  const call = upstream.calls[0];
  expect(call?.path).toBe("/v1/chat/completions");
  expect(call?.headers.authorization).toBeUndefined();
  expect(call?.body).toEqual({
    model: "llama",
    stream: true,
    stream_options: { include_usage: true },
    tool_choice: "none",
    tools: [{ type: "function", function: { name: "weather", description: "Weather", parameters: { type: "object" } } }],
    messages: [
      { role: "system", content: "Be short." },
      { role: "user", content: "weather?" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "sunny" },
    ],
  });
});

test("Anthropic gets one system text, alternating roles, and results as blocks of a user message", async () => {
  const upstream = await replay();
  upstream.reply({ slices: ['event: message_stop\ndata: {"type":"message_stop"}\n\n'] });
  await collect(new AnthropicProvider({ baseUrl: `${upstream.url}/v1`, apiKey: "k", maxTokens: 99 }), {
    model: "claude",
    instructions: "Be short.",
    messages: [
      { role: "system", content: "The page is Home." },
      { role: "user", content: "a" },
      { role: "user", content: "b" },
      {
        role: "assistant",
        content: "",
        toolCalls: [
          { id: "c1", name: "t", arguments: {} },
          { id: "c2", name: "t", arguments: null },
        ],
      },
      { role: "tool", content: "1", toolCallId: "c1" },
      { role: "tool", content: "2", toolCallId: "c2" },
    ],
    tools: [{ name: "t", description: "T", parameters: { type: "object" } }],
  });
  const call = upstream.calls[0];
  expect(call?.path).toBe("/v1/messages");
  expect(call?.headers).toMatchObject({ "x-api-key": "k", "anthropic-version": "2023-06-01" });
  expect(call?.body).toEqual({
    model: "claude",
    max_tokens: 99,
    stream: true,
    system: "Be short.\n\nThe page is Home.",
    tools: [{ name: "t", description: "T", input_schema: { type: "object" } }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "c1", name: "t", input: {} },
          { type: "tool_use", id: "c2", name: "t", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "c1", content: "1" },
          { type: "tool_result", tool_use_id: "c2", content: "2" },
        ],
      },
    ],
  });
});

const CANARY = "canary-7f3a-upstream-secret";
const KEY = "sk-canary-key-0123456789";

test.each([
  [401, {}, { code: "provider_auth", status: 401, retryable: false }],
  [403, {}, { code: "provider_auth", status: 403, retryable: false }],
  [
    429,
    { "Retry-After": "7" },
    {
      code: "provider_rate_limited",
      status: 429,
      retryable: true,
      retryAfterMs: 7000,
      message: "The model's provider is limiting requests. Try again in 7 s.",
    },
  ],
  [429, {}, { code: "provider_rate_limited", retryable: true }],
  [400, {}, { code: "provider_error", status: 400, retryable: false }],
  [404, {}, { code: "provider_error", status: 404, retryable: false, message: "The model's provider does not know this model." }],
  [500, {}, { code: "provider_unavailable", status: 500, retryable: true }],
  [529, {}, { code: "provider_unavailable", status: 529, retryable: true }],
])("a provider that answers %i with %j is told in our words, and its own appear nowhere", async (status, headers, expected) => {
  const upstream = await replay();
  upstream.reply({ status, headers, slices: [`{"error":{"message":"${CANARY} ${KEY}"}}`] });
  const baseUrl = upstream.url;
  for (const prefix of ["openai", "openai-responses", "anthropic", "gemini"]) {
    const gateway = await startTestGateway({
      model: `${prefix}/m`,
      openai: { apiKey: KEY, baseUrl },
      anthropic: { apiKey: KEY, baseUrl, maxTokens: 10 },
      gemini: { apiKey: KEY, baseUrl },
    });
    const text = await (await postChat(gateway.url, userSays("hi"))).text();
    const events = text.split("\n\n").filter((block) => block.includes("data: "));
    expect(events).toHaveLength(2);
    expect(JSON.parse(events[1]?.split("data: ")[1] ?? "")).toMatchObject({ type: "error", ...expected });
    expect(gateway.log()).toContain("run ended");
    for (const secret of [CANARY, KEY]) {
      expect(text).not.toContain(secret);
      expect(gateway.log()).not.toContain(secret);
    }
  }
});

test("at debug level the log holds the provider's words, but never the key", async () => {
  const upstream = await replay();
  upstream.reply({ status: 401, slices: [`{"error":{"message":"${CANARY} for ${KEY}"}}`] });
  const gateway = await startTestGateway({ model: "openai/m", openai: { apiKey: KEY, baseUrl: upstream.url }, logLevel: "debug" });
  await (await postChat(gateway.url, userSays("hi"))).text();
  expect(gateway.log()).toContain(CANARY);
  expect(gateway.log()).not.toContain(KEY);
});

test("an error inside the stream keeps what came, in our words", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({
    slices: [
      ...openAiText(["so ", "far"]).slice(0, 3),
      `data: {"error":{"message":"${CANARY}","type":"server_error","code":"overloaded"}}\n\n`,
    ],
  });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(textOf(events)).toBe("so far");
  expect(events.at(-1)).toMatchObject({ type: "error", code: "provider_unavailable", retryable: true, metrics: { tokenCount: 2 } });
  expect(JSON.stringify(events) + gateway.log()).not.toContain(CANARY);
});

test.each(["end", "reset"] as const)("an answer that breaks off (%s) keeps what came and is told as cut, never as done", async (ending) => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["half ", "an ", "answer"]).slice(0, 3), ending });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(textOf(events)).toBe("half an ");
  expect(events.at(-1)).toMatchObject({
    type: "error",
    code: "provider_error",
    retryable: true,
    message: "The model's answer was cut off. What came is kept.",
  });
});

test("tokens may be handed over instead of yielded: in their place, not before there is room, and none once nobody wants more", async () => {
  const provider = await replay();
  const [role = "", a = "", b = "", ...end] = openAiText(["a", "b"]);
  const [, thought = ""] = openAiText(["hm"]).map((event) => event.replace('"content":', '"reasoning_content":'));
  provider.reply({ slices: [role + a + b + thought + a + end.join("")] });
  const openai = new OpenAiProvider({ baseUrl: `${provider.url}/v1` });
  const told = await collect(openai);
  expect(told.map(({ type }) => type)).toEqual(["token", "token", "reasoning", "token", "usage", "done"]);

  const seen: StreamChunk[] = [];
  let waiting = false;
  const onToken = (token: StreamChunk): Promise<boolean> => {
    expect(waiting).toBe(false);
    seen.push(token);
    waiting = true;
    return new Promise((resolve) =>
      setTimeout(() => {
        waiting = false;
        resolve(true);
      }, 5),
    );
  };
  for await (const chunk of openai.stream(turn({ onToken }))) seen.push(chunk);
  expect(seen).toEqual(told);

  let taken = 0;
  const rest = await collect(openai, { onToken: () => (++taken === 2 ? Promise.resolve(false) : undefined) });
  expect({ taken, rest }).toEqual({ taken: 2, rest: [] });
});

test("a call whose arguments were cut off never runs", async () => {
  let runs = 0;
  const { gateway, provider } = await startWithProvider({
    agents: [{ id: "w", name: "W", instructions: "", tools: ["t"] }],
    tools: [{ name: "t", description: "", parameters: {}, run: () => ({ result: ++runs }) }],
  });
  provider.reply({ slices: openAiCall("t", ['{"a":', '"b']).slice(0, 3) });
  const events = await readAll(await postChat(gateway.url, { ...userSays("hi"), agentId: "w" }));
  expect(runs).toBe(0);
  expect(events.find((event) => event.type === "tool_call")).toMatchObject({ incomplete: true, arguments: null });
  expect(events.at(-1)?.type).toBe("error");
});

test("a host that is not there is told as not reachable", async () => {
  const upstream = await startReplayProvider();
  await upstream.close();
  const gateway = await startTestGateway({ model: "openai/m", openai: { baseUrl: upstream.url } });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(events.at(-1)).toMatchObject({ type: "error", code: "provider_unavailable", retryable: true });
});

test("a provider that goes silent is hung up on, before its headers and in mid-answer", async () => {
  const { gateway, provider } = await startWithProvider({ providerIdleMs: 1_000 });
  provider.reply({ slices: [], headersDelayMs: 10_000 }, { slices: openAiText(["some"]).slice(0, 2), ending: "hang" });
  const first = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(first.at(-1)).toMatchObject({ type: "error", code: "provider_timeout", retryable: true });
  const second = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(textOf(second)).toBe("some");
  expect(second.at(-1)).toMatchObject({ type: "error", code: "provider_timeout" });
  await eventually(() => provider.calls.every((call) => call.aborted), "the aborts");
});

test("a provider that redirects is not followed: the key stays where it belongs", async () => {
  const elsewhere = await replay();
  const { gateway, provider } = await startWithProvider();
  provider.reply({ status: 307, headers: { Location: `${elsewhere.url}/stolen` }, slices: [] });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(events.at(-1)).toMatchObject({ type: "error", code: "provider_unavailable" });
  expect(elsewhere.calls).toHaveLength(0);
});

test("a model without its key says what to set, as an error event", async () => {
  const agents = [
    { id: "a", name: "A", instructions: "", model: "anthropic/claude-x", tools: [] },
    { id: "o", name: "O", instructions: "", model: "gpt-x", tools: [] },
  ];
  const gateway = await startTestGateway({ agents });
  for (const [agentId, variable] of [
    ["a", "ANTHROPIC_API_KEY"],
    ["o", "OPENAI_API_KEY"],
  ] as const) {
    const events = await readAll(await postChat(gateway.url, { ...userSays("hi"), agentId }));
    expect(events.map((event) => event.type)).toEqual(["start", "error"]);
    expect(events[1]).toMatchObject({
      code: "provider_auth",
      retryable: false,
      message: expect.stringContaining(`set ${variable}`) as string,
    });
  }
});

test.each([429, 500, 503, 529])(
  "a provider that refuses with %i before its first byte is asked again, and the answer is whole",
  async (status) => {
    const { gateway, provider } = await startWithProvider({ providerRetries: 2, logLevel: "debug" });
    provider.reply({ status, headers: { "Retry-After": "0.01" }, slices: [] }, { slices: openAiText(["here"]) });
    expect(textOf(await readAll(await postChat(gateway.url, userSays("hi"))))).toBe("here");
    expect(provider.calls).toHaveLength(2);
    expect(gateway.log()).toContain("attempt 1 failed, the next one is in 10 ms");
  },
);

test("retries are bounded, in number and in the wait a provider asks for", async () => {
  const { gateway, provider } = await startWithProvider({ providerRetries: 2 });
  provider.reply({ status: 503, headers: { "Retry-After": "0.01" }, slices: [] });
  expect((await readAll(await postChat(gateway.url, userSays("hi")))).at(-1)).toMatchObject({ code: "provider_unavailable" });
  expect(provider.calls).toHaveLength(3);
  provider.reply({ status: 429, headers: { "Retry-After": "60" }, slices: [] });
  expect((await readAll(await postChat(gateway.url, userSays("hi")))).at(-1)).toMatchObject({ retryAfterMs: 60_000 });
  expect(provider.calls).toHaveLength(4);
});

test.each<[string, Reply]>([
  ["refuses for good", { status: 400, slices: [] }],
  ["breaks off after a byte", { slices: openAiText(["half"]).slice(0, 2), ending: "reset" }],
  ["says nothing after its headers", { slices: [], ending: "end" }],
])("a provider that %s is not asked again: it may have been paid", async (_, reply) => {
  const { gateway, provider } = await startWithProvider({ providerRetries: 2 });
  provider.reply(reply);
  expect((await readAll(await postChat(gateway.url, userSays("hi")))).at(-1)?.type).toBe("error");
  expect(provider.calls).toHaveLength(1);
});

test("Stop ends the wait for a retry", async () => {
  const { gateway, provider } = await startWithProvider({ providerRetries: 2 });
  provider.reply({ status: 503, headers: { "Retry-After": "9" }, slices: [] });
  const response = await postChat(gateway.url, userSays("hi"));
  await eventually(() => provider.calls.length === 1, "the first attempt");
  await fetch(`${gateway.url}/api/chat/stream/${response.headers.get("x-stream-id")}/cancel`, { method: "POST" });
  expect((await readAll(response)).at(-1)).toMatchObject({ type: "cancelled" });
});

test("a model that fails before its first token is replaced by its fallback for the rest of the run; one that fails later is not", async () => {
  let turns = 0;
  const failing: Provider = {
    name: "failing",
    async *stream() {
      turns++;
      yield { type: "error", code: "provider_unavailable", message: "x", retryable: true };
    },
  };
  const breaking: Provider = {
    name: "breaking",
    async *stream() {
      yield { type: "token", content: "so " };
      yield { type: "error", code: "provider_error", message: "x", retryable: true };
    },
  };
  const agent = { name: "A", instructions: "", tools: ["t"], fallbackModel: "openai/second" };
  const { gateway, provider } = await startWithProvider({
    providers: { failing, breaking },
    tools: [{ name: "t", description: "", parameters: {}, run: () => ({ result: 1 }) }],
    agents: ["failing", "breaking", "anthropic"].map((id) => ({ ...agent, id, model: `${id}/first` })),
    logLevel: "warn",
  });
  provider.reply({ slices: openAiCall("t", ["{}"]) }, { slices: openAiText(["second"]) });
  expect(textOf(await readAll(await postChat(gateway.url, { ...userSays("hi"), agentId: "failing" })))).toBe("second");
  expect(turns).toBe(1);
  expect(provider.calls.map(({ body }) => (body as { model: string }).model)).toEqual(["second", "second"]);
  expect(gateway.log()).toContain('"model":"failing/first","fallbackModel":"openai/second","code":"provider_unavailable"');
  const broken = await readAll(await postChat(gateway.url, { ...userSays("hi"), agentId: "breaking" }));
  expect(textOf(broken)).toBe("so ");
  expect(broken.at(-1)).toMatchObject({ type: "error" });
  // A model whose key is not set is one that fails before its first token.
  expect(textOf(await readAll(await postChat(gateway.url, { ...userSays("hi"), agentId: "anthropic" })))).toBe("second");
});

test("Retry-After is read as seconds and as a date, and bounded", () => {
  expect(parseRetryAfter("3")).toBe(3000);
  expect(parseRetryAfter("0.5")).toBe(500);
  expect(parseRetryAfter(new Date(Date.now() + 5000).toUTCString())).toBeGreaterThan(3000);
  expect(parseRetryAfter("999999999")).toBe(3_600_000);
  expect(parseRetryAfter("soon")).toBeUndefined();
  expect(parseRetryAfter(null)).toBeUndefined();
});
