/** What each provider is asked with: pictures, thinking, limits, and what it wants back of its own earlier turn. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { startReplayProvider, type Reply, type ReplayProvider } from "../testing/replay-provider.ts";
import { AnthropicProvider } from "./anthropic.ts";
import { GeminiProvider } from "./gemini.ts";
import { OpenAiProvider } from "./openai.ts";
import { OpenAiResponsesProvider } from "./openai-responses.ts";
import type { ModelTurn, NativeContent, Provider } from "./provider.ts";

async function replay(...slices: string[]): Promise<ReplayProvider> {
  const upstream = await startReplayProvider();
  onTestFinished(() => upstream.close());
  const reply: Reply = { slices };
  upstream.reply(reply);
  return upstream;
}

/** What the provider was sent, and what it wants back. */
async function ask(
  make: (baseUrl: string) => Provider,
  more: Partial<ModelTurn>,
  ...slices: string[]
): Promise<{ body: Record<string, unknown>; path: string; headers: Record<string, unknown>; native: NativeContent | undefined }> {
  const upstream = await replay(...slices);
  let native: NativeContent | undefined;
  const turn: ModelTurn = {
    model: "m",
    instructions: "",
    messages: [{ role: "user", content: "hi" }],
    tools: [],
    signal: new AbortController().signal,
    onNative: (told) => (native = told),
    ...more,
  };
  for await (const _ of make(upstream.url).stream(turn));
  const call = upstream.calls[0]!;
  return { body: call.body as Record<string, unknown>, path: call.path, headers: call.headers, native };
}

const event = (body: object): string => `data: ${JSON.stringify(body)}\n\n`;
const weather = { name: "weather", description: "Weather", parameters: { type: "object", additionalProperties: false } };
const pictures: ModelTurn["messages"] = [
  { role: "user", content: "what is it?", images: [{ mediaType: "image/png", data: "AAAA" }, { url: "https://example.com/a.png" }] },
];
const conversation: ModelTurn["messages"] = [
  { role: "system", content: "The page is Home." },
  { role: "user", content: "weather?" },
  { role: "assistant", content: "Looking.", toolCalls: [{ id: "c1", name: "weather", arguments: { city: "Rome" } }] },
  { role: "tool", content: "sunny", toolCallId: "c1", name: "weather" },
];

test("Responses: instructions, history, results and tools as items, and nothing is stored there", async () => {
  const { body, path, headers } = await ask((baseUrl) => new OpenAiResponsesProvider({ baseUrl: `${baseUrl}/v1/`, apiKey: "k" }), {
    instructions: "Be short.",
    messages: conversation,
    tools: [weather],
    toolChoice: "none",
    maxOutputTokens: 50,
    reasoning: "low",
  });
  expect([path, headers["authorization"]]).toEqual(["/v1/responses", "Bearer k"]);
  expect(body).toEqual({
    model: "m",
    instructions: "Be short.",
    stream: true,
    store: false,
    max_output_tokens: 50,
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    tools: [{ type: "function", ...weather, strict: false }],
    tool_choice: "none",
    input: [
      { role: "system", content: "The page is Home." },
      { role: "user", content: "weather?" },
      { role: "assistant", content: "Looking." },
      { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Rome"}' },
      { type: "function_call_output", call_id: "c1", output: "sunny" },
    ],
  });
});

test("Gemini: one system text, alternating turns, results by name, schemas as they are", async () => {
  const { body, path, headers } = await ask((baseUrl) => new GeminiProvider({ baseUrl: `${baseUrl}/`, apiKey: "k" }), {
    model: "gemini-2.5-flash",
    instructions: "Be short.",
    messages: conversation,
    tools: [weather],
    toolChoice: "none",
    maxOutputTokens: 50,
    reasoning: "medium",
  });
  expect([path, headers["x-goog-api-key"]]).toEqual(["/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "k"]);
  expect(body).toEqual({
    systemInstruction: { parts: [{ text: "Be short.\n\nThe page is Home." }] },
    contents: [
      { role: "user", parts: [{ text: "weather?" }] },
      { role: "model", parts: [{ text: "Looking." }, { functionCall: { name: "weather", args: { city: "Rome" } } }] },
      { role: "user", parts: [{ functionResponse: { name: "weather", response: { result: "sunny" } } }] },
    ],
    tools: [{ functionDeclarations: [{ name: "weather", description: "Weather", parametersJsonSchema: weather.parameters }] }],
    toolConfig: { functionCallingConfig: { mode: "NONE" } },
    generationConfig: { maxOutputTokens: 50, thinkingConfig: { includeThoughts: true, thinkingBudget: 8192 } },
  });
});

test("pictures go to each provider in its own form", async () => {
  const openai = await ask((baseUrl) => new OpenAiProvider({ baseUrl }), { messages: pictures });
  expect(openai.body["messages"]).toEqual([
    {
      role: "user",
      content: [
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        { type: "text", text: "what is it?" },
      ],
    },
  ]);
  const responses = await ask((baseUrl) => new OpenAiResponsesProvider({ baseUrl }), { messages: pictures });
  expect(responses.body["input"]).toEqual([
    {
      role: "user",
      content: [
        { type: "input_image", image_url: "data:image/png;base64,AAAA" },
        { type: "input_image", image_url: "https://example.com/a.png" },
        { type: "input_text", text: "what is it?" },
      ],
    },
  ]);
  const anthropic = await ask((baseUrl) => new AnthropicProvider({ baseUrl }), { messages: pictures });
  expect(anthropic.body["messages"]).toEqual([
    {
      role: "user",
      content: [
        { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
        { type: "text", text: "what is it?" },
      ],
    },
  ]);
  const gemini = await ask((baseUrl) => new GeminiProvider({ baseUrl }), { messages: pictures });
  expect(gemini.body["contents"]).toEqual([
    {
      role: "user",
      parts: [
        { inlineData: { mimeType: "image/png", data: "AAAA" } },
        { fileData: { fileUri: "https://example.com/a.png" } },
        { text: "what is it?" },
      ],
    },
  ]);
});

test("limits and thinking: Chat Completions and Messages", async () => {
  const openai = await ask((baseUrl) => new OpenAiProvider({ baseUrl }), { maxOutputTokens: 50, reasoning: "high" });
  expect(openai.body).toMatchObject({ max_tokens: 50, reasoning_effort: "high" });
  const anthropic = await ask((baseUrl) => new AnthropicProvider({ baseUrl }), { maxOutputTokens: 50, reasoning: "low" });
  expect(anthropic.body).toMatchObject({ max_tokens: 2098, thinking: { type: "enabled", budget_tokens: 2048 } });
});

test("Claude's signed thinking comes back as it was, with its call", async () => {
  const start = (index: number, block: object): string => event({ type: "content_block_start", index, content_block: block });
  const delta = (index: number, given: object): string => event({ type: "content_block_delta", index, delta: given });
  const turn = [
    event({ type: "message_start", message: { usage: { input_tokens: 1 } } }),
    start(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "thinking_delta", thinking: "Hm, " }),
    delta(0, { type: "thinking_delta", thinking: "Rome." }),
    delta(0, { type: "signature_delta", signature: "c2ln" }),
    start(1, { type: "redacted_thinking", data: "eHh4" }),
    start(2, { type: "text", text: "" }),
    start(3, { type: "tool_use", id: "c1", name: "weather", input: {} }),
    delta(3, { type: "input_json_delta", partial_json: '{"city":' }),
    delta(3, { type: "input_json_delta", partial_json: '"Rome"}' }),
    event({ type: "content_block_stop", index: 3 }),
    event({ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 5 } }),
    event({ type: "message_stop" }),
  ];
  const make = (baseUrl: string): Provider => new AnthropicProvider({ baseUrl });
  const { native } = await ask(make, { tools: [weather] }, ...turn);
  const content = [
    { type: "thinking", thinking: "Hm, Rome.", signature: "c2ln" },
    { type: "redacted_thinking", data: "eHh4" },
    { type: "tool_use", id: "c1", name: "weather", input: { city: "Rome" } },
  ];
  expect(native).toEqual({ provider: "anthropic", content });
  const messages: ModelTurn["messages"] = conversation.map((message) =>
    message.role === "assistant" && native ? { ...message, native } : message,
  );
  expect((await ask(make, { messages })).body["messages"]).toContainEqual({ role: "assistant", content });
  // A provider that is asked next does not know Claude's form.
  expect((await ask((baseUrl) => new OpenAiProvider({ baseUrl }), { messages })).body["messages"]).toContainEqual(
    expect.objectContaining({ role: "assistant", content: "Looking." }),
  );
});

test("a turn of Claude without thinking needs nothing back", async () => {
  const turn = [
    event({ type: "message_start", message: {} }),
    event({ type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "c1", name: "weather", input: {} } }),
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: "tool_use" } }),
    event({ type: "message_stop" }),
  ];
  expect((await ask((baseUrl) => new AnthropicProvider({ baseUrl }), { tools: [weather] }, ...turn)).native).toBeUndefined();
});

test("Gemini's signatures come back on the parts they stood on, its thoughts do not", async () => {
  const call = { functionCall: { name: "weather", args: { city: "Rome" } }, thoughtSignature: "c2ln" };
  const turn = [
    event({ candidates: [{ content: { parts: [{ text: "Hm.", thought: true }] } }] }),
    event({ candidates: [{ content: { parts: [call] }, finishReason: "STOP" }] }),
  ];
  const make = (baseUrl: string): Provider => new GeminiProvider({ baseUrl });
  const { native } = await ask(make, { tools: [weather] }, ...turn);
  expect(native).toEqual({ provider: "gemini", content: [call] });
  const messages: ModelTurn["messages"] = conversation.map((message) =>
    message.role === "assistant" && native ? { ...message, native } : message,
  );
  expect((await ask(make, { messages })).body["contents"]).toContainEqual({ role: "model", parts: [call] });
});

test("encrypted thinking of Responses comes back before its call; what was not encrypted does not", async () => {
  const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "eHh4" };
  const call = { type: "function_call", id: "fc_1", call_id: "c1", name: "weather", arguments: '{"city":"Rome"}', status: "completed" };
  const done = (item: object, output_index: number): string => event({ type: "response.output_item.done", output_index, item });
  const turn = [
    done(reasoning, 0),
    done({ ...reasoning, id: "rs_2", encrypted_content: null }, 1),
    done(call, 2),
    event({ type: "response.completed", response: { output: [] } }),
  ];
  const make = (baseUrl: string): Provider => new OpenAiResponsesProvider({ baseUrl });
  const { native } = await ask(make, { tools: [weather], reasoning: "low" }, ...turn);
  expect(native).toEqual({ provider: "openai-responses", content: [reasoning, call] });
  const messages: ModelTurn["messages"] = conversation.map((message) =>
    message.role === "assistant" && native ? { ...message, native } : message,
  );
  expect((await ask(make, { messages })).body["input"]).toEqual([
    { role: "system", content: "The page is Home." },
    { role: "user", content: "weather?" },
    reasoning,
    call,
    { type: "function_call_output", call_id: "c1", output: "sunny" },
  ]);
});

test("at the start a wrong key and a wrong model are told by name; a server without such a page is not complained about", async () => {
  const statuses: Record<string, number> = { wrong: 404, right: 200, odd: 501 };
  const server = createServer((request, response) => {
    const key = request.headers.authorization ?? request.headers["x-api-key"] ?? request.headers["x-goog-api-key"];
    const model = /[^/]+$/.exec(request.url ?? "")?.[0] ?? "";
    const isList = model === "models";
    response.writeHead(String(key).includes("good") ? (isList ? 200 : (statuses[model] ?? 500)) : 401).end('{"data":[{"id":"right"}]}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const makers = {
    openai: OpenAiProvider,
    "openai-responses": OpenAiResponsesProvider,
    anthropic: AnthropicProvider,
    gemini: GeminiProvider,
  };
  const signal = AbortSignal.timeout(5000);
  for (const [name, Make] of Object.entries(makers)) {
    const good = new Make({ baseUrl: `http://${host}`, apiKey: "good-key" });
    expect(await good.check("right", signal)).toBeUndefined();
    expect(await good.check("odd", signal)).toBeUndefined();
    expect(await good.check("wrong", signal)).toBe(`the model ${name}/wrong is not known to ${host}`);
    const bad = await new Make({ baseUrl: `http://${host}`, apiKey: "bad-secret" }).check("right", signal);
    expect(bad).toMatch(new RegExp(`^(OPENAI|ANTHROPIC|GEMINI)_API_KEY was not accepted by ${host}$`));
  }
});

test("a server with a list of its models and no page for each is asked for the list", async () => {
  let list: string | undefined;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    if (request.url === "/v1/models" && list !== undefined) response.end(list);
    else response.writeHead(404).end('{"detail":"Not Found"}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signal = AbortSignal.timeout(5000);
  for (const Make of [OpenAiProvider, OpenAiResponsesProvider]) {
    const provider = new Make({ baseUrl: `http://${host}/v1`, apiKey: "k" });
    const unknown = `the model ${provider.name}/llama-3 is not known to ${host}`;
    list = '{"object":"list","data":[{"id":"meta/llama-3"},{"id":"qwen:latest"},{},null]}';
    expect(await provider.check("meta/llama-3", signal)).toBeUndefined();
    expect(await provider.check("qwen", signal)).toBeUndefined();
    expect(await provider.check("llama-3", signal)).toBe(unknown);
    for (const none of [undefined, "<html>", "{}", '{"data":[]}']) {
      list = none;
      expect(await provider.check("llama-3", signal)).toBeUndefined();
    }
  }
  expect(asked.slice(0, 2)).toEqual(["/v1/models/meta%2Fllama-3 Bearer k", "/v1/models Bearer k"]);
});
