import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { HttpBody } from "./http-body.ts";

/** A response on its way, and what its client gets of it. */
async function begin(headers: Record<string, string> = {}, change: (response: ServerResponse) => void = () => undefined) {
  const server = createServer();
  const asked = once(server, "request") as Promise<[IncomingMessage, ServerResponse]>;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const request = get({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [, response] = await asked;
  change(response);
  response.writeHead(200, headers);
  response.write("first|");
  const [incoming] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  incoming.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  return { response, incoming, received: () => text };
}

test.each<[string, Record<string, string>, ((response: ServerResponse) => void)?]>([
  ["a chunked answer", {}],
  ["an answer of known length, which is not chunked", { "Content-Length": "30" }],
  [
    "an answer whose write somebody replaced",
    {},
    (response) => {
      const write = response.write.bind(response);
      response.write = ((piece: string) => write(piece)) as typeof response.write;
    },
  ],
])("%s arrives as it was written, and the connection is as good as new", async (_what, headers, change) => {
  const { response, incoming, received } = await begin(headers, change);
  const body = new HttpBody(response, () => undefined);
  const write = (text: string): void => body.write(text, Buffer.byteLength(text));
  write("ascii|");
  write("wörter|");
  await new Promise((resolve) => setImmediate(resolve));
  write("日本語|");
  body.end();
  write("after the end");
  await once(incoming, "end");
  expect(received()).toBe("first|ascii|wörter|日本語|");
  expect(incoming.complete).toBe(true);
  expect(response.socket?.listenerCount("drain") ?? 1).toBe(1);
});

test("a full connection is full until it has drained, although a piece in between finds room", async () => {
  const { response } = await begin();
  let rooms = 0;
  const body = new HttpBody(response, () => rooms++);
  const answers = [false, true];
  const socket = response.socket;
  if (!socket) throw new Error("no socket");
  const write = socket.write.bind(socket) as (text: string, encoding: BufferEncoding) => boolean;
  socket.write = ((text: string, encoding: BufferEncoding) => write(text, encoding) && (answers.shift() ?? true)) as typeof socket.write;
  for (const piece of ["one", "two"]) {
    body.write(piece, piece.length);
    body.flush();
    expect(body.isFull).toBe(true);
  }
  expect(rooms).toBe(0);
  socket.emit("drain");
  expect(body.isFull).toBe(false);
  expect(rooms).toBe(1);
});
