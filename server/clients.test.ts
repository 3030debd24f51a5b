/** The core's own clients against the real gateway, each over its own wire. */
import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { EventSource } from "eventsource";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";

import { ChanlClient } from "../shared/client.ts";
import type { StreamChunk } from "../shared/protocol/chunk.ts";
import { StreamingChatClient } from "../shared/streaming-client.ts";
import { createEventSourceTransport } from "../shared/transport/event-source.ts";
import { createFetchSseTransport } from "../shared/transport/fetch-sse.ts";
import type { ChatTransport } from "../shared/transport/transport.ts";
import { createWebSocketTransport, type WebSocketConstructor } from "../shared/transport/web-socket.ts";
import { openAiCall, openAiText } from "./testing/replay-provider.ts";
import { eventually } from "./testing/stream-client.ts";
import { startWithProvider } from "./testing/test-gateway.ts";

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word${index} `);
const socket = WebSocket as unknown as WebSocketConstructor;
const question = [{ role: "user" as const, content: "hi" }];

const transports: [string, (url: string) => ChatTransport][] = [
  ["SSE", (url) => createFetchSseTransport({ endpoint: `${url}/api/chat`, retry: { baseMs: 5 } })],
  ["WebSocket", (url) => createWebSocketTransport({ endpoint: `${url}/api/chat`, WebSocket: socket, retry: { baseMs: 5 } })],
  ["EventSource", (url) => createEventSourceTransport({ endpoint: `${url}/api/chat`, EventSource: EventSource, retry: { baseMs: 5 } })],
];

/** A TCP proxy that breaks its connection to the client after so many bytes, again and again. */
async function startCuttingProxy(target: string, cutAfter: () => number): Promise<{ url: string; cuts: () => number }> {
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(target).port), "127.0.0.1");
    for (const side of [client, upstream]) {
      open.add(side);
      side.on("error", () => undefined);
      side.on("close", () => {
        open.delete(side);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let left = cutAfter();
    upstream.on("data", (bytes: Buffer) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left > 0) return;
      cuts++;
      client.end(() => client.resetAndDestroy());
      upstream.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const each of open) each.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cuts: () => cuts };
}

test.each(transports)(
  "%s: an answer cut at random bytes again and again is read whole, once, from one model call",
  { timeout: 30_000 },
  async (_name, make) => {
    const { gateway, provider } = await startWithProvider({ coalesceMs: 0 });
    provider.reply({ slices: openAiText(words(400)), delayMs: 1 });
    let seed = 7;
    const random = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    const proxy = await startCuttingProxy(gateway.url, () => 1500 + Math.floor(random() * 3000));
    const transport = make(proxy.url);
    onTestFinished(() => transport.close());
    const chunks: StreamChunk[] = [];
    for await (const chunk of transport.send({ agentId: "docs", messages: question, requestId: crypto.randomUUID() })) chunks.push(chunk);
    expect(chunks.at(-1)).toMatchObject({ type: "done", reason: "stop" });
    expect(chunks.map((chunk) => (chunk.type === "token" ? chunk.content : "")).join("")).toBe(words(400).join(""));
    expect(proxy.cuts()).toBeGreaterThan(3);
    expect(provider.calls).toHaveLength(1);
  },
);

test.each(["sse", "websocket"] as const)(
  "ChanlClient over %s: whole answers, streams, tools, and an abort that reaches the model",
  async (transport) => {
    const { gateway, provider } = await startWithProvider({ adminKey: "the-admin-key-of-the-test" });
    const client = new ChanlClient({ baseUrl: gateway.url, apiKey: "the-admin-key-of-the-test", transport, WebSocket: socket });
    onTestFinished(() => client.close());
    const agent = await client.agents.create({ name: "A", instructions: "Be kind.", model: "openai/m" });
    provider.reply({ slices: openAiText(["kind ", "words"]) });
    expect(await client.chat.send(agent.id, question)).toMatchObject({ text: "kind words", reason: "stop", metrics: { tokenCount: 2 } });

    provider.reply({ slices: openAiCall("here", ["{}"]) }, { slices: openAiText(["in Rome"]) });
    const tools = { here: { description: "Where", parameters: { type: "object" }, run: () => ({ city: "Rome" }) } };
    const types: string[] = [];
    for await (const chunk of client.chat.stream(agent.id, question, { tools })) types.push(chunk.type);
    expect(types).toContain("tool_result");
    expect(types.at(-1)).toBe("done");
    expect(JSON.stringify(provider.calls.at(-1)?.body)).toContain("Rome");

    provider.reply({ slices: openAiText(words(5000)), delayMs: 2 });
    const stop = new AbortController();
    const last: StreamChunk[] = [];
    for await (const chunk of client.chat.stream(agent.id, question, { signal: stop.signal })) {
      last.push(chunk);
      if (last.length === 10) stop.abort();
    }
    expect(last.at(-1)?.type).toBe("cancelled");
    await eventually(() => provider.calls.at(-1)?.aborted === true, "the abort", 1000);
    await expect(client.chat.send("nobody", question)).rejects.toMatchObject({ code: "not_found" });
  },
);

test("StreamingChatClient tells its listeners and cancels", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(5000)), delayMs: 2 });
  const chat = new StreamingChatClient({ baseUrl: gateway.url, agentId: "docs", WebSocket: socket });
  onTestFinished(() => chat.close());
  let text = "";
  let reason = "";
  chat.on("token", (chunk) => {
    text += chunk.content;
    if (text.length > 100) void chat.cancel();
  });
  chat.on("cancelled", (chunk) => (reason = chunk.reason));
  await chat.send("hi");
  expect(reason).toBe("user");
  await eventually(() => provider.calls[0]?.aborted === true, "the abort", 1000);
});

test("a plain EventSource reads to the end and is stopped for good by the 204", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["a", "b"]) });
  const post = await fetch(`${gateway.url}/api/chat/stream`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ agentId: "docs", messages: question }),
  });
  const { streamId } = (await post.json()) as { streamId: string };
  const source = new EventSource(`${gateway.url}/api/chat/stream/${streamId}`);
  onTestFinished(() => source.close());
  const types: string[] = [];
  source.onmessage = ({ data }: { data: string }) => types.push((JSON.parse(data) as { type: string }).type);
  await eventually(() => source.readyState === EventSource.CLOSED, "the close", 5000);
  expect(types).toEqual(["start", "token", "token", "usage", "done"]);
});
