/** A real Redis on a free port, which can be killed and started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Redis } from "ioredis";

import { findCommand } from "./find-command.ts";
import { freePort } from "./free-port.ts";

export const redisServer = findCommand("redis-server");
/** For the name of a test that is skipped. */
export const WITHOUT_REDIS = redisServer ? "" : " (skipped: there is no redis-server on this machine)";

export interface RedisServer {
  url: string;
  /** SIGKILL, and it is gone. */
  kill(): Promise<void>;
  /** Again on the same port, with what was persisted. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param persistent keeps an append-only file, written at every command. */
export async function startRedis({ persistent = false } = {}): Promise<RedisServer> {
  if (!redisServer) throw new Error("there is no redis-server on this machine");
  const command = redisServer;
  const folder = await mkdtemp(join(tmpdir(), "chanl-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const aof = persistent ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
    child = spawn(command, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...aof], { stdio: "ignore" });
    const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: 500 });
    client.on("error", () => undefined);
    await client.ping();
    client.disconnect();
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  await start();
  return {
    url,
    start,
    kill,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
