/** Answers read over bad connections by our own transports, and what is wrong with what was read. */
import { WebSocket } from "ws";
import { EventSource } from "eventsource";

import {
  createEventSourceTransport,
  createFetchSseTransport,
  createWebSocketTransport,
  isTerminal,
  type ChatTransport,
  type FollowOptions,
} from "../../shared/index.ts";
import { openAiText, type Reply } from "../../server/testing/replay-provider.ts";
import type { Fault } from "./fault-proxy.ts";

/** Without progress, some seconds: a Redis that is restarted is away for as long. */
const RETRY = { maxAttempts: 200, baseMs: 1, maxMs: 50 };
/** Three heartbeats of `GATEWAY_ENV`. */
const IDLE_MS = 600;

/** Multi-byte characters, so that cuts fall inside them. */
export const TEXT = Array.from({ length: 3_000 }, (_, index) => `${index}·Wörter für 日本語 👩‍🚀 `).join("");

/** Every token its own event, so that there are many places to be cut at, and short heartbeats, so that a black hole is soon noticed. */
export const GATEWAY_ENV = { COALESCE_MS: "0", HEARTBEAT_MS: "200", MODEL: "openai/replay", OPENAI_API_KEY: "test" };

/** Four tokens per write, so that the stream is still live when it is cut, and over in a few seconds. */
export function replyWithText(): Reply {
  const pieces = TEXT.match(/[^]{1,24}/gu) ?? [];
  const slices =
    openAiText(pieces)
      .join("")
      .match(/(?:[^]*?\n\n){1,4}/g) ?? [];
  return { slices, delayMs: 1 };
}

export type MakeTransport = (endpoint: string) => ChatTransport;

export const transports: [name: string, make: MakeTransport][] = [
  ["fetch", (endpoint) => createFetchSseTransport({ endpoint, retry: RETRY, idleTimeoutMs: IDLE_MS })],
  ["WebSocket", (endpoint) => createWebSocketTransport({ endpoint, retry: RETRY, idleTimeoutMs: IDLE_MS, WebSocket: WebSocket })],
  ["EventSource", (endpoint) => createEventSourceTransport({ endpoint, retry: RETRY, EventSource: EventSource })],
];

/** Mostly ends and resets; some black holes, segments of one byte, and answers held up for 50 to 500 ms. */
export function randomFault(random: () => number, transport: string): Fault {
  const fault: Fault = { afterBytes: 1 + Math.floor(random() * 3_000), kind: random() < 0.5 ? "fin" : "rst" };
  const kind = random();
  // EventSource hides the heartbeat, so a reader over it cannot tell a black hole from a model that thinks.
  if (kind < 0.02 && transport !== "EventSource") fault.kind = "hole";
  else if (kind < 0.12) fault.singleBytes = true;
  else if (kind < 0.16) fault.delayMs = 50 + Math.floor(random() * 450);
  return fault;
}

export interface Reading {
  /** What is not as it has to be; empty where all is well. */
  failures: string[];
  /** The process that wrote the answer died, and the reader was told so. */
  isLost: boolean;
}

/** Reads one answer to its end and compares it with the text, character by character. */
export async function readAnswer(transport: ChatTransport): Promise<Reading> {
  const failures: string[] = [];
  let text = "";
  let lastSeq = 0;
  const terminals: string[] = [];
  const request = { agentId: "docs", messages: [{ role: "user" as const, content: "go" }], requestId: crypto.randomUUID() };
  let lastCut = "";
  const onReconnect: FollowOptions["onReconnect"] = ({ attempt, cause }) =>
    (lastCut = `attempt ${attempt}: ${cause.code}, ${cause.message}`);
  for await (const chunk of transport.send(request, { onReconnect })) {
    if (isTerminal(chunk)) terminals.push(chunk.type === "error" ? `${chunk.code} (status ${chunk.status}; ${lastCut})` : chunk.type);
    if (chunk.seq !== ++lastSeq && chunk.seq !== undefined) failures.push(`event ${chunk.seq} where ${lastSeq} was due`);
    if (chunk.type === "token") text += chunk.content;
  }
  const end = terminals.join() || "nothing";
  const isLost = end.startsWith("producer_lost");
  if (isLost ? !TEXT.startsWith(text) : text !== TEXT) failures.push(`the text differs: ${text.length} of ${TEXT.length} characters`);
  if (!isLost && end !== "done") failures.push(`ended with ${end}`);
  return { failures, isLost };
}
