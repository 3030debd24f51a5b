/** A TCP proxy that cuts connections where it is told: after so many bytes of the answer, by FIN or by RST. */
import { createServer, connect, type Server, type Socket } from "node:net";
import { once } from "node:events";

export interface Fault {
  /** Bytes of the answer let through before the cut; headers count. */
  afterBytes: number;
  kind: "fin" | "rst";
}

export interface FaultProxy {
  origin: string;
  /** Connections cut so far. */
  cuts: () => number;
  /** Resets every connection that is open now. */
  cutAll: () => void;
  close(): Promise<void>;
}

/** @param nextFault asked once per connection; `null` lets it live. */
export async function startFaultProxy(targetOrigin: string, nextFault: () => Fault | null): Promise<FaultProxy> {
  const { hostname, port } = new URL(targetOrigin);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server: Server = createServer((client) => {
    const fault = nextFault();
    const upstream = connect(Number(port), hostname);
    sockets.add(client).add(upstream);
    // As real proxies do. With Nagle's algorithm each small frame waits for an acknowledgement: 45 s instead of 2.
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    let passed = 0;
    const drop = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client.on("error", drop).on("close", () => {
      upstream.destroy();
      sockets.delete(client);
    });
    upstream.on("error", drop).on("close", () => {
      client.end();
      sockets.delete(upstream);
    });
    client.pipe(upstream);
    upstream.on("data", (data: Buffer) => {
      if (!fault || passed + data.length < fault.afterBytes) {
        passed += data.length;
        client.write(data);
        return;
      }
      const rest = data.subarray(0, fault.afterBytes - passed);
      cuts++;
      upstream.destroy();
      if (fault.kind === "fin") client.end(rest);
      else client.write(rest, () => client.resetAndDestroy());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    cuts: () => cuts,
    cutAll() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Mulberry32: small, good enough, and the seed replays it. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
