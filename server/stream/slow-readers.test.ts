/** 20 people read 1 KB per second of a 10 MB answer: what each costs, and what it costs others. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { openAiText } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, textOf, userSays } from "../testing/stream-client.ts";
import { startWithProvider } from "../testing/test-gateway.ts";

const PIECES = 1_250;
const piece = "x".repeat(8_000);

async function readSlowly(url: string, streamId: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.pause();
  socket.write(`GET /api/chat/stream/${streamId} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  const timer = setInterval(() => socket.read(1_024), 1_000);
  socket.once("close", () => clearInterval(timer));
  onTestFinished(() => void socket.destroy());
  return socket;
}

test(
  "each costs less than 1 MB besides the one log, and another reader reads the whole answer past them",
  { timeout: 60_000 },
  async () => {
    const { gateway, provider } = await startWithProvider({ maxAnswerChars: 50_000_000, maxLogBytes: 30_000_000 });
    const connections: Socket[] = [];
    gateway.server.on("connection", (socket) => connections.push(socket));
    provider.reply(() => ({ slices: openAiText(Array.from({ length: PIECES }, () => piece)), delayMs: 1 }));

    const timed = async (slow: number): Promise<{ ms: number; queued: number[] }> => {
      const body = userSays("hi", { requestId: `with ${slow}` });
      const response = await postChat(gateway.url, body, { headers: { Accept: "application/json" } });
      const { streamId } = (await response.json()) as { streamId: string };
      const before = connections.length;
      await Promise.all(Array.from({ length: slow }, () => readSlowly(gateway.url, streamId)));
      const began = performance.now();
      const events = await readAll(await fetch(`${gateway.url}/api/chat/stream/${streamId}`));
      const ms = performance.now() - began;
      expect(textOf(events)).toHaveLength(PIECES * piece.length);
      return { ms, queued: connections.slice(before).map((socket) => socket.writableLength) };
    };

    const alone = await timed(0);
    const { ms, queued } = await timed(20);
    expect(queued.filter((bytes) => bytes > 0)).toHaveLength(20);
    // What the process holds for a reader that does not read: Node's own queue. The kernel's is bounded by the kernel.
    for (const bytes of queued) expect(bytes).toBeLessThan(1_048_576);
    await eventually(() => gateway.gateway.runs.readers === 20, "the slow ones, who still read");
    expect(provider.calls).toHaveLength(2);
    console.log(
      `besides 20 slow readers ${Math.round(ms)} ms, alone ${Math.round(alone.ms)} ms; most queued for one: ${Math.max(...queued)} bytes`,
    );
  },
);
