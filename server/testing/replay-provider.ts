/** A provider on this machine for tests: answers with given bytes, in slices and with delays, and sees when it is hung up on. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface Reply {
  /** @defaultValue 200 */
  status?: number;
  /** Added to `Content-Type: text/event-stream`. */
  headers?: Record<string, string>;
  /** What is sent, slice by slice; waits for a reader that does not read. */
  slices: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
  /** Wait before each slice, in ms. @defaultValue 0 */
  delayMs?: number;
  /** Wait before the headers, in ms. @defaultValue 0 */
  headersDelayMs?: number;
  /** After the last slice: end cleanly, hang silently, or break the connection. @defaultValue "end" */
  ending?: "end" | "hang" | "reset";
}

export interface ReplayCall {
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
  /** Bytes written so far. */
  sent: number;
  /** Whether the caller hung up before the reply was over. */
  aborted: boolean;
  /** Resolves when the connection of this call is closed, or its reply is over. */
  closed: Promise<void>;
  abortedAt?: number;
}

export interface ReplayProvider {
  url: string;
  calls: ReplayCall[];
  /** Calls whose reply is still going on. */
  open(): number;
  /** What the next calls get; the last one stays. A function sees the call. */
  reply(...replies: (Reply | ((call: ReplayCall) => Reply))[]): void;
  close(): Promise<void>;
}

export async function startReplayProvider(): Promise<ReplayProvider> {
  const calls: ReplayCall[] = [];
  let replies: (Reply | ((call: ReplayCall) => Reply))[] = [];
  let open = 0;
  const server = createServer(async (request, response) => {
    // The look at a model's page at the start is no call of a model.
    if (request.method === "GET") return void response.writeHead(501).end();
    let text = "";
    for await (const bytes of request) text += String(bytes);
    const call: ReplayCall = {
      path: request.url ?? "",
      headers: request.headers,
      body: text === "" ? null : JSON.parse(text),
      sent: 0,
      aborted: false,
      closed: once(response, "close").then(() => undefined),
    };
    calls.push(call);
    open++;
    response.once("close", () => {
      open--;
      if (response.writableFinished) return;
      call.aborted = true;
      call.abortedAt = performance.now();
    });
    const next = replies.length > 1 ? replies.shift() : replies[0];
    if (!next) throw new Error("the replay provider was given no reply");
    await send(response, typeof next === "function" ? next(call) : next, call);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    open: () => open,
    reply: (...next) => void (replies = next),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function send(response: ServerResponse, reply: Reply, call: ReplayCall): Promise<void> {
  if (reply.headersDelayMs) await wait(reply.headersDelayMs);
  if (response.destroyed) return;
  response.writeHead(reply.status ?? 200, { "Content-Type": "text/event-stream", ...reply.headers });
  response.flushHeaders();
  for await (const slice of reply.slices) {
    if (reply.delayMs) await wait(reply.delayMs);
    if (response.destroyed) return;
    const more = response.write(slice);
    call.sent += slice.length;
    if (!more) await Promise.race([once(response, "drain"), call.closed]);
  }
  if (reply.ending === "hang") return;
  if (reply.ending === "reset") {
    // Let what was written leave first.
    await wait(20);
    response.socket?.resetAndDestroy();
  } else {
    response.end();
  }
}

/** A body cut into single bytes. */
export function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

function event(body: unknown): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}

function choice(delta: unknown, finish_reason: string | null = null): unknown {
  return { id: "chatcmpl-1", choices: [{ index: 0, delta, finish_reason }] };
}

/** Chat Completions events for a text: role, one delta per token, finish reason, usage, `[DONE]`. */
export function openAiText(tokens: readonly string[], { usage = true, finish = "stop" } = {}): string[] {
  return [
    event(choice({ role: "assistant", content: "" })),
    ...tokens.map((content) => event(choice({ content }))),
    event(choice({}, finish)),
    ...(usage
      ? [
          event({
            id: "chatcmpl-1",
            choices: [],
            usage: { prompt_tokens: 7, completion_tokens: tokens.length, total_tokens: 7 + tokens.length },
          }),
        ]
      : []),
    "data: [DONE]\n\n",
  ];
}

/** Chat Completions events for one tool call; the arguments come in fragments. */
export function openAiCall(name: string, fragments: readonly string[], id = "call_1"): string[] {
  return [
    event(
      choice({ role: "assistant", content: null, tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: "" } }] }),
    ),
    ...fragments.map((fragment) => event(choice({ tool_calls: [{ index: 0, function: { arguments: fragment } }] }))),
    event(choice({}, "tool_calls")),
    "data: [DONE]\n\n",
  ];
}
