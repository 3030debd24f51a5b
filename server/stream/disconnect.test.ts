/** Readers that stop, vanish and come back; what the provider sees of it is what counts. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { expect, test } from "vitest";

import { openAiCall, openAiText } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startWithProvider } from "../testing/test-gateway.ts";

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word${index} `);

/** Sends a question over a bare socket and never reads the answer. */
async function askAndStall(url: string, body: unknown): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  socket.pause();
  await once(socket, "connect");
  const text = JSON.stringify(body);
  socket.write(
    `POST /api/chat/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  return socket;
}

test("20 clients stop reading, then vanish: no reader, no timer, no call at the provider is left", { timeout: 60_000 }, async () => {
  const { gateway, provider } = await startWithProvider({ graceMs: 100, maxAnswerChars: 50_000_000, maxLogBytes: 1_048_576 });
  // 40 MB per client: the kernel takes up to 4 MB of a connection before anybody notices that nothing is read.
  const piece = openAiText(["x".repeat(4000)])[1] ?? "";
  provider.reply(() => ({ slices: Array.from({ length: 10_000 }, () => piece) }));
  const sockets = await Promise.all(Array.from({ length: 20 }, (_, index) => askAndStall(gateway.url, userSays(`stall ${index}`))));
  await eventually(() => provider.calls.length === 20, "20 calls", 10_000);
  let before = -1;
  // Everything that can be buffered is; the provider is no longer read.
  for (;;) {
    const sent = provider.calls.reduce((sum, call) => sum + call.sent, 0);
    if (sent === before) break;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(provider.open()).toBe(20);
  expect(before).toBeGreaterThan(20 * 500_000);
  expect(before).toBeLessThan(20 * 20_000_000);
  expect(gateway.gateway.runs.readers).toBe(20);
  for (const socket of sockets) socket.destroy();
  await eventually(() => provider.open() === 0, "every provider call is aborted", 5000);
  expect(provider.calls.every((call) => call.aborted)).toBe(true);
  expect(gateway.gateway.runs.readers).toBe(0);
  expect(gateway.gateway.runs.running).toBe(0);
  expect(gateway.gateway.heartbeat.size).toBe(0);
  await eventually(
    () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length <= 3,
    "the sockets are closed",
    15_000,
  );
});

test("a client that stalls for longer than the budget is let go, and another reader of the run is not held up", async () => {
  const { gateway, provider } = await startWithProvider({ stallMs: 300, graceMs: 50, maxAnswerChars: 50_000_000, maxLogBytes: 30_000_000 });
  const piece = openAiText(["y".repeat(8000)])[1] ?? "";
  provider.reply({ slices: [...Array.from({ length: 1500 }, () => piece), ...openAiText(["end"])] });
  const body = userSays("hi", { requestId: "shared" });
  const stalled = await askAndStall(gateway.url, body);
  await eventually(() => gateway.gateway.runs.running === 1, "the run");
  const events = await readAll(await postChat(gateway.url, body));
  expect(textOf(events)).toHaveLength(1500 * 8000 + 3);
  expect(provider.calls).toHaveLength(1);
  await eventually(() => gateway.gateway.runs.readers === 0, "the stalled reader is dropped", 3000);
  stalled.destroy();
});

test("Stop reaches the provider before the first token", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: [], headersDelayMs: 20_000 });
  const response = await postChat(gateway.url, userSays("hi"));
  await eventually(() => provider.calls.length === 1, "the call");
  const asked = performance.now();
  const reading = readAll(response);
  await fetch(`${gateway.url}/api/chat/stream/${response.headers.get("x-stream-id")}/cancel`, { method: "POST" });
  expect((await reading).at(-1)).toMatchObject({ type: "cancelled", reason: "user", metrics: { ttft: null, tokenCount: 0 } });
  await eventually(() => provider.calls[0]?.aborted === true, "the abort", 300);
  expect((provider.calls[0]?.abortedAt ?? Infinity) - asked).toBeLessThan(300);
});

test("Stop reaches a tool that runs", async () => {
  let toolAborted = false;
  const { gateway, provider } = await startWithProvider({
    agents: [{ id: "worker", name: "Worker", instructions: "", tools: ["slow"] }],
    tools: [
      {
        name: "slow",
        description: "Takes its time",
        parameters: { type: "object" },
        run: (_input, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener("abort", () => ((toolAborted = true), reject(signal.reason as Error)))),
      },
    ],
  });
  provider.reply({ slices: openAiCall("slow", ["{}"]) });
  const response = await postChat(gateway.url, { ...userSays("hi"), agentId: "worker" });
  const id = response.headers.get("x-stream-id");
  const seen = await readUntil(response, (events) => events.some((event) => event.type === "step"));
  const asked = performance.now();
  await fetch(`${gateway.url}/api/chat/stream/${id}/cancel`, { method: "POST" });
  expect(toolAborted).toBe(true);
  expect(performance.now() - asked).toBeLessThan(300);
  const rest = await readAll(await fetch(`${gateway.url}/api/chat/stream/${id}?lastSeq=${seen.at(-1)?.seq}`));
  expect(rest.map((event) => event.type)).toEqual(["cancelled"]);
  expect(provider.calls).toHaveLength(1);
});

test("a reader that returns within the grace finds the run going on", async () => {
  const { gateway, provider } = await startWithProvider({ graceMs: 300 });
  provider.reply({ slices: openAiText(words(400)), delayMs: 2 });
  const response = await postChat(gateway.url, userSays("hi"));
  const id = response.headers.get("x-stream-id");
  const seen = await readUntil(response, (events) => events.length > 20);
  await eventually(() => gateway.gateway.runs.readers === 0, "the reader is gone");
  await new Promise((resolve) => setTimeout(resolve, 150));
  const rest = await readAll(await fetch(`${gateway.url}/api/chat/stream/${id}?lastSeq=${seen.at(-1)?.seq}`));
  // It ran for longer than the grace after the return: the timer is off.
  expect(rest.at(-1)?.type).toBe("done");
  expect(textOf([...seen, ...rest])).toBe(words(400).join(""));
  expect(provider.calls).toHaveLength(1);
});

test("after the grace without a reader the run is cancelled as disconnected, and the provider hung up on", async () => {
  const { gateway, provider } = await startWithProvider({ graceMs: 100 });
  provider.reply({ slices: openAiText(words(5000)), delayMs: 2 });
  const response = await postChat(gateway.url, userSays("hi"));
  const id = response.headers.get("x-stream-id");
  await readUntil(response, (events) => events.length > 5);
  await eventually(() => provider.calls[0]?.aborted === true, "the abort", 1000);
  expect((await readAll(await fetch(`${gateway.url}/api/chat/stream/${id}`))).at(-1)).toMatchObject({
    type: "cancelled",
    reason: "disconnect",
  });
});

test("onDisconnect cancel ends the run as soon as its last reader is gone", async () => {
  const { gateway, provider } = await startWithProvider({ graceMs: 60_000 });
  provider.reply({ slices: openAiText(words(5000)), delayMs: 2 });
  const response = await postChat(gateway.url, userSays("hi", { onDisconnect: "cancel" }));
  await readUntil(response, (events) => events.length > 5);
  await eventually(() => provider.calls[0]?.aborted === true, "the abort", 300);
});

test("a run that nobody ever reads ends after the grace", async () => {
  const { gateway, provider } = await startWithProvider({ graceMs: 80 });
  provider.reply({ slices: [], ending: "hang" });
  const response = await postChat(gateway.url, userSays("hi"), { headers: { Accept: "application/json" } });
  expect(response.status).toBe(202);
  await eventually(() => provider.calls[0]?.aborted === true, "the abort", 1000);
});

test("a run is ended at its longest time, and at shutdown, each with its reason", async () => {
  const { gateway, provider } = await startWithProvider({ maxRunMs: 120 });
  provider.reply({ slices: [], ending: "hang" });
  expect((await readAll(await postChat(gateway.url, userSays("hi")))).at(-1)).toMatchObject({ type: "cancelled", reason: "timeout" });

  const other = await startWithProvider();
  other.provider.reply({ slices: openAiText(["a"]).slice(0, 2), ending: "hang" });
  const response = await postChat(other.gateway.url, userSays("hi"));
  const reading = readAll(response);
  await eventually(() => (other.provider.calls[0]?.sent ?? 0) > 100, "the token");
  await new Promise((resolve) => setTimeout(resolve, 30));
  const closing = other.gateway.close();
  const events = await reading;
  expect(textOf(events)).toBe("a");
  expect(events.at(-1)).toMatchObject({ type: "cancelled", reason: "shutdown" });
  await closing;
  await expect(fetch(`${other.gateway.url}/healthz`)).rejects.toThrow();
});
