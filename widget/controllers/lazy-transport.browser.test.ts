/** A transport whose code may not come. */
import { expect, test } from "vitest";

import type { ChatTransport, TransportChunk } from "../../shared/transport/transport.ts";
import { lazyTransport } from "./lazy-transport.ts";

const request = { agentId: "docs", messages: [], requestId: "r" };

function loaded(): { transport: ChatTransport; calls: string[] } {
  const calls: string[] = [];
  const done = (name: string) => (): Promise<void> => Promise.resolve(void calls.push(name));
  async function* answer(): AsyncGenerator<TransportChunk, void, undefined> {
    yield { type: "done", reason: "stop" };
  }
  const transport: ChatTransport = {
    name: "websocket",
    send: answer,
    resume: answer,
    cancel: done("cancel"),
    sendToolResult: done("result"),
    sendApproval: done("approval"),
    close: () => void calls.push("close"),
  };
  return { transport, calls };
}

async function read(stream: AsyncIterable<TransportChunk>): Promise<TransportChunk[]> {
  const chunks: TransportChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test("it is loaded at once, once, and passes everything on", async () => {
  const { transport, calls } = loaded();
  let loads = 0;
  const lazy = lazyTransport("websocket", () => {
    loads++;
    return Promise.resolve(transport);
  });
  expect([lazy.name, loads]).toEqual(["websocket", 1]);
  expect(await read(lazy.send(request))).toMatchObject([{ type: "done" }]);
  expect(await read(lazy.resume("s", 3))).toMatchObject([{ type: "done" }]);
  await lazy.cancel("s");
  await lazy.sendToolResult("s", { toolCallId: "c", result: 1 });
  await lazy.sendApproval("s", { toolCallId: "c", approved: true });
  lazy.close();
  await Promise.resolve();
  expect([calls, loads]).toEqual([["cancel", "result", "approval", "close"], 1]);
});

test("when its code does not come the answer says so and may be asked again, which loads it again", async () => {
  const { transport } = loaded();
  let loads = 0;
  const lazy = lazyTransport("websocket", () =>
    ++loads < 3 ? Promise.reject(new TypeError("Failed to fetch")) : Promise.resolve(transport),
  );
  await Promise.resolve();
  expect(await read(lazy.send(request))).toMatchObject([{ type: "error", code: "network", retryable: true }]);
  expect(await read(lazy.send(request))).toMatchObject([{ type: "done" }]);
});

test("what is told to a run meanwhile fails as a connection does", async () => {
  const lazy = lazyTransport("websocket", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(lazy.cancel("s")).rejects.toMatchObject({ name: "ChatError", code: "network", retryable: true });
});

test("let go of before its code failed to come, it leaves no error behind", async () => {
  const rejected: unknown[] = [];
  const note = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    rejected.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  const lazy = lazyTransport("websocket", async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new TypeError("Failed to fetch");
  });
  lazy.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  removeEventListener("unhandledrejection", note);
  expect(rejected).toEqual([]);
});
