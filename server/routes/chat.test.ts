import { expect, test } from "vitest";

import type { StreamEvent } from "../../shared/protocol/chunk.ts";
import { openAiText } from "../testing/replay-provider.ts";
import { eventually, parseSse, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "../testing/test-gateway.ts";

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word${index} `);

interface Refusal {
  error: { code: string; message: string; field?: string; retryable: boolean; requestId?: string };
}

test("a question is answered as an event stream with the headers of the protocol", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["Hel", "lo", " wörld"]) });
  const response = await postChat(gateway.url, userSays("hi", { requestId: "r1" }));
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-cache, no-transform");
  expect(response.headers.get("x-accel-buffering")).toBe("no");
  expect(response.headers.get("x-chanl-stream")).toBe("v1");
  const text = await response.text();
  expect(text.startsWith("retry: 1000\n")).toBe(true);
  const events = parseSse(text);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events[0]).toMatchObject({
    type: "start",
    v: 1,
    agentId: "docs",
    model: "openai/test-model",
    requestId: "r1",
    streamId: response.headers.get("x-stream-id"),
  });
  expect(textOf(events)).toBe("Hello wörld");
  expect(events[1]).toMatchObject({ type: "token", content: "Hel", metrics: { ttft: expect.any(Number) as number } });
  expect(events[2]).not.toHaveProperty("metrics");
  expect(events.at(-1)).toMatchObject({ type: "done", reason: "stop", usage: { outputTokens: 3 }, metrics: { tokenCount: 3 } });
  expect(events.filter((event) => ["done", "error", "cancelled"].includes(event.type))).toHaveLength(1);
});

test("headers and the start event come before the model says anything", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: [], headersDelayMs: 5000, ending: "hang" });
  const response = await postChat(gateway.url, userSays("hi"));
  const events = await readUntil(response, (seen) => seen.length >= 1);
  expect(events[0]?.type).toBe("start");
});

test("a resume at every event gives exactly the rest", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["a", "ä", "\n", "\u2028", "😀", "b".repeat(300), "c"]) });
  const response = await postChat(gateway.url, userSays("hi"));
  const uncut = await response.text();
  const whole = parseSse(uncut);
  const id = response.headers.get("x-stream-id");
  for (let cursor = 0; cursor < whole.length; cursor++) {
    const byQuery = await fetch(`${gateway.url}/api/chat/stream/${id}?lastSeq=${cursor}`);
    expect(await readAll(byQuery)).toEqual(whole.slice(cursor));
    const byHeader = await fetch(`${gateway.url}/api/chat/stream/${id}?lastSeq=0`, { headers: { "Last-Event-ID": String(cursor) } });
    expect(await readAll(byHeader)).toEqual(whole.slice(cursor));
  }
});

test("a client cut at random places, while the model goes on, reads what it would have read uncut", async () => {
  const { gateway, provider } = await startWithProvider({ coalesceMs: 0 });
  provider.reply(() => ({ slices: openAiText(words(120)), delayMs: 1 }));
  const expected = words(120).join("");
  let seed = 20260101;
  const random = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let round = 0; round < 5; round++) {
    const seen: StreamEvent[] = [];
    const first = await postChat(gateway.url, userSays(`round ${round}`));
    const id = first.headers.get("x-stream-id");
    let response = first;
    let cuts = 0;
    while (seen.at(-1)?.type !== "done") {
      const take = 1 + Math.floor(random() * 25);
      const got = await readUntil(response, (events) => events.length >= take || events.at(-1)?.type === "done");
      seen.push(...got);
      if (seen.at(-1)?.type === "done") break;
      cuts++;
      response = await fetch(`${gateway.url}/api/chat/stream/${id}`, { headers: { "Last-Event-ID": String(seen.at(-1)?.seq) } });
    }
    expect(cuts, `seed 20260101, round ${round}`).toBeGreaterThan(2);
    expect(seen.map((event) => event.seq)).toEqual(seen.map((_, index) => index + 1));
    expect(textOf(seen)).toBe(expected);
  }
  expect(provider.calls).toHaveLength(5);
});

test("two readers of one run read the same", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(60)), delayMs: 1 });
  const first = await postChat(gateway.url, userSays("hi"));
  const second = await fetch(`${gateway.url}/api/chat/stream/${first.headers.get("x-stream-id")}`);
  expect(await readAll(second)).toEqual(await readAll(first));
  expect(provider.calls).toHaveLength(1);
});

test("a cursor at the terminal event is answered 204, one beyond the head 409, one that is no number 400", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["a"]) });
  const response = await postChat(gateway.url, userSays("hi"));
  const last = (await readAll(response)).length;
  const address = `${gateway.url}/api/chat/stream/${response.headers.get("x-stream-id")}`;
  expect((await fetch(address, { headers: { "Last-Event-ID": String(last) } })).status).toBe(204);
  expect((await fetch(`${address}?lastSeq=${last + 1}`)).status).toBe(409);
  for (const bad of ["-1", "1e3", "0x1", "1.5", "abc", "99999999999999999999"]) {
    const refused = await fetch(`${address}?lastSeq=${bad}`);
    expect(refused.status, bad).toBe(400);
    expect(((await refused.json()) as Refusal).error.field).toBe("lastSeq");
  }
  expect((await fetch(address, { headers: { "Last-Event-ID": "7; drop" } })).status).toBe(400);
  expect((await fetch(`${gateway.url}/api/chat/stream/${"0".repeat(32)}`)).status).toBe(404);
});

test("the same requestId attaches to the run that exists, one after the other and at the same time", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(30)), delayMs: 1 });
  const body = userSays("hi", { requestId: "once" });
  const [one, two] = await Promise.all([postChat(gateway.url, body), postChat(gateway.url, body)]);
  const events = await readAll(one);
  expect(await readAll(two)).toEqual(events);
  const late = await postChat(gateway.url, userSays("hi"), { headers: { "Idempotency-Key": "once" } });
  expect(await readAll(late)).toEqual(events);
  expect(late.headers.get("x-stream-id")).toBe(one.headers.get("x-stream-id"));
  expect(provider.calls).toHaveLength(1);
  const other = await postChat(gateway.url, userSays("something else", { requestId: "once" }));
  expect(other.status).toBe(409);
});

test("Accept: application/json starts the run without streaming it", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["a", "b"]) });
  const response = await postChat(gateway.url, userSays("hi"), { headers: { Accept: "application/json" } });
  expect(response.status).toBe(202);
  const { streamId, messageId } = (await response.json()) as { streamId: string; messageId: string };
  const events = await readAll(await fetch(`${gateway.url}/api/chat/stream/${streamId}?lastSeq=0`));
  expect(events[0]).toMatchObject({ type: "start", messageId });
  expect(textOf(events)).toBe("ab");
  const both = await postChat(gateway.url, userSays("hi"), { headers: { Accept: "application/json, text/event-stream" } });
  expect(both.headers.get("content-type")).toContain("text/event-stream");
  await both.text();
});

test("cancel answers 202 while it runs and 200 after, and the stream ends with exactly one cancelled", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(words(1000)), delayMs: 2 });
  const response = await postChat(gateway.url, userSays("hi"));
  const address = `${gateway.url}/api/chat/stream/${response.headers.get("x-stream-id")}`;
  const reading = readAll(response);
  await eventually(() => (provider.calls[0]?.sent ?? 0) > 1000, "some tokens");
  expect((await fetch(`${address}/cancel`, { method: "POST" })).status).toBe(202);
  expect((await fetch(`${address}/cancel`, { method: "POST" })).status).toBe(200);
  const events = await reading;
  expect(events.at(-1)).toMatchObject({ type: "cancelled", reason: "user", metrics: { estimated: true } });
  expect(events.filter((event) => event.type === "cancelled")).toHaveLength(1);
  await eventually(() => provider.calls[0]?.aborted === true, "the abort at the provider", 300);
  // A reload after Stop does not bring the answer back.
  expect((await readAll(await fetch(address))).at(-1)?.type).toBe("cancelled");
  expect(provider.calls).toHaveLength(1);
});

test.each([
  ["not JSON", "{", 400, undefined, "not valid JSON"],
  ["no object", "[]", 400, undefined, "must be a JSON object"],
  ["no agentId", { messages: [{ role: "user", content: "x" }] }, 400, "agentId", "agentId is missing"],
  ["no messages", { agentId: "docs" }, 400, "messages", "messages is missing"],
  ["empty messages", { agentId: "docs", messages: [] }, 400, "messages", "messages must not be empty"],
  [
    "a wrong role",
    {
      agentId: "docs",
      messages: [
        { role: "user", content: "a" },
        { role: "robot", content: "b" },
      ],
    },
    400,
    "messages[1].role",
    "messages[1].role must be one of user, assistant, system, tool",
  ],
  [
    "a number as content",
    { agentId: "docs", messages: [{ role: "user", content: 5 }] },
    400,
    "messages[0].content",
    "messages[0].content must be a string",
  ],
  [
    "201 messages",
    { agentId: "docs", messages: Array.from({ length: 201 }, () => ({ role: "user", content: "x" })) },
    400,
    "messages",
    "at most 200 entries",
  ],
  ["a bad onDisconnect", userSays("x", { onDisconnect: "explode" }), 400, "onDisconnect", "one of continue, cancel"],
  [
    "a __proto__ key",
    '{"agentId":"docs","messages":[{"role":"user","content":"x"}],"tools":[{"name":"t","description":"","parameters":{"__proto__":{"x":1}}}]}',
    400,
    "__proto__",
    "not allowed",
  ],
  [
    "a constructor key",
    '{"agentId":"docs","constructor":{"prototype":{"x":1}},"messages":[{"role":"user","content":"x"}]}',
    400,
    "constructor",
    "not allowed",
  ],
  [
    "deep nesting",
    `{"agentId":"docs","messages":[{"role":"user","content":"x"}],"x":${"[".repeat(5000)}${"]".repeat(5000)}}`,
    400,
    undefined,
    "nested deeper",
  ],
  ["an unknown agent", { agentId: "nobody", messages: [{ role: "user", content: "x" }] }, 404, "agentId", "nobody"],
  ["a body above 256 KB", userSays("x".repeat(300_000)), 413, undefined, "256 KB"],
  [
    "a client tool with the name of the agent's own",
    userSays("x", { tools: [{ name: "search_docs", description: "", parameters: {} }] }),
    400,
    "tools[0].name",
    "already has",
  ],
])("a request with %s is refused before anything streams", async (_what, body, status, field, message) => {
  const gateway = await startTestGateway();
  const response = await postChat(gateway.url, body);
  expect(response.status).toBe(status);
  const { error } = (await response.json()) as Refusal;
  expect(error.message).toContain(message);
  expect(error.field).toBe(field);
  expect(error.retryable).toBe(false);
  expect(gateway.gateway.runs.running).toBe(0);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("unknown fields are left out and a body without a JSON content type is refused", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["a"]) });
  const response = await postChat(gateway.url, userSays("hi", { color: "mauve" }));
  expect(response.status).toBe(200);
  await response.text();
  expect(JSON.stringify(provider.calls[0]?.body)).not.toContain("mauve");
  const plain = await postChat(gateway.url, userSays("hi"), { headers: { "Content-Type": "text/plain" } });
  expect(plain.status).toBe(400);
  expect(((await plain.json()) as Refusal).error.message).toContain("Content-Type: application/json");
});

test("above maxRuns a question is answered 503 with Retry-After", async () => {
  const { gateway, provider } = await startWithProvider({ maxRuns: 1 });
  provider.reply({ slices: [], ending: "hang" });
  const first = await postChat(gateway.url, userSays("one"));
  const refused = await postChat(gateway.url, userSays("two", { requestId: "r2" }));
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(((await refused.json()) as Refusal).error).toMatchObject({ code: "overloaded", retryable: true, requestId: "r2" });
  await first.body?.cancel();
});

test("an ended run can be resumed until its time is over", async () => {
  const { gateway, provider } = await startWithProvider({ ttlMs: 150 });
  provider.reply({ slices: openAiText(["a"]) });
  const response = await postChat(gateway.url, userSays("hi", { requestId: "again" }));
  await response.text();
  const address = `${gateway.url}/api/chat/stream/${response.headers.get("x-stream-id")}`;
  const resumed = await fetch(address);
  expect(resumed.status).toBe(200);
  await resumed.text();
  await new Promise((resolve) => setTimeout(resolve, 350));
  expect((await fetch(address)).status).toBe(404);
  // The request id is forgotten with it.
  await (await postChat(gateway.url, userSays("hi", { requestId: "again" }))).text();
  expect(provider.calls).toHaveLength(2);
});

test("an answer without an end is cut at its limit and told as too long", async () => {
  const { gateway, provider } = await startWithProvider({ maxAnswerChars: 2000 });
  provider.reply({ slices: openAiText(words(5000)) });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(events.at(-1)).toMatchObject({ type: "done", reason: "length" });
  expect(textOf(events).length).toBeLessThan(2100);
  await eventually(() => provider.open() === 0, "the provider is let go");
});

test("a cursor older than the log gets a snapshot, then the rest, and the same message", async () => {
  const { gateway, provider } = await startWithProvider({ maxLogBytes: 16_384 });
  const tokens = words(1500);
  provider.reply({ slices: openAiText(tokens) });
  const response = await postChat(gateway.url, userSays("hi"), { headers: { Accept: "application/json" } });
  const { streamId, messageId } = (await response.json()) as { streamId: string; messageId: string };
  await eventually(() => gateway.gateway.runs.running === 0, "the end");
  const events = await readAll(await fetch(`${gateway.url}/api/chat/stream/${streamId}`, { headers: { "Last-Event-ID": "3" } }));
  const [snapshot, ...rest] = events;
  if (snapshot?.type !== "snapshot") throw new Error(`no snapshot: ${snapshot?.type}`);
  expect(snapshot.message.messageId).toBe(messageId);
  expect(rest.map((event) => event.seq)).toEqual(rest.map((_, index) => snapshot.seq + 1 + index));
  const told = snapshot.message.chunks.map((chunk) => (chunk.type === "token" ? chunk.content : "")).join("");
  expect(told + textOf(rest)).toBe(tokens.join(""));
  expect(rest.at(-1)?.type).toBe("done");
});

test("silence is broken by keepalive comments, and only by those", async () => {
  const { gateway, provider } = await startWithProvider({ heartbeatMs: 60 });
  provider.reply({ slices: openAiText(["a"]), headersDelayMs: 400 });
  const text = await (await postChat(gateway.url, userSays("hi"))).text();
  const beats = text.split(": keepalive\n\n").length - 1;
  expect(beats).toBeGreaterThanOrEqual(3);
  expect(beats).toBeLessThanOrEqual(12);
  expect(textOf(parseSse(text.replaceAll(": keepalive\n\n", "")))).toBe("a");
  expect(gateway.gateway.heartbeat.size).toBe(0);
});

test("tokens that arrive together become one event, the first goes out alone, and the count stays the provider's", async () => {
  const { gateway, provider } = await startWithProvider({ coalesceMs: 40 });
  provider.reply({ slices: [openAiText(words(50), { usage: false }).join("")] });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  const tokens = events.filter((event) => event.type === "token");
  expect(tokens).toHaveLength(2);
  expect(tokens[0]).toMatchObject({ content: "word0 " });
  expect(textOf(events)).toBe(words(50).join(""));
  expect(events.at(-1)).toMatchObject({ metrics: { tokenCount: 50, estimated: true } });
});

test("an approval nobody asked for is refused, on a stream that exists and on one that does not", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["a"]) });
  const response = await postChat(gateway.url, userSays("hi"));
  await response.text();
  const post = (id: string | null, body: unknown): Promise<Response> =>
    fetch(`${gateway.url}/api/chat/stream/${id}/approvals`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  expect((await post(response.headers.get("x-stream-id"), { toolCallId: "c", approved: true })).status).toBe(409);
  expect((await post(response.headers.get("x-stream-id"), { toolCallId: "c" })).status).toBe(400);
  expect((await post("f".repeat(32), { toolCallId: "c", approved: true })).status).toBe(404);
});

test("another method on a chat address is answered 405, an unknown address 404, both as JSON", async () => {
  const gateway = await startTestGateway();
  expect((await fetch(`${gateway.url}/api/chat/stream`)).status).toBe(405);
  expect((await fetch(`${gateway.url}/api/chat/stream/x`, { method: "HEAD" })).status).toBe(405);
  const unknown = await fetch(`${gateway.url}/api/nothing`);
  expect(unknown.status).toBe(404);
  expect(((await unknown.json()) as Refusal).error.code).toBe("not_found");
  expect((await fetch(`${gateway.url}/api/chat/stream/%E0%A4%A`)).status).toBe(400);
});

test("what a provider sends in one piece leaves in one piece, every token an event of its own", async () => {
  const { gateway, provider } = await startWithProvider();
  const tokens = Array.from({ length: 60 }, (_, index) => `wörd${index} `);
  provider.reply({ slices: [openAiText(tokens).join("")] });
  let writes = 0;
  gateway.server.on("connection", (socket) => {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      writes++;
      return write(...args);
    };
  });
  const events = await readAll(await postChat(gateway.url, userSays("hi")));
  expect(events.flatMap((event) => (event.type === "token" ? [event.content] : []))).toEqual(tokens);
  // Headers and `retry`, `start`, the tokens, the end; the kernel may cut the provider's piece in two.
  expect(writes).toBeLessThan(12);
});
