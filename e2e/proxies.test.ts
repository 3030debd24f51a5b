/**
 * The proxies people have, in front of the built gateway: do tokens come one by one, does a gateway that dies look like an answer that
 * ended, and does a silent tool outlive the proxy's patience. Beside each yes stands a setting with which it is no, or this would see nothing.
 */
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { createFetchSseTransport, createWebSocketTransport, type ChatTransport } from "../shared/index.ts";
import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { parseSse, postChat, userSays } from "../server/testing/stream-client.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import {
  apacheShipped,
  caddyShipped,
  haproxyDelaying,
  haproxyShipped,
  isInstalled,
  nginxShipped,
  nginxWith,
  startProxy,
  type ProxyKind,
  type ProxyProcess,
} from "./testing/proxy-process.ts";

const TOKENS = 20;
const PERIOD_MS = 80;
/** Tokens further apart than this were sent by themselves. */
const APART_MS = 20;
const tokens = Array.from({ length: TOKENS }, (_, index) => `wörd${index} `);

/** How long a tool is silent, and how long a proxy waits; `SILENCE_MS=90000 CUT_MS=20000 BEAT_MS=15000` is the real thing. */
const SILENCE_MS = Number(process.env["SILENCE_MS"] ?? 3_000);
const CUT_MS = Number(process.env["CUT_MS"] ?? 1_200);
const BEAT_MS = Number(process.env["BEAT_MS"] ?? 300);

const good: ProxyKind[] = [
  nginxShipped,
  // Only what the gateway's headers say; the upstream is spoken to in HTTP/1.0.
  nginxWith("nginx as it comes"),
  nginxWith("nginx with gzip", "proxy_http_version 1.1; gzip on; gzip_types text/event-stream; gzip_min_length 0;"),
  nginxWith("nginx, HTTP/1.0, unbuffered", "proxy_buffering off;"),
  haproxyShipped,
  caddyShipped,
  apacheShipped,
];
/** nginx as it comes answers an upgrade with 200. */
const withWebSocket = new Set([nginxShipped, haproxyShipped, haproxyDelaying, caddyShipped, apacheShipped]);
const deaf = nginxWith("nginx that ignores the gateway's header", "proxy_ignore_headers X-Accel-Buffering;");

let provider: ReplayProvider;
let gateway: GatewayProcess;
const started = new Map<ProxyKind, ProxyProcess>();

async function through(kind: ProxyKind): Promise<string> {
  const running = started.get(kind) ?? (await startProxy(kind, gateway.origin));
  started.set(kind, running);
  return running.origin;
}

beforeAll(async () => {
  provider = await startReplayProvider();
  provider.reply(() => ({ slices: openAiText(tokens), delayMs: PERIOD_MS }));
  gateway = await startGateway({
    OPENAI_BASE_URL: `${provider.url}/v1`,
    OPENAI_API_KEY: "test",
    MODEL: "openai/replay",
    COALESCE_MS: "0",
  });
});

afterAll(async () => {
  await Promise.all([...started.values()].map((proxy) => proxy.stop()));
  await gateway?.stop();
  await provider?.close();
});

/** When each token arrived, in ms. */
type Arrivals = number[];

async function arrivalsOf(response: Response): Promise<Arrivals> {
  const times: Arrivals = [];
  let text = "";
  const decoder = new TextDecoder();
  if (!response.body) throw new Error("no body");
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    const whole = text.slice(0, text.lastIndexOf("\n\n") + 2);
    const now = performance.now();
    for (let count = parseSse(whole).filter(({ type }) => type === "token").length; times.length < count;) times.push(now);
  }
  expect(parseSse(text).at(-1)?.type).toBe("done");
  return times;
}

async function overPost(origin: string): Promise<Arrivals> {
  return arrivalsOf(await postChat(origin, userSays("hi")));
}

async function overResume(origin: string): Promise<Arrivals> {
  const begun = await postChat(gateway.origin, userSays("hi"), { headers: { Accept: "application/json" } });
  const { streamId } = (await begun.json()) as { streamId: string };
  return arrivalsOf(await fetch(`${origin}/api/chat/stream/${streamId}`, { headers: { "Last-Event-ID": "1" } }));
}

function overWebSocket(origin: string): Promise<Arrivals> {
  return new Promise((resolve, reject) => {
    const times: Arrivals = [];
    const socket = new WebSocket(`${origin.replace("http", "ws")}/api/chat/ws`);
    socket.on("error", reject);
    socket.on("open", () => socket.send(JSON.stringify({ type: "chat", ...userSays("hi") })));
    socket.on("message", (data: Buffer) => {
      const event = JSON.parse(data.toString()) as { type: string };
      if (event.type === "token") times.push(performance.now());
      if (event.type !== "done") return;
      socket.close();
      resolve(times);
    });
  });
}

function bursts(times: Arrivals): number {
  return times.filter((time, index) => index === 0 || time - (times[index - 1] ?? 0) > APART_MS).length;
}

/** The best of three: a machine that was busy for a moment joins tokens, no moment takes them apart. */
async function bestBursts(read: () => Promise<Arrivals>): Promise<number> {
  let best = 0;
  for (let attempt = 0; attempt < 3 && best < TOKENS * 0.95; attempt++) {
    const times = await read();
    expect(times).toHaveLength(TOKENS);
    best = Math.max(best, bursts(times));
  }
  return best;
}

const ways: [string, (origin: string) => Promise<Arrivals>][] = [
  ["POST", overPost],
  ["resume", overResume],
  ["WebSocket", overWebSocket],
];
const skipped = (kind: ProxyKind): string => (isInstalled(kind) ? "" : ` (skipped: there is no ${kind.command} on this machine)`);

for (const kind of good) {
  const mine = ways.filter(([name]) => name !== "WebSocket" || withWebSocket.has(kind));
  // Side by side: what is waited for is the model.
  test(
    `${kind.name}: tokens come one by one over ${mine.map(([name]) => name).join(", ")}${skipped(kind)}`,
    { concurrent: true, skip: !isInstalled(kind) },
    async () => {
      const origin = await through(kind);
      const counts = await Promise.all(mine.map(async ([name, read]) => [name, await bestBursts(() => read(origin))] as const));
      for (const [name, count] of counts) expect(count, name).toBeGreaterThanOrEqual(TOKENS * 0.95);
    },
  );
}

test.skipIf(!isInstalled(deaf))(`nginx that ignores the gateway's header sends everything at the end${skipped(deaf)}`, async () => {
  expect(bursts(await overPost(await through(deaf)))).toBe(1);
});

test.skipIf(!isInstalled(deaf))(`nginx as it comes opens no WebSocket${skipped(deaf)}`, async () => {
  await expect(overWebSocket(await through(deaf))).rejects.toThrow(/Unexpected server response: (200|400|404|426)/);
});

test.skipIf(!isInstalled(haproxyDelaying))(
  `HAProxy without http-no-delay joins tokens for up to 200 ms${skipped(haproxyDelaying)}`,
  async () => {
    expect(bursts(await overPost(await through(haproxyDelaying)))).toBeLessThan(TOKENS * 0.8);
  },
);

describe.skipIf(!isInstalled(nginxShipped))(
  `a tool that is silent for ${SILENCE_MS} ms behind a proxy that waits ${CUT_MS} ms${skipped(nginxShipped)}`,
  () => {
    test.each([
      ["survives with heartbeats", BEAT_MS, true],
      ["is cut without", 60_000, false],
    ])("%s", { timeout: SILENCE_MS + 30_000 }, async (_what, beatMs, survives) => {
      const silent = await startReplayProvider();
      onTestFinished(() => silent.close());
      silent.reply({ slices: openAiText(["spoken"]), headersDelayMs: SILENCE_MS });
      const behind = await startGateway({
        OPENAI_BASE_URL: `${silent.url}/v1`,
        OPENAI_API_KEY: "test",
        MODEL: "openai/replay",
        HEARTBEAT_MS: String(beatMs),
        PROVIDER_IDLE_MS: String(SILENCE_MS + 20_000),
      });
      onTestFinished(() => behind.stop());
      const proxy = await startProxy(
        nginxWith("nginx", `proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout ${CUT_MS}ms;`),
        behind.origin,
      );
      onTestFinished(() => proxy.stop());
      const response = await postChat(proxy.origin, userSays("hi"));
      const text = await response.text().catch(() => "");
      expect(text.includes('"type":"done"')).toBe(survives);
    });
  },
);

// The last one: it kills the gateway.
test("a gateway that dies never looks like an answer that ended, whatever the proxy makes of it", { timeout: 60_000 }, async () => {
  provider.reply(() => ({ slices: openAiText(tokens).slice(0, -3), delayMs: 5, ending: "hang" }));
  const kinds = [...good, haproxyDelaying].filter(isInstalled);
  const retry = { maxAttempts: 2, baseMs: 10, maxMs: 20 };
  const readers: { name: string; transport: ChatTransport }[] = [];
  for (const kind of kinds) {
    const endpoint = `${await through(kind)}/api/chat`;
    readers.push({ name: `${kind.name}, fetch`, transport: createFetchSseTransport({ endpoint, retry }) });
    if (withWebSocket.has(kind))
      readers.push({ name: `${kind.name}, WebSocket`, transport: createWebSocketTransport({ endpoint, retry, WebSocket: WebSocket }) });
  }
  let streaming = 0;
  const ends = await Promise.all(
    readers.map(async ({ name, transport }) => {
      let text = "";
      let last = "";
      for await (const chunk of transport.send({
        agentId: "docs",
        messages: [{ role: "user", content: name }],
        requestId: crypto.randomUUID(),
      })) {
        last = chunk.type === "error" ? `error ${chunk.code}` : chunk.type;
        if (chunk.type !== "token") continue;
        text += chunk.content;
        if (text.endsWith(`wörd${TOKENS - 1} `) && ++streaming === readers.length) await gateway.kill();
      }
      transport.close();
      return { name, last, isWhole: text === tokens.join("") };
    }),
  );
  expect(ends).toEqual(readers.map(({ name }) => ({ name, last: "error truncated", isWhole: true })));
});
