import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";

import type { StreamChunk } from "./protocol/chunk.ts";
import { StreamingChatClient } from "./streaming-client.ts";
import { TestGateway } from "./testing/gateway.ts";
import { until } from "./testing/until.ts";

const TOKENS: StreamChunk[] = [
  { type: "token", content: "Hel" },
  { type: "token", content: "lo" },
];

let gateway: TestGateway;
let client: StreamingChatClient;
let seen: string[];
beforeEach(async () => {
  gateway = await TestGateway.start({ script: [...TOKENS, { type: "done", reason: "stop" }] });
  client = new StreamingChatClient({
    baseUrl: `${gateway.baseUrl}/`,
    agentId: "agent",
    WebSocket: WebSocket,
    retry: { baseMs: 1, maxMs: 2, maxAttempts: 3 },
  });
  seen = [];
  for (const type of ["start", "token", "done", "error", "cancelled", "reconnect"] as const) client.on(type, () => seen.push(type));
});
afterEach(async () => {
  client.close();
  await gateway.close();
});

test("listeners hear their type, and send settles at the end", async () => {
  let text = "";
  client.on("token", ({ content }) => (text += content));
  await client.send("Hi");
  expect(seen).toEqual(["start", "token", "token", "done"]);
  expect(text).toBe("Hello");
  expect(gateway.received[0]?.body).toMatchObject({ type: "chat", agentId: "agent", messages: [{ role: "user", content: "Hi" }] });
});

test("a whole conversation can be sent", async () => {
  const messages = [
    { role: "system" as const, content: "s" },
    { role: "user" as const, content: "Hi" },
  ];
  await client.send(messages);
  expect(gateway.received[0]?.body["messages"]).toEqual(messages);
});

test("a listener that left hears nothing", async () => {
  let heard = 0;
  client.on("token", () => heard++)();
  await client.send("Hi");
  expect(heard).toBe(0);
});

test("a lost connection is resumed and told as reconnect", async () => {
  gateway.faults.set("any", [{ stop: { afterFrames: 2, how: "rst" } }]);
  await client.send("Hi");
  expect(seen).toEqual(["start", "token", "reconnect", "token", "done"]);
});

test("an error comes to its listener, and send settles", async () => {
  gateway.faults.set("any", [{ refuse: { status: 403, code: "forbidden" } }]);
  await client.send("Hi");
  expect(seen).toEqual(["error"]);
});

describe("cancel", () => {
  beforeEach(() => {
    gateway.script = TOKENS;
  });

  test("during the answer ends it, and cancelled is heard", async () => {
    const sending = client.send("Hi");
    await until("it streams", () => seen.includes("token"));
    await client.cancel();
    await sending;
    expect(seen.at(-1)).toBe("cancelled");
    expect(gateway.requests("ws cancel")).toHaveLength(1);
  });

  test("before the first event is kept until the run has a name", async () => {
    const sending = client.send("Hi");
    await client.cancel();
    await sending;
    expect(seen.at(-1)).toBe("cancelled");
    expect(gateway.requests("ws cancel")).toHaveLength(1);
  });

  test("with nothing running does nothing", async () => {
    await client.cancel();
    gateway.script = [{ type: "done", reason: "stop" }];
    await client.send("Hi");
    await client.cancel();
    expect(gateway.requests("ws cancel")).toEqual([]);
  });

  test("a cancel that could not be told does not make send fail", async () => {
    const sending = client.send("Hi");
    await until("it streams", () => seen.includes("token"));
    const run = gateway.latest;
    run.append({ type: "done", reason: "stop" });
    await sending;
    expect(seen.at(-1)).toBe("done");
  });
});
