/** A TCP proxy that breaks an event stream after so many whole events, or stops passing it on, and lets every other answer pass. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface EventCutProxy {
  origin: string;
  /** Streams broken or held so far. */
  cuts: () => number;
  close(): Promise<void>;
}

/**
 * @param eventsBeforeCut asked once per stream; `null` lets it live.
 * @param settleMs how long after its last event a connection breaks; `null` for one that stays and says nothing more
 */
export async function startEventCutProxy(
  targetOrigin: string,
  eventsBeforeCut: () => number | null,
  settleMs: number | null = 5,
): Promise<EventCutProxy> {
  const { hostname, port } = new URL(targetOrigin);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let left: number | null = null;
    let held = "";
    upstream.on("data", (bytes: Buffer) => {
      // A connection is used again for other requests: each answer that is a stream counts from the beginning.
      const text = held + bytes.toString("latin1");
      if (/^HTTP\/1\.1 \d+[^]*content-type: text\/event-stream/i.test(text)) left = eventsBeforeCut();
      else if (/^HTTP\/1\.1 \d+/.test(text)) left = null;
      if (left === null) {
        client.write(bytes);
        return;
      }
      // Whole events only: what follows the last one waits for its end.
      let at = 0;
      for (const match of text.matchAll(/data: [^\n]*\n\n/g)) {
        if (left === 0) break;
        left--;
        at = match.index + match[0].length;
      }
      if (left > 0 && at === 0 && !text.includes("data: ")) at = text.length;
      if (at > 0) client.write(Buffer.from(text.slice(0, at), "latin1"));
      held = text.slice(at);
      if (left > 0) return;
      cuts++;
      upstream.pause();
      // What was let through has to be read before the connection breaks: a browser that is told of the break drops what it has not
      // read yet, and cuts without progress would spend the reader's budget.
      if (settleMs !== null) setTimeout(() => client.destroy(), settleMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    cuts: () => cuts,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
