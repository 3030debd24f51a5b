/** A page that asks a provider's format itself, over real connections. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { RequestMessage } from "../protocol/request.ts";
import { until } from "../testing/until.ts";
import { createDialectTransport, type EndpointProtocol } from "./dialect-transport.ts";
import type { ChatTransport, FollowOptions, TransportChunk } from "./transport.ts";

const SECRET = "sk-canary";

interface Asked {
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
  path: string | undefined;
  closed: boolean;
}

let asked: Asked[] = [];
let reply: (response: ServerResponse) => void = () => undefined;
let close: () => Promise<void>;
let endpoint = "";

beforeEach(async () => {
  asked = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const bytes of request) text += String(bytes);
    const entry: Asked = { headers: request.headers, body: JSON.parse(text) as Asked["body"], path: request.url, closed: false };
    response.on("close", () => (entry.closed = true));
    asked.push(entry);
    reply(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/answer/`;
  close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
});

afterEach(() => close());

const events =
  (...data: (object | string)[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.end(data.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join(""));
  };

const STREAMS: Record<EndpointProtocol, (response: ServerResponse) => void> = {
  openai: events(
    { choices: [{ index: 0, delta: { content: "Grü" } }] },
    { choices: [{ index: 0, delta: { content: "ße" } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    "[DONE]",
  ),
  anthropic: events(
    { type: "message_start", message: { usage: { input_tokens: 3 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Grüße" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
    { type: "message_stop" },
  ),
  "ai-sdk": events(
    { type: "start" },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "Grüße" },
    { type: "text-end", id: "0" },
    { type: "finish" },
    "[DONE]",
  ),
  "ag-ui": events(
    { type: "RUN_STARTED", threadId: "t", runId: "r" },
    { type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" },
    { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "Grüße" },
    { type: "TEXT_MESSAGE_END", messageId: "m" },
    { type: "RUN_FINISHED", threadId: "t", runId: "r" },
  ),
};

const HISTORY: RequestMessage[] = [
  { role: "system", content: "Be kind." },
  { role: "user", content: "Hi" },
  { role: "assistant", content: "", toolCalls: [{ id: "c", name: "look", arguments: {} }] },
  { role: "tool", content: "seen", toolCallId: "c" },
  { role: "assistant", content: "Hello." },
  { role: "user", content: "What is this?", images: [{ mediaType: "image/png", data: "AAAA" }] },
];

const transport = (protocol: EndpointProtocol = "openai", more = {}): ChatTransport =>
  createDialectTransport({ endpoint, protocol, ...more });

async function ask(made: ChatTransport, follow?: FollowOptions): Promise<TransportChunk[]> {
  const chunks: TransportChunk[] = [];
  const request = { agentId: "some-model", conversationId: "c1", requestId: "r1", messages: HISTORY };
  for await (const chunk of made.send(request, follow)) chunks.push(chunk);
  return chunks;
}

const text = (chunks: readonly TransportChunk[]): string => chunks.map((chunk) => (chunk.type === "token" ? chunk.content : "")).join("");

describe.each(Object.keys(STREAMS) as EndpointProtocol[])("%s", (protocol) => {
  test("an answer comes in order, named, and ends with its one terminal", async () => {
    reply = STREAMS[protocol];
    const chunks = await ask(transport(protocol));
    expect(text(chunks)).toBe("Grüße");
    expect(chunks[0]).toMatchObject({ type: "start", streamId: "r1", agentId: "some-model" });
    expect(chunks.map(({ seq }) => seq)).toEqual(chunks.map((_, at) => at + 1));
    expect(chunks.filter(({ type }) => ["done", "error", "cancelled"].includes(type))).toEqual([chunks.at(-1)]);
    expect(chunks.at(-1)).toMatchObject({ type: "done", reason: "stop" });
    expect(asked[0]!.path).toBe("/v1/answer/");
  });

  test("a body that stops in the middle is truncated, and what came is kept", async () => {
    reply = (response) => {
      const whole: string[] = [];
      STREAMS[protocol]({ writeHead: () => undefined, end: (body: string) => whole.push(body) } as never);
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.end(whole[0]!.slice(0, whole[0]!.lastIndexOf("ße") + 20));
    };
    const chunks = await ask(transport(protocol));
    expect(chunks.at(-1)).toMatchObject({ type: "error", code: "truncated", retryable: true });
  });
});

test("each is asked in its own words: what was said, the pictures, and nothing of tools that a server ran", async () => {
  for (const protocol of Object.keys(STREAMS) as EndpointProtocol[]) {
    reply = STREAMS[protocol];
    await ask(transport(protocol));
  }
  const [openai, anthropic, aiSdk, agUi] = asked.map(({ body }) => body);
  expect(openai).toEqual({
    model: "some-model",
    stream: true,
    stream_options: { include_usage: true },
    messages: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
    ],
  });
  expect(anthropic).toMatchObject({ model: "some-model", stream: true, max_tokens: 4_096, system: "Be kind." });
  expect((anthropic!["messages"] as { role: string; content: unknown }[]).map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  expect((anthropic!["messages"] as { content: unknown }[])[2]!.content).toEqual([
    { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
    { type: "text", text: "What is this?" },
  ]);
  expect(asked[1]!.headers["anthropic-version"]).toBe("2023-06-01");
  expect(aiSdk).toMatchObject({ id: "c1", trigger: "submit-message" });
  expect((aiSdk!["messages"] as { parts: unknown[] }[]).at(-1)!.parts).toEqual([
    { type: "file", mediaType: "image/png", url: "data:image/png;base64,AAAA" },
    { type: "text", text: "What is this?" },
  ]);
  expect(agUi).toMatchObject({ threadId: "c1", runId: "r1", tools: [], context: [], state: {} });
});

test("headers are asked for each time", async () => {
  reply = STREAMS.openai;
  let count = 0;
  const made = transport("openai", { headers: () => Promise.resolve({ authorization: `Bearer ${++count}` }) });
  await ask(made);
  await ask(made);
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(["Bearer 1", "Bearer 2"]);
});

test("a refusal is told in our words, with its wait, and nothing of its own text", async () => {
  reply = (response) => {
    response.writeHead(429, { "Content-Type": "application/json", "Retry-After": "7" });
    response.end(JSON.stringify({ error: { message: `Rate limit reached for ${SECRET}`, type: "requests", code: "rate_limit_exceeded" } }));
  };
  const chunks = await ask(transport());
  expect(chunks.at(-1)).toMatchObject({ type: "error", code: "provider_rate_limited", retryable: true, retryAfterMs: 7_000 });
  expect(JSON.stringify(chunks)).not.toContain(SECRET);
});

test("a page in place of a stream says to check the endpoint, and a server that is not there that it was not reached", async () => {
  reply = (response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<html>");
  };
  expect((await ask(transport())).at(-1)).toMatchObject({
    type: "error",
    code: "bad_frame",
    message: expect.stringContaining("Check the endpoint") as string,
  });
  const gone = createDialectTransport({ endpoint: "http://127.0.0.1:9/", protocol: "openai" });
  expect((await ask(gone)).at(-1)).toMatchObject({ type: "error", code: "network", retryable: true });
});

/** Says one word and goes on for ever. */
const endless = (response: ServerResponse): void => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "word" } }] })}\n\n`);
};

test("cancel ends the request at the server, and the stream with cancelled", async () => {
  reply = endless;
  const made = transport();
  const answered = ask(made);
  await until("the request came", () => asked.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await made.cancel("r1");
  const chunks = await answered;
  expect(text(chunks)).toBe("word");
  expect(chunks.at(-1)).toMatchObject({ type: "cancelled", reason: "user" });
  await until("the request ended", () => asked[0]!.closed);
});

test("who stops following hears nothing more, and the request ends, because nobody else could read it", async () => {
  reply = endless;
  const leaving = new AbortController();
  const answered = ask(transport(), { signal: leaving.signal });
  await until("the request came", () => asked.length === 1);
  leaving.abort();
  expect((await answered).filter(({ type }) => type === "cancelled" || type === "error")).toEqual([]);
  await until("the request ended", () => asked[0]!.closed);
});

test("what a gateway alone can do is refused in words: picking up, results, decisions", async () => {
  const made = transport();
  const resumed: TransportChunk[] = [];
  for await (const chunk of made.resume("r1", 3)) resumed.push(chunk);
  expect(resumed).toEqual([expect.objectContaining({ type: "error", code: "truncated", retryable: true })]);
  await expect(made.sendToolResult("r1", { toolCallId: "c", result: 1 })).rejects.toThrow("gateway");
  await expect(made.sendApproval("r1", { toolCallId: "c", approved: true })).rejects.toThrow("gateway");
  await made.cancel("unknown");
  made.close();
});
