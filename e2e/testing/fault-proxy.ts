/**
 * A TCP proxy that does to connections what bad networks do, where it is told: after so many bytes of the answer it ends them (FIN),
 * resets them (RST) or lets nothing through any more without a word (a black hole); until then it may pass single bytes, or hold
 * the answer up for a while.
 */
import { createServer, connect, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

export interface Fault {
  /** Bytes of the answer let through before the cut; headers count. */
  afterBytes: number;
  kind: "fin" | "rst" | "hole";
  /** One byte to a segment until the cut. */
  singleBytes?: boolean;
  /** How long the answer is held up before its last bytes until the cut, in ms. */
  delayMs?: number;
}

export interface FaultProxy {
  origin: string;
  /** Connections cut so far. */
  cuts: () => number;
  /** Resets every connection that is open now. */
  cutAll: () => void;
  close(): Promise<void>;
}

/**
 * @param targets where to; several are taken in turn, and one that refuses is passed over, as a load balancer does.
 * @param nextFault asked once per connection; `null` lets it live.
 */
export async function startFaultProxy(targets: string | readonly string[], nextFault: () => Fault | null): Promise<FaultProxy> {
  const origins = typeof targets === "string" ? [targets] : targets;
  const sockets = new Set<Socket>();
  let cuts = 0;
  let turn = 0;

  async function dial(): Promise<Socket | undefined> {
    for (let attempt = 0; attempt < origins.length; attempt++) {
      const { hostname, port } = new URL(origins[turn++ % origins.length] ?? "");
      const upstream = connect(Number(port), hostname);
      try {
        await once(upstream, "connect");
        return upstream;
      } catch {
        // The next one.
      }
    }
    return undefined;
  }

  async function serve(client: Socket): Promise<void> {
    const fault = nextFault();
    sockets.add(client);
    client.on("error", () => undefined).on("close", () => sockets.delete(client));
    const upstream = await dial();
    if (!upstream) return void client.destroy();
    sockets.add(upstream);
    // As real proxies do. With Nagle's algorithm each small frame waits for an acknowledgement: 45 s instead of 2.
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on("close", () => upstream.destroy());
    upstream
      .on("error", () => client.destroy())
      .on("close", () => {
        sockets.delete(upstream);
        if (!isHole) client.end();
      });
    if (client.destroyed) upstream.destroy();
    client.pipe(upstream);
    let passed = 0;
    let isHole = false;
    for await (const data of upstream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const left = fault ? fault.afterBytes - passed : Number.POSITIVE_INFINITY;
      const through = data.subarray(0, Math.min(data.length, left));
      const isCut = data.length >= left;
      passed += through.length;
      if (fault?.delayMs && isCut) await wait(fault.delayMs);
      if (fault?.singleBytes) {
        for (let at = 0; at < through.length; at++) {
          client.write(through.subarray(at, at + 1));
          // Else the kernel joins them again.
          if (at % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
        }
      } else if (!client.write(through)) await Promise.race([once(client, "drain"), once(client, "close")]);
      if (!fault || !isCut) continue;
      cuts++;
      if (fault.kind === "hole") {
        isHole = true;
        client.unpipe(upstream).resume();
        upstream.pause();
      } else {
        upstream.destroy();
        if (fault.kind === "fin") client.end();
        else client.write("", () => client.resetAndDestroy());
      }
      return;
    }
  }

  const server: Server = createServer((client) => void serve(client).catch(() => client.destroy()));
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
