/** Bad networks against the built gateway: what was cut is resumed, and the text is the uncut one. */
import { WebSocket } from "ws";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  createEventSourceTransport,
  createFetchSseTransport,
  createWebSocketTransport,
  type ChatTransport,
  type TransportChunk,
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

describe.each(transports)("over %s", (_name, make) => {
  test("200 cuts at random bytes leave the text as it was, and call the model once", async () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const random = seededRandom(seed);
    let planned = 0;
    const nextFault = (): Fault | null => {
      if (planned >= 200) return null;
      planned++;
      return { afterBytes: 1 + Math.floor(random() * 3_000), kind: random() < 0.5 ? "fin" : "rst" };
    };
    const proxy = await startFaultProxy(gateway.origin, nextFault);
    const transport = make(`${proxy.origin}/api/chat`);
    const callsBefore = provider.calls.length;
    let text = "";
    const terminals: TransportChunk[] = [];
    let lastSeq = 0;
    for await (const chunk of transport.send({
      agentId: "docs",
      messages: [{ role: "user", content: "go" }],
      requestId: crypto.randomUUID(),
    })) {
      expect(chunk.seq, `seed ${seed}`).toBe(++lastSeq);
      if (chunk.type === "token") text += chunk.content;
      if (chunk.type === "done" || chunk.type === "error" || chunk.type === "cancelled") terminals.push(chunk);
    }
    const cuts = proxy.cuts();
    transport.close();
    await proxy.close();
    expect(cuts, `seed ${seed}`).toBeGreaterThanOrEqual(200);
    expect(text === TEXT, `the text differs; seed ${seed}`).toBe(true);
    expect(terminals).toMatchObject([{ type: "done" }]);
    expect(provider.calls.length - callsBefore).toBe(1);
  });
});
