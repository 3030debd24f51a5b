import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { createOutboundFetch } from "../outbound.ts";
import { boundedFetch, MAX_MESSAGE_BYTES } from "./bounded-fetch.ts";
import { McpConnection } from "./mcp-connection.ts";

const encoder = new TextEncoder();

/** What comes through of a body in these pieces. */
async function through(type: string, pieces: readonly string[], maxBytes: number): Promise<string> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
  const fetch = boundedFetch(() => Promise.resolve(new Response(body, { status: 201, headers: { "Content-Type": type } })), maxBytes);
  const response = await fetch("http://x/");
  expect([response.status, response.headers.get("content-type")]).toEqual([201, type]);
  return response.text();
}

test("an answer may be as long as its limit and no longer", async () => {
  expect(await through("application/json", ["12345", "67890"], 10)).toBe("1234567890");
  await expect(through("application/json", ["12345", "67890", "1"], 10)).rejects.toThrow("larger than 10 bytes");
});

test.each(["\n", "\r\n"])("a stream may be of any length when its events are not, however it is cut (%j)", async (end) => {
  const event = `data: 1${end}${end}`;
  const long = event.repeat(50);
  for (const size of [1, 2, 3, 7, 100]) {
    const pieces = long.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(await through("text/event-stream", pieces, event.length + size)).toBe(long);
  }
  await expect(through("text/event-stream", [event, "data: ", "x".repeat(40)], 30)).rejects.toThrow("larger than 30 bytes");
  // Lines of one event count together.
  await expect(through("text/event-stream", Array<string>(10).fill(`data: 1${end}`), 30)).rejects.toThrow("larger than 30 bytes");
});

test("an MCP server that never ends its answer is hung up on", { timeout: 30_000 }, async () => {
  let sent = 0;
  let closed = false;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.write('{"x":"');
    const piece = "x".repeat(1024 * 1024);
    const more = (): void => {
      while (!response.destroyed) {
        sent += piece.length;
        if (!response.write(piece)) return void response.once("drain", more);
      }
    };
    response.once("close", () => (closed = true));
    more();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const connection = new McpConnection({ name: "endless", settings: { url }, fetch: createOutboundFetch("configured") });
  onTestFinished(() => connection.close());
  await expect(connection.tools()).rejects.toThrow("The MCP server endless cannot be reached.");
  await expect.poll(() => closed).toBe(true);
  expect(sent).toBeLessThan(3 * MAX_MESSAGE_BYTES);
});
