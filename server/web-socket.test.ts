import { once } from "node:events";

import { expect, onTestFinished, test } from "vitest";
import { WebSocket, type ClientOptions } from "ws";

import { openAiCall, openAiText } from "./testing/replay-provider.ts";
import { eventually, postChat, readAll, userSays } from "./testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "./testing/test-gateway.ts";

type Received = Record<string, unknown> & { type: string; seq?: number; streamId?: string };

interface Client {
  socket: WebSocket;
  received: Received[];
  send(message: unknown): void;
  until(condition: (received: Received[]) => boolean, what: string): Promise<void>;
}

async function open(url: string, options: ClientOptions = {}): Promise<Client> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/chat/ws`, options);
  onTestFinished(() => socket.terminate());
  const received: Received[] = [];
  socket.on("message", (data) => received.push(JSON.parse((data as Buffer).toString("utf8")) as Received));
  await once(socket, "open");
  return {
    socket,
    received,
    send: (message) => socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    until: (condition, what) => eventually(() => condition(received), `${what}: ${JSON.stringify(received.slice(-3))}`),
  };
}

const ended = (received: Received[]): boolean => received.some((event) => ["done", "error", "cancelled"].includes(event.type));
const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word${index} `);

test("a chat over the socket gives the same events as over SSE, with streamId and seq", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["Hel", "lo"]) });
  const client = await open(gateway.url);
  client.send({ type: "chat", ...userSays("hi", { requestId: "w1" }) });
  await client.until(ended, "the end");
  const streamId = client.received[0]?.streamId;
  expect(client.received[0]).toMatchObject({ type: "start", requestId: "w1", seq: 1, v: 1 });
  expect(client.received.every((event) => event.streamId === streamId)).toBe(true);
  expect(client.received.map((event) => event.seq)).toEqual(client.received.map((_, index) => index + 1));
  const overSse = await readAll(await fetch(`${gateway.url}/api/chat/stream/${streamId}`));
  expect(client.received).toEqual(overSse.map((event) => ({ ...event, streamId })));
  expect(client.received.at(-1)).toMatchObject({ type: "done", metrics: { tokenCount: 2 } });
});

test("cancel without a stream id stops everything on the socket, is answered by cancelled, and reaches the provider", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(5000)), delayMs: 2 });
  const client = await open(gateway.url);
  client.send({ type: "chat", ...userSays("one") });
  client.send({ type: "chat", ...userSays("two") });
  await client.until((received) => received.filter((event) => event.type === "token").length > 10, "tokens");
  client.send({ type: "cancel" });
  await client.until((received) => received.filter((event) => event.type === "cancelled").length === 2, "two cancelled");
  await eventually(() => provider.calls.every((call) => call.aborted), "the aborts", 300);
  const count = client.received.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(client.received).toHaveLength(count);
  client.send({ type: "cancel" });
  await client.until((received) => received.at(-1)?.seq === undefined, "an answer though nothing runs");
  expect(client.received.at(-1)).toEqual({ type: "cancelled", reason: "user" });
});

test("a cancel sent in one breath with the chat finds its run", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: [], headersDelayMs: 5000 });
  const client = await open(gateway.url);
  client.send({ type: "chat", ...userSays("hi") });
  client.send({ type: "cancel" });
  await client.until(ended, "the end");
  expect(client.received.map((event) => event.type)).toEqual(["start", "cancelled"]);
});

test("two streams share a socket and one can be stopped by its id", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(5000)), delayMs: 2 }, { slices: openAiText(words(100)), delayMs: 2 });
  const client = await open(gateway.url);
  client.send({ type: "chat", ...userSays("endless", { requestId: "a" }) });
  await client.until((received) => received.some((event) => event["requestId"] === "a"), "start of a");
  await eventually(() => provider.calls.length === 1, "first call");
  client.send({ type: "chat", ...userSays("short", { requestId: "b" }) });
  await client.until((received) => received.some((event) => event["requestId"] === "b"), "start of b");
  const idOf = (requestId: string): string | undefined => client.received.find((event) => event["requestId"] === requestId)?.streamId;
  await client.until((received) => received.some((event) => event.type === "done"), "the end of b");
  client.send({ type: "cancel", streamId: idOf("a") });
  await client.until((received) => received.some((event) => event.type === "cancelled"), "a is stopped");
  const textOf = (id: string | undefined): string =>
    client.received.map((event) => (event.type === "token" && event.streamId === id ? String(event["content"]) : "")).join("");
  expect(textOf(idOf("b"))).toBe(words(100).join(""));
  expect(client.received.find((event) => event.type === "cancelled")?.streamId).toBe(idOf("a"));
});

test("a stream begun on one socket is resumed on another, without a gap or a repeat", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(200)), delayMs: 1 });
  const first = await open(gateway.url);
  first.send({ type: "chat", ...userSays("hi") });
  await first.until((received) => received.length > 30, "some events");
  first.socket.terminate();
  const seen = [...first.received];
  const { streamId } = seen[0] ?? {};
  const second = await open(gateway.url);
  second.send({ type: "resume", streamId, lastSeq: seen.at(-1)?.seq });
  await second.until(ended, "the end");
  const all = [...seen, ...second.received];
  expect(all.map((event) => event.seq)).toEqual(all.map((_, index) => index + 1));
  expect(provider.calls).toHaveLength(1);
  // At the terminal event there is nothing left but the event itself.
  second.received.length = 0;
  second.send({ type: "resume", streamId, lastSeq: all.length });
  await second.until((received) => received.length === 1, "the terminal event again");
  expect(second.received[0]).toMatchObject({ type: "done", seq: all.length, streamId });
  second.send({ type: "resume", streamId, lastSeq: all.length + 1 });
  await second.until((received) => received.length === 2, "a refusal");
  expect(second.received[1]).toMatchObject({ type: "error", code: "conflict", streamId });
  second.send({ type: "resume", streamId: "f".repeat(32), lastSeq: 0 });
  await second.until((received) => received.length === 3, "a refusal");
  expect(second.received[2]).toMatchObject({ type: "error", code: "not_found", streamId: "f".repeat(32) });
});

test("a socket that goes away leaves its run to the grace time, then to the end", async () => {
  const { gateway, provider } = await startWithProvider({ graceMs: 100 });
  provider.reply({ slices: openAiText(words(5000)), delayMs: 2 });
  const client = await open(gateway.url);
  client.send({ type: "chat", ...userSays("hi") });
  await client.until((received) => received.length > 5, "tokens");
  client.socket.terminate();
  await eventually(() => gateway.gateway.runs.readers === 0, "the reader is gone");
  expect(provider.calls[0]?.aborted).toBe(false);
  await eventually(() => provider.calls[0]?.aborted === true, "the abort", 1000);
  expect(gateway.gateway.heartbeat.size).toBe(0);
  expect(gateway.gateway.sockets.size).toBe(0);
});

test.each([
  ["no JSON", "{", "bad_request", "JSON"],
  ["a binary message", Buffer.from('{"type":"ping"}'), "bad_request", "JSON"],
  ["no object", "[1]", "bad_request", "object"],
  ["an unknown type", { type: "dance" }, "bad_request", "type must be one of chat"],
  ["a wrong field", { type: "resume", streamId: "x", lastSeq: "7" }, "bad_request", "lastSeq"],
  ["a __proto__ key", '{"type":"ping","__proto__":{"x":1}}', "bad_request", "__proto__"],
  ["an unknown agent", { type: "chat", requestId: "r9", ...userSays("x"), agentId: "nobody" }, "not_found", "nobody"],
  ["an approval for nothing", { type: "approval", streamId: "a", toolCallId: "c", approved: true }, "not_found", "stream"],
])("%s is answered by an error without a seq, and the socket stays open", async (_what, message, code, text) => {
  const gateway = await startTestGateway();
  const client = await open(gateway.url);
  client.send(message);
  await client.until((received) => received.length === 1, "the error");
  expect(client.received[0]).toMatchObject({ type: "error", code });
  expect(client.received[0]).not.toHaveProperty("seq");
  expect(String(client.received[0]?.["message"])).toContain(text);
  if (typeof message === "object" && "requestId" in message) expect(client.received[0]?.["requestId"]).toBe("r9");
  client.send({ type: "ping" });
  await client.until((received) => received.length === 2, "the pong");
  expect(client.received[1]).toEqual({ type: "pong" });
});

test("a message above 256 KB closes the socket with 1009", async () => {
  const gateway = await startTestGateway();
  const client = await open(gateway.url);
  client.send(JSON.stringify({ type: "chat", ...userSays("x".repeat(300_000)) }));
  const [code] = (await once(client.socket, "close")) as [number];
  expect(code).toBe(1009);
});

test("a foreign origin is refused at the upgrade with a sentence that names it, and another path is not found", async () => {
  const gateway = await startTestGateway({ devOrigins: false });
  const refused = new WebSocket(`${gateway.url.replace("http", "ws")}/api/chat/ws`, { origin: "https://evil.example" });
  refused.on("error", () => undefined);
  const [, response] = (await once(refused, "unexpected-response")) as [unknown, NodeJS.ReadableStream & { statusCode: number }];
  let body = "";
  for await (const bytes of response) body += String(bytes);
  expect(response.statusCode).toBe(403);
  expect(body).toContain("https://evil.example");
  expect(body).toContain("ALLOWED_ORIGINS");
  const same = await open(gateway.url, { origin: gateway.url });
  expect(same.socket.readyState).toBe(WebSocket.OPEN);
  const elsewhere = new WebSocket(`${gateway.url.replace("http", "ws")}/elsewhere`);
  elsewhere.on("error", () => undefined);
  const [, notFound] = (await once(elsewhere, "unexpected-response")) as [unknown, { statusCode: number }];
  expect(notFound.statusCode).toBe(404);
});

test("a silent stream is kept alive by pings, a silent socket that does not answer is terminated", async () => {
  const { gateway, provider } = await startWithProvider({ heartbeatMs: 60 });
  provider.reply({ slices: openAiText(["a"]), headersDelayMs: 350 });
  const client = await open(gateway.url);
  client.send({ type: "chat", ...userSays("hi") });
  await client.until(ended, "the end");
  const pings = client.received.filter((event) => event.type === "ping");
  expect(pings.length).toBeGreaterThanOrEqual(2);
  expect(pings[0]).toEqual({ type: "ping" });

  const dead = await open(gateway.url, { autoPong: false });
  await once(dead.socket, "close");
});

test(
  "a client that stops reading its socket holds a bounded amount and is let go after the stall budget",
  { timeout: 20_000 },
  async () => {
    const { gateway, provider } = await startWithProvider({ stallMs: 400, graceMs: 50, maxAnswerChars: 50_000_000 });
    const piece = openAiText(["z".repeat(4000)])[1] ?? "";
    provider.reply({ slices: Array.from({ length: 10_000 }, () => piece) });
    const client = await open(gateway.url);
    client.send({ type: "chat", ...userSays("hi") });
    await client.until((received) => received.length > 0, "the start");
    client.socket.pause();
    await eventually(() => provider.calls[0]?.aborted === true, "the abort", 15_000);
    expect(provider.calls[0]?.sent).toBeLessThan(30_000_000);
  },
);

test("a tool of the page is answered over the socket, once", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiCall("page_title", ['{"w', 'ide":true}'], "c1") }, { slices: openAiText(["It is Home."]) });
  const client = await open(gateway.url);
  const tools = [{ name: "page_title", description: "The page's title", parameters: { type: "object" } }];
  client.send({ type: "chat", ...userSays("which page?", { tools }) });
  await client.until((received) => received.some((event) => event.type === "tool_call"), "the call");
  const call = client.received.find((event) => event.type === "tool_call");
  expect(call).toMatchObject({ id: "c1", name: "page_title", arguments: { wide: true }, runsOn: "client" });
  client.send({ type: "tool_result", streamId: call?.streamId, toolCallId: "c1", result: { title: "Home" } });
  client.send({ type: "tool_result", streamId: call?.streamId, toolCallId: "c1", result: { title: "Again" } });
  await client.until((received) => received.some((event) => event.type === "done"), "the end");
  expect(client.received.filter((event) => event.type === "tool_result")).toMatchObject([{ id: "c1", result: { title: "Home" } }]);
  expect(client.received.find((event) => event.type === "error")).toMatchObject({ code: "conflict", streamId: call?.streamId });
  expect(JSON.stringify(provider.calls[1]?.body)).toContain("Home");
  expect((await postChat(gateway.url, userSays("x", { tools: "none" }))).status).toBe(400);
});
