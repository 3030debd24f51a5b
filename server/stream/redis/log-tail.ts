/**
 * Logs that other instances produce, mirrored here while somebody reads them: one connection and one copy per process, however
 * many readers. A log whose producer has gone away is ended with `producer_lost`.
 */
import { encodeFrame, type Frame } from "../frame.ts";
import { errorChunk, GatewayError } from "../../errors.ts";
import { FrameLog, type FrameLogLimits } from "../frame-log.ts";
import type { RedisClient } from "./client.ts";
import type { LogEntry, RedisKeys } from "./keys.ts";
import { readLog, takeEntry } from "./read-log.ts";

export interface LogTailOptions {
  /** For commands that return at once. */
  redis: RedisClient;
  /** For waiting; nothing else may use it. */
  waiting: RedisClient;
  keys: RedisKeys;
  limits: FrameLogLimits;
  /** How long an ended log is kept, in ms. */
  ttlMs: number;
  onError: (error: Error) => void;
}

/** A log that joins is waited for from the next round on. */
const BLOCK_MS = 50;
const CHECK_MS = 1_000;
/** How long a lease has to be missing, in ms: after a restart of Redis a living producer renews it first. */
const MISSING_MS = 3_000;
/** How long a log is mirrored without a reader, in ms. */
const UNUSED_MS = 10_000;

interface Mirror {
  log: FrameLog;
  producer: string;
  /** Id of the last entry read; `undefined` until the log is loaded. */
  lastId: string | undefined;
  unusedSince: number | undefined;
  missingSince: number | undefined;
}

/**
 * Ends a log whose producer has no lease. Atomic, so that a producer that comes back cannot write between the look and the end;
 * what it writes afterwards is refused, because nothing comes after `1-0`.
 */
const END_LOST = `
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local seq = 1
if #last > 0 then
  if last[1][1] == '1-0' then return 0 end
  seq = tonumber(last[1][2][4]) + 1
end
redis.call('XADD', KEYS[1], '1-0', 'f', ARGV[1] .. seq .. ARGV[2] .. seq .. ARGV[3], 'l', seq)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return 1`;

export class LogTail {
  readonly #options: LogTailOptions;
  readonly #mirrors = new Map<string, Mirror>();
  /** When a producer's lease was first seen missing. */
  readonly #missing = new Map<string, number>();
  /** Logs that were not there at the last check. */
  readonly #goneOnce = new Set<string>();
  #running = false;
  #checker: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LogTailOptions) {
    this.#options = options;
  }

  get(id: string): FrameLog | undefined {
    return this.#mirrors.get(id)?.log;
  }

  /** The log as it is read from now on. It ends at once when there is none. */
  mirror(id: string): FrameLog {
    const known = this.#mirrors.get(id);
    if (known) return known.log;
    const mirror: Mirror = {
      log: new FrameLog("", this.#options.limits),
      producer: "",
      missingSince: undefined,
      lastId: undefined,
      unusedSince: undefined,
    };
    this.#mirrors.set(id, mirror);
    this.#checker ??= setInterval(() => void this.#check().catch(this.#options.onError), CHECK_MS);
    void this.#load(id, mirror);
    return mirror.log;
  }

  drop(id: string): void {
    const mirror = this.#mirrors.get(id);
    this.#mirrors.delete(id);
    mirror?.log.remove();
    if (this.#mirrors.size > 0) return;
    clearInterval(this.#checker);
    this.#checker = undefined;
  }

  close(): void {
    this.#closed = true;
    for (const id of this.#mirrors.keys()) this.drop(id);
  }

  async #load(id: string, mirror: Mirror): Promise<void> {
    const { redis, keys, onError } = this.#options;
    try {
      const [messageId, producer] = await redis.hmget(keys.run(id), "messageId", "producer");
      if (!messageId || !producer) return this.#notFound(id, mirror);
      mirror.log.messageId = messageId;
      mirror.producer = producer;
      const lastId = await readLog(redis, keys, id, mirror.log);
      // A run that has only just been created has no event yet.
      mirror.lastId = lastId ?? (mirror.log.head === 0 ? "0-0" : undefined);
      if (mirror.lastId === undefined) return this.#notFound(id, mirror);
      mirror.missingSince = undefined;
      this.#run();
    } catch (error) {
      onError(error as Error);
      this.#loadLater(id, mirror);
    }
  }

  /** A Redis that came back empty gets everything again from a producer that lives. */
  #notFound(id: string, mirror: Mirror): void {
    mirror.missingSince ??= performance.now();
    if (mirror.log.head > 0 && performance.now() - mirror.missingSince < MISSING_MS) this.#loadLater(id, mirror);
    else this.drop(id);
  }

  #loadLater(id: string, mirror: Mirror): void {
    mirror.lastId = undefined;
    setTimeout(() => {
      if (this.#mirrors.get(id) === mirror) void this.#load(id, mirror);
    }, 200);
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#loop().finally(() => (this.#running = false));
  }

  async #loop(): Promise<void> {
    const { waiting, keys, onError } = this.#options;
    while (!this.#closed) {
      const live = [...this.#mirrors].filter(([, mirror]) => mirror.lastId !== undefined && !mirror.log.ended);
      if (live.length === 0) return;
      try {
        const streams = live.map(([id]) => keys.log(id));
        const lastIds = live.map(([, mirror]) => mirror.lastId ?? "0-0");
        const replies = await waiting.xread("COUNT", 100, "BLOCK", BLOCK_MS, "STREAMS", ...streams, ...lastIds);
        const byKey = new Map(live.map(([id, mirror]) => [keys.log(id), { id, mirror }]));
        for (const [key, entries] of (replies ?? []) as unknown as [string, LogEntry[]][]) {
          const found = byKey.get(key);
          if (found) this.#take(found.id, found.mirror, entries);
        }
      } catch (error) {
        if (this.#closed) return;
        onError(error as Error);
        // Redis may come back with the log written anew: what was read so far says nothing about its entries.
        for (const [id, mirror] of live) this.#loadLater(id, mirror);
      }
    }
  }

  #take(id: string, mirror: Mirror, entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      if (!takeEntry(mirror.log, entry)) {
        this.#loadLater(id, mirror);
        return;
      }
      mirror.lastId = entry[0];
    }
  }

  /** Lets unused logs go, notices deleted ones, and ends those whose producer is gone. */
  async #check(): Promise<void> {
    const { redis, keys } = this.#options;
    const now = performance.now();
    for (const [id, mirror] of this.#mirrors) {
      if (mirror.log.readers > 0) mirror.unusedSince = undefined;
      else if (mirror.unusedSince === undefined) mirror.unusedSince = now;
      else if (now - mirror.unusedSince > UNUSED_MS) this.drop(id);
    }
    const live = [...this.#mirrors].filter(([, { log, lastId }]) => !log.ended && lastId !== undefined);
    if (live.length === 0) return;
    const producers = [...new Set(live.map(([, { producer }]) => producer))];
    const pipeline = redis.pipeline();
    for (const producer of producers) pipeline.exists(keys.producer(producer));
    for (const [id] of live) pipeline.exists(keys.run(id));
    const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
      if (error) throw error;
      return reply === 1;
    });
    for (const [index, producer] of producers.entries()) {
      if (replies[index]) this.#missing.delete(producer);
      else if (!this.#missing.has(producer)) this.#missing.set(producer, now);
    }
    for (const producer of this.#missing.keys()) if (!producers.includes(producer)) this.#missing.delete(producer);
    for (const [index, [id, { producer }]] of live.entries()) {
      const since = this.#missing.get(producer);
      if (since !== undefined && now - since >= MISSING_MS) await this.#endLost(id, producer);
      // Redis may have come back empty, and a producer that lives writes everything again: only the second time is it deleted.
      else if (replies[producers.length + index] || since !== undefined) this.#goneOnce.delete(id);
      else if (this.#goneOnce.delete(id)) this.drop(id);
      else this.#goneOnce.add(id);
    }
  }

  async #endLost(id: string, producer: string): Promise<void> {
    const { redis, keys, ttlMs } = this.#options;
    const [before = "", between = "", after = ""] = LOST_FRAME.sse.split("1234567890");
    await redis.eval(
      END_LOST,
      3,
      keys.log(id),
      keys.producer(producer),
      keys.run(id),
      before,
      between,
      after,
      String(Math.max(1000, ttlMs)),
    );
  }
}

/** Its seq is put in where it is known. */
const LOST_FRAME: Frame = encodeFrame(errorChunk(new GatewayError("producer_lost")), 1234567890);
