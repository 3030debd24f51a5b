/** Bad networks against the built gateway: what was cut is resumed, and the text is the uncut one. */
import { WebSocket } from "ws";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  createEventSourceTransport,
  createFetchSseTransport,
  createWebSocketTransport,
  isTerminal,
  type ChatTransport,
} from "../shared/index.ts";
import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { seededRandom, startFaultProxy, type Fault } from "./testing/fault-proxy.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const RETRY = { maxAttempts: 60, baseMs: 1, maxMs: 5 };
/** Multi-byte characters, so that cuts fall inside them. */
const TEXT = Array.from({ length: 3_000 }, (_, index) => `${index}·Wörter für 日本語 👩‍🚀 `).join("");

let provider: ReplayProvider;
let gateway: GatewayProcess;

beforeAll(async () => {
  const pieces = TEXT.match(/[^]{1,24}/gu) ?? [];
  provider = await startReplayProvider();
  // Four tokens per write, so that the stream is still live when it is cut, and over in a few seconds.
  const slices =
    openAiText(pieces)
      .join("")
      .match(/(?:[^]*?\n\n){1,4}/g) ?? [];
  provider.reply({ slices, delayMs: 1 });
  // Every token its own event, so that there are many places to be cut at.
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay", COALESCE_MS: "0" });
});

afterAll(async () => {
  await gateway?.stop();
  await provider?.close();
});

const transports: [string, (endpoint: string) => ChatTransport][] = [
  ["fetch", (endpoint) => createFetchSseTransport({ endpoint, retry: RETRY })],
  ["WebSocket", (endpoint) => createWebSocketTransport({ endpoint, retry: RETRY, WebSocket: WebSocket })],
  ["EventSource", (endpoint) => createEventSourceTransport({ endpoint, retry: RETRY, EventSource: EventSource })],
];

/** Reads answers through a proxy that cuts at random bytes, until it has cut `cuts` times. */
async function readThroughCuts(make: (endpoint: string) => ChatTransport, cuts: number, random: () => number): Promise<string[]> {
  const nextFault = (): Fault | null =>
    proxy.cuts() < cuts ? { afterBytes: 1 + Math.floor(random() * 3_000), kind: random() < 0.5 ? "fin" : "rst" } : null;
  const proxy = await startFaultProxy(gateway.origin, nextFault);
  const transport = make(`${proxy.origin}/api/chat`);
  const failures: string[] = [];
  while (proxy.cuts() < cuts && failures.length === 0) {
    const callsBefore = provider.calls.length;
    let text = "";
    let lastSeq = 0;
    const terminals: string[] = [];
    const request = { agentId: "docs", messages: [{ role: "user" as const, content: "go" }], requestId: crypto.randomUUID() };
    for await (const chunk of transport.send(request)) {
      if (chunk.seq !== ++lastSeq) failures.push(`event ${chunk.seq} where ${lastSeq} was due`);
      if (chunk.type === "token") text += chunk.content;
      if (isTerminal(chunk)) terminals.push(chunk.type);
    }
    if (text !== TEXT) failures.push(`the text differs: ${text.length} instead of ${TEXT.length} characters`);
    if (terminals.join() !== "done") failures.push(`ended with ${terminals.join() || "nothing"}`);
    if (provider.calls.length - callsBefore !== 1) failures.push(`${provider.calls.length - callsBefore} calls of the model`);
  }
  transport.close();
  await proxy.close();
  return failures;
}

describe.each(transports)("over %s", (_name, make) => {
  test("1,000 cuts at random bytes lose nothing, repeat nothing, and call the model once per answer", { timeout: 180_000 }, async () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    expect(await readThroughCuts(make, 1_000, seededRandom(seed)), `SEED=${seed}`).toEqual([]);
  });
});

test("a resume that asks for one event too many is caught by the same reading", async () => {
  const offByOne: typeof fetch = (input, init) =>
    fetch(
      (input as string).replace(/lastSeq=(\d+)/, (_, seq: string) => `lastSeq=${Number(seq) + 1}`),
      init,
    );
  const make = (endpoint: string): ChatTransport =>
    createFetchSseTransport({ endpoint, retry: { ...RETRY, maxAttempts: 3 }, fetch: offByOne });
  const failures = await readThroughCuts(make, 5, seededRandom(7));
  expect(failures.some((failure) => failure.includes("ended with error"))).toBe(true);
});
