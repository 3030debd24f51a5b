/** The ioredis package, loaded when it is first needed: without Redis nobody has to install it. */
import type { Redis } from "ioredis";

export type RedisClient = Redis;
type RedisConstructor = typeof Redis;

/** @throws Error that names the package when it is not installed. */
export async function loadRedis(load: () => Promise<{ Redis: RedisConstructor }> = () => import("ioredis")): Promise<RedisConstructor> {
  try {
    return (await load()).Redis;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("RedisRunStore needs the package ioredis, which is not installed. Install it beside chanl-chat: npm install ioredis", {
      cause: error,
    });
  }
}

export interface ConnectOptions {
  url: string;
  /** Shown by `CLIENT LIST`. */
  name: string;
  onError: (error: Error) => void;
}

/** A connection that comes back by itself. A command fails when the first attempt to come back does. */
export function connect(RedisClass: RedisConstructor, { url, name, onError }: ConnectOptions): RedisClient {
  const client = new RedisClass(url, {
    // ioredis 6 speaks RESP3 unless told otherwise; ioredis 5 knows only 2. The replies are the same in both.
    protocol: 2,
    connectionName: name,
    maxRetriesPerRequest: 1,
    // A connection that takes commands and answers none is as good as closed.
    commandTimeout: 5_000,
    connectTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(25 * 2 ** attempt, 500) + Math.random() * 50,
    lazyConnect: true,
  });
  client.on("error", onError);
  return client;
}
