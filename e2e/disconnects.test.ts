/**
 * 500 people close the page: before the first token, while they do not read, during a tool, behind nginx. What counts is that the
 * provider, or the tool, is told, every time and soon, and that nothing is left.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";

import { expect, onTestFinished, test } from "vitest";

import type { Run } from "../server/stream/run.ts";
import { openAiCall, openAiText } from "../server/testing/replay-provider.ts";
import { eventually, userSays } from "../server/testing/stream-client.ts";
import { startWithProvider, type TestGateway } from "../server/testing/test-gateway.ts";
import { isInstalled, nginxShipped, startProxy } from "./testing/proxy-process.ts";

/**
 * From the moment the gateway's policy ends a run to the moment the provider sees it, in ms. Clients, gateway and provider share this
 * process and the machine is shared with others: the longest time the event loop stood still is added.
 */
const SOON_MS = 100;

/** Asks over a bare connection that can be cut at any time. */
async function ask(url: string, agentId: string, { reads = true } = {}): Promise<{ socket: Socket; id: Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const text = JSON.stringify({ ...userSays("hi", { onDisconnect: "cancel" }), agentId });
  socket.write(
    `POST /api/chat/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  const id = once(socket, "data").then(([data]: Buffer[]) => {
    if (!reads) socket.pause();
    return /x-stream-id: (\w+)/i.exec(String(data))?.[1] ?? "";
  });
  return { socket, id };
}

interface Ended {
  /** Client's cut to provider's notice, in ms. */
  whole: number;
  /** The policy's end of the run to the provider's notice, in ms. */
  own: number;
  /** The longest time the event loop stood still meanwhile, in ms. */
  standstill: number;
}

/** Lets `count` people in, cuts all of their connections, and waits for the provider to notice each. */
async function disconnect(options: {
  gateway: TestGateway;
  url?: string;
  agentId?: string;
  count: number;
  reads?: boolean;
  /** Whether the moment to leave has come. */
  isReady: () => boolean;
  abortedAt: () => (number | undefined)[];
}): Promise<Ended[]> {
  const { gateway, count, isReady, abortedAt } = options;
  const clients = await Promise.all(
    Array.from({ length: count }, () => ask(options.url ?? gateway.url, options.agentId ?? "docs", { reads: options.reads ?? true })),
  );
  const ids = await Promise.all(clients.map(({ id }) => id));
  await eventually(isReady, "the moment to leave", 20_000);
  const cuts: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  for (const { socket } of clients) {
    cuts.push(performance.now());
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  await eventually(() => abortedAt().filter((time) => time !== undefined).length >= count, `${count} aborts`, 10_000);
  loop.disable();
  const standstill = loop.max / 1_000_000;
  const runs = await Promise.all(ids.map((id) => gateway.gateway.runs.find(id, "")));
  const ends = runs.map((run) => (run as Run).endedAt ?? Number.NaN).toSorted((a, b) => a - b);
  const times = abortedAt()
    .map((time) => time ?? Number.NaN)
    .toSorted((a, b) => a - b);
  // Who is who does not matter: in order, the slowest is as slow.
  return times.map((time, index) => ({
    whole: time - (cuts[index] ?? Number.NaN),
    own: time - (ends[index] ?? Number.NaN),
    standstill,
  }));
}

function expectSoon(what: string, ended: readonly Ended[]): void {
  const whole = ended.map((each) => each.whole).toSorted((a, b) => a - b);
  const at = (share: number): string => (whole[Math.ceil(whole.length * share) - 1] ?? Number.NaN).toFixed(0);
  console.log(`${what}: ${ended.length} of ${ended.length} noticed, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms after the cut`);
  for (const { own, standstill } of ended) expect(own).toBeLessThan(SOON_MS + standstill);
}

async function expectNothingLeft(gateway: TestGateway, open: () => number): Promise<void> {
  await eventually(() => open() === 0, "no call at the provider");
  const { runs, heartbeat, sockets } = gateway.gateway;
  expect({ running: runs.running, readers: runs.readers, beating: heartbeat.size, sockets: sockets.size }).toEqual({
    running: 0,
    readers: 0,
    beating: 0,
    sockets: 0,
  });
  // The test's own keep-alive connections aside.
  await eventually(
    () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length <= 3,
    "the sockets to be closed",
    5_000,
  );
}

test("230 before the first token", { timeout: 30_000 }, async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: [], headersDelayMs: 60_000 });
  const ended = await disconnect({
    gateway,
    count: 230,
    isReady: () => provider.calls.length === 230,
    abortedAt: () => provider.calls.map((call) => call.abortedAt),
  });
  expectSoon("before the first token", ended);
  await expectNothingLeft(gateway, () => provider.open());
});

test("20 that do not read, in backpressure", { timeout: 60_000 }, async () => {
  const piece = openAiText(["x".repeat(8000)])[1] ?? "";
  const { gateway, provider } = await startWithProvider({ maxAnswerChars: 50_000_000, maxLogBytes: 1_048_576 });
  provider.reply(() => ({ slices: Array.from({ length: 5_000 }, () => piece) }));
  let before = -1;
  let checked = 0;
  const ended = await disconnect({
    gateway,
    count: 20,
    reads: false,
    // The provider is no longer read.
    isReady: () => {
      if (performance.now() - checked < 250) return false;
      checked = performance.now();
      const sent = provider.calls.reduce((sum, call) => sum + call.sent, 0);
      const isStill = sent === before && sent > 0;
      before = sent;
      return isStill;
    },
    abortedAt: () => provider.calls.map((call) => call.abortedAt),
  });
  expectSoon("in backpressure", ended);
  await expectNothingLeft(gateway, () => provider.open());
});

test("150 during a tool", { timeout: 30_000 }, async () => {
  const aborted: number[] = [];
  let running = 0;
  const { gateway, provider } = await startWithProvider({
    agents: [{ id: "worker", name: "Worker", instructions: "", tools: ["slow"] }],
    tools: [
      {
        name: "slow",
        description: "Takes its time",
        parameters: { type: "object" },
        run: (_input, { signal }) => {
          running++;
          return new Promise((_resolve, reject) =>
            signal.addEventListener("abort", () => {
              running--;
              aborted.push(performance.now());
              reject(signal.reason as Error);
            }),
          );
        },
      },
    ],
  });
  provider.reply(() => ({ slices: openAiCall("slow", ["{}"]) }));
  const ended = await disconnect({ gateway, agentId: "worker", count: 150, isReady: () => running === 150, abortedAt: () => aborted });
  expectSoon("during a tool", ended);
  expect(running).toBe(0);
  await expectNothingLeft(gateway, () => provider.open());
});

test.skipIf(!isInstalled(nginxShipped))("100 behind nginx", { timeout: 30_000 }, async () => {
  const { gateway, provider } = await startWithProvider();
  const proxy = await startProxy(nginxShipped, gateway.url);
  onTestFinished(() => proxy.stop());
  provider.reply(() => ({ slices: openAiText(Array.from({ length: 5_000 }, (_, index) => `word${index} `)), delayMs: 20 }));
  const ended = await disconnect({
    gateway,
    url: proxy.origin,
    count: 100,
    isReady: () => provider.calls.length === 100,
    abortedAt: () => provider.calls.map((call) => call.abortedAt),
  });
  expectSoon("behind nginx", ended);
  await expectNothingLeft(gateway, () => provider.open());
});
