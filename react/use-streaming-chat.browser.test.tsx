/* oxlint-disable react/globals -- the tests look at what the last render saw */
import { StrictMode, type ReactElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, expect, test, vi } from "vitest";

import type { StreamChunk } from "../shared/index.ts";
import type { ChatTransport, FollowOptions, TransportChunk } from "../shared/transport/transport.ts";
import { useStreamingChat, type StreamingChat, type UseStreamingChatOptions } from "./index.ts";

/** A transport whose chunks the test pushes by hand. */
function manualTransport(): ChatTransport & {
  push(...chunks: StreamChunk[]): void;
  sends: number;
  cancels: string[];
  signals: AbortSignal[];
} {
  let seq = 0;
  let pending: TransportChunk[] = [];
  let wake = (): void => undefined;
  async function* follow(options: FollowOptions = {}): AsyncGenerator<TransportChunk, void, undefined> {
    if (options.signal) transport.signals.push(options.signal);
    options.signal?.addEventListener("abort", () => wake());
    while (!options.signal?.aborted) {
      const batch = pending;
      pending = [];
      yield* batch;
      if (pending.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const transport = {
    name: "sse" as const,
    sends: 0,
    cancels: [] as string[],
    signals: [] as AbortSignal[],
    send(_request: unknown, options?: FollowOptions) {
      transport.sends++;
      seq = 0;
      return follow(options);
    },
    resume: (_streamId: string, _lastSeq: number, options?: FollowOptions) => follow(options),
    cancel: (streamId: string) => {
      transport.cancels.push(streamId);
      return Promise.resolve();
    },
    sendToolResult: () => Promise.resolve(),
    sendApproval: () => Promise.resolve(),
    close() {},
    push(...chunks: StreamChunk[]) {
      pending.push(...chunks.map((chunk) => ({ ...chunk, seq: ++seq })));
      wake();
    },
  };
  return transport;
}

const START: StreamChunk = { type: "start", streamId: "s1", messageId: "m1", agentId: "docs", model: "test", v: 1 };
const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

let root: Root | undefined;
let chat: StreamingChat;
let renders = 0;

function mount(options: UseStreamingChatOptions): void {
  const host = document.body.appendChild(document.createElement("div"));
  function Probe(): ReactElement {
    renders++;
    chat = useStreamingChat("docs", options);
    return (
      <output>
        {chat.messages.map((message) => message.parts.map((part) => (part.type === "text" ? part.text : "")).join("")).join("|")}
      </output>
    );
  }
  root = createRoot(host);
  root.render(
    <StrictMode>
      <Probe />
    </StrictMode>,
  );
}

afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
});

test("3,000 tokens in a burst commit at most once per frame and lose nothing", async () => {
  const transport = manualTransport();
  mount({ transport });
  await frame();
  void chat.send("hi");
  await frame();
  expect(chat.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
  expect(chat.isStreaming).toBe(true);
  const before = renders;
  let frames = 0;
  let counting = true;
  const count = (): void => {
    frames++;
    if (counting) requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  transport.push(START);
  for (let token = 0; token < 3_000; token++) {
    transport.push({ type: "token", content: `${token} ` });
    if (token % 10 === 0) await Promise.resolve();
  }
  transport.push({
    type: "done",
    reason: "stop",
    metrics: { ttft: 12, totalMs: 100, tokenCount: 3000, tokensPerSecond: 30000, decodeTokensPerSecond: 31000 },
  });
  await vi.waitFor(() => expect(chat.messages.at(-1)?.status).toBe("complete"));
  counting = false;
  // StrictMode renders twice per commit.
  expect(renders - before).toBeLessThanOrEqual(2 * (frames + 1));
  expect(document.querySelector("output")!.textContent).toBe(`hi|${Array.from({ length: 3_000 }, (_, index) => `${index} `).join("")}`);
  expect(chat.ttft).toBe(12);
  expect(chat.tokensPerSecond).toBe(30000);
});

test("onToolCall hears a complete call once, and the newest callback is called", async () => {
  const transport = manualTransport();
  const calls: string[] = [];
  mount({ transport, onToolCall: ({ name }) => void calls.push(name) });
  await frame();
  void chat.send("hi");
  transport.push(START, { type: "tool_call_delta", index: 0, id: "c1", name: "look", arguments: "{" });
  const call: StreamChunk = { type: "tool_call", index: 0, id: "c1", name: "look", arguments: {}, runsOn: "server" };
  transport.push(call, call, { type: "done", reason: "stop" });
  await vi.waitFor(() => expect(chat.messages.at(-1)?.status).toBe("complete"));
  expect(calls).toEqual(["look"]);
});

test("cancel stops at once, keeps what came, and reaches the server", async () => {
  const transport = manualTransport();
  mount({ transport });
  await frame();
  void chat.send("hi");
  transport.push(START, { type: "token", content: "half an " });
  await frame();
  await chat.cancel();
  transport.push({ type: "token", content: "answer" });
  await frame();
  expect(chat.isStreaming).toBe(false);
  expect(document.querySelector("output")!.textContent).toBe("hi|half an ");
  expect(chat.messages.at(-1)!.status).toBe("stopped");
  expect(transport.cancels).toEqual(["s1"]);
});

test("a StrictMode double mount keeps one session and one stream", async () => {
  const transport = manualTransport();
  mount({ transport });
  await frame();
  void chat.send("hi");
  transport.push(START, { type: "token", content: "x" });
  await frame();
  expect(transport.sends).toBe(1);
  expect(transport.signals.every((signal) => !signal.aborted)).toBe(true);
});

test("an unmounted chat lets go of the stream after its grace time, without cancelling the answer", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const transport = manualTransport();
    mount({ transport });
    await frame();
    void chat.send("hi");
    transport.push(START);
    await frame();
    root!.unmount();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(transport.signals.at(-1)!.aborted).toBe(true);
    expect(transport.cancels).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
