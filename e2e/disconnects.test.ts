/**
 * 500 people close the page: before the first token, while they do not read, during a tool, behind nginx. What counts is that the
 * provider, or the tool, is told, every time and soon, and that nothing is left.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

import { expect, onTestFinished, test } from "vitest";

import { openAiCall, openAiText } from "../server/testing/replay-provider.ts";
import { eventually, userSays } from "../server/testing/stream-client.ts";
import { startWithProvider, type TestGateway } from "../server/testing/test-gateway.ts";
import { isInstalled, nginxShipped, startProxy } from "./testing/proxy-process.ts";

/**
 * Longest time from the moment the policy is due, which with `onDisconnect: "cancel"` is the moment the gateway hears that the client is
 * gone, to the moment it aborts its request to the provider (or the tool), in ms, on one clock in one process.
 * How long the network and the provider's own event loop take to notice is theirs, and not in it.
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
  /** The policy's time to the gateway's abort, in ms. */
  own: number;
}

/** When the gateway let go of its requests to a provider. */
function abortsOfRequests(): number[] {
  const times: number[] = [];
  const note = (): void => void times.push(performance.now());
  subscribe("undici:request:error", note);
  onTestFinished(() => void unsubscribe("undici:request:error", note));
  return times;
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
  /** When the provider noticed. */
  noticedAt: () => (number | undefined)[];
  /** When the gateway aborted. */
  abortedAt: readonly number[];
}): Promise<Ended[]> {
  const { gateway, count, isReady, noticedAt, abortedAt } = options;
  const due: number[] = [];
  gateway.server.prependListener("request", (_request, response: ServerResponse) => {
    response.once("close", () => due.push(performance.now()));
  });
  const clients = await Promise.all(
    Array.from({ length: count }, () => ask(options.url ?? gateway.url, options.agentId ?? "docs", { reads: options.reads ?? true })),
  );
  await Promise.all(clients.map(({ id }) => id));
  await eventually(isReady, "the moment to leave", 20_000);
  const cuts: number[] = [];
  for (const { socket } of clients) {
    cuts.push(performance.now());
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  await eventually(() => noticedAt().filter((time) => time !== undefined).length >= count, `${count} aborts`, 10_000);
  const noticed = noticedAt()
    .map((time) => time ?? Number.NaN)
    .toSorted((a, b) => a - b);
  expect({ due: due.length, aborted: abortedAt.length, noticed: noticed.length }).toEqual({ due: count, aborted: count, noticed: count });
  // Who is who does not matter: in order, the slowest is as slow.
  return noticed.map((time, index) => ({
    whole: time - (cuts[index] ?? Number.NaN),
    own: (abortedAt[index] ?? Number.NaN) - (due[index] ?? Number.NaN),
  }));
}

function expectSoon(what: string, ended: readonly Ended[]): void {
  const whole = ended.map((each) => each.whole).toSorted((a, b) => a - b);
  const at = (share: number): string => (whole[Math.ceil(whole.length * share) - 1] ?? Number.NaN).toFixed(0);
  const slowest = Math.max(...ended.map(({ own }) => own));
  console.log(
    `${what}: ${ended.length} of ${ended.length}, aborted at most ${slowest.toFixed(1)} ms after the policy's time, ` +
      `noticed p50 ${at(0.5)} ms, p99 ${at(0.99)} ms after the cut`,
  );
  for (const { own } of ended) expect(own).toBeLessThan(SOON_MS);
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
    noticedAt: () => provider.calls.map((call) => call.abortedAt),
    abortedAt: abortsOfRequests(),
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
    noticedAt: () => provider.calls.map((call) => call.abortedAt),
    abortedAt: abortsOfRequests(),
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
  const ended = await disconnect({
    gateway,
    agentId: "worker",
    count: 150,
    isReady: () => running === 150,
    noticedAt: () => aborted,
    abortedAt: aborted,
  });
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
    noticedAt: () => provider.calls.map((call) => call.abortedAt),
    abortedAt: abortsOfRequests(),
  });
  expectSoon("behind nginx", ended);
  await expectNothingLeft(gateway, () => provider.open());
});
