/**
 * Runs in Redis: several instances of the gateway, each of which can go on reading, and stop, what another one produces.
 * Needs the package `ioredis` and one Redis from 6.2 on (or a Sentinel behind the address); not a Cluster.
 *
 * A run is produced by the process that began it and by no other. If that process dies, its readers get
 * `error {code: "producer_lost"}` within 15 s: beginning again by itself would be paid twice and would say other words.
 */
import { randomBytes } from "node:crypto";

import { GatewayError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { FrameLog, type FrameLogLimits } from "./frame-log.ts";
import type { Frame } from "./frame.ts";
import { connect, loadRedis, type RedisClient } from "./redis/client.ts";
import { redisKeys, TERMINAL_ID, type LogEntry, type RedisKeys } from "./redis/keys.ts";
import { LogTail } from "./redis/log-tail.ts";
import { LogWriter, UNENDED_TTL_MS, type Written } from "./redis/log-writer.ts";
import { Mailbox } from "./redis/mailbox.ts";
import type { Follow, FrameReader, FrameWriter, LocalRuns, LogHead, RunMessage, RunRecord, RunReply, RunStore } from "./run-store.ts";

export interface RedisRunStoreOptions {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. */
  url: string;
  /** First part of every key and channel. @defaultValue `"chanl:"` */
  prefix?: string | undefined;
  /** Window in which frames are written together, in ms. @defaultValue `20` */
  flushMs?: number | undefined;
  /** How long an ended run can be resumed, in ms. @defaultValue `900_000` */
  ttlMs?: number | undefined;
  /** Most bytes of events in one log. @defaultValue `2_097_152` */
  maxBytes?: number | undefined;
  /** Most events in one log. @defaultValue `50_000` */
  maxEvents?: number | undefined;
  logger?: Logger | undefined;
}

/** A process that did not renew its lease for this long is dead. */
const LEASE_MS = 8_000;
const RENEW_MS = 2_000;

interface LocalLog {
  record: RunRecord;
  requestKey: string | undefined;
  log: FrameLog;
  written: Written;
}

interface Connected {
  redis: RedisClient;
  waiting: RedisClient;
  listening: RedisClient;
  writer: LogWriter;
  tail: LogTail;
  mailbox: Mailbox;
}

export class RedisRunStore implements RunStore {
  readonly shared = true;
  readonly instance = randomBytes(9).toString("base64url");
  readonly prefix: string;
  readonly #options: RedisRunStoreOptions;
  readonly #keys: RedisKeys;
  readonly #limits: FrameLogLimits;
  readonly #ttlMs: number;
  /** Logs produced here. */
  readonly #logs = new Map<string, LocalLog>();
  readonly #opening: Promise<Connected>;
  #connected: Connected | undefined;
  #runs: LocalRuns | undefined;
  #lease: NodeJS.Timeout | undefined;
  #leased = false;

  constructor(options: RedisRunStoreOptions) {
    this.#options = options;
    this.prefix = options.prefix ?? "chanl:";
    this.#keys = redisKeys(this.prefix);
    this.#limits = { maxBytes: options.maxBytes ?? 2_097_152, maxEvents: options.maxEvents ?? 50_000 };
    this.#ttlMs = options.ttlMs ?? 900_000;
    this.#opening = this.#open();
    // Told by `ready` and by the first use.
    this.#opening.catch(() => undefined);
  }

  /** @throws Error when ioredis is not installed or Redis cannot be reached. */
  async ready(): Promise<void> {
    await this.#opening;
  }

  serve(runs: LocalRuns): void {
    this.#runs = runs;
  }

  healthy(): boolean {
    return this.#leased && this.#connected?.redis.status === "ready" && this.#connected.writer.healthy;
  }

  create(record: RunRecord, requestKey: string | undefined): Promise<RunRecord | undefined> {
    return asked(this.#create(record, requestKey));
  }

  async #create(record: RunRecord, requestKey: string | undefined): Promise<RunRecord | undefined> {
    const { redis, writer } = await this.#opening;
    const pipeline = redis.pipeline();
    this.#setRecord(pipeline, record);
    if (requestKey !== undefined) {
      const key = this.#keys.request(requestKey);
      // The record is there before its id can be found.
      pipeline.set(key, record.id, "PX", UNENDED_TTL_MS, "NX").get(key);
    }
    const replies = results(await pipeline.exec());
    const winner = requestKey === undefined ? record.id : replies.at(-1);
    if (typeof winner === "string" && winner !== record.id) {
      const existing = await this.find(winner);
      if (existing) {
        await redis.unlink(this.#keys.run(record.id));
        return existing;
      }
      // A request whose run is forgotten already.
      await redis.set(this.#keys.request(requestKey ?? ""), record.id, "PX", UNENDED_TTL_MS);
    }
    const log = new FrameLog(record.messageId, this.#limits);
    this.#logs.set(record.id, { record, requestKey, log, written: writer.add(record.id, log) });
    return undefined;
  }

  find(id: string): Promise<RunRecord | undefined> {
    return asked(this.#find(id));
  }

  async #find(id: string): Promise<RunRecord | undefined> {
    const local = this.#logs.get(id);
    if (local) return local.record;
    const { redis } = await this.#opening;
    const [text] = await redis.hmget(this.#keys.run(id), "record");
    return text ? (JSON.parse(text) as RunRecord) : undefined;
  }

  writer(id: string): FrameWriter {
    const local = this.#logs.get(id);
    return { append: (frame) => (local ? this.#append(local, frame) : undefined) };
  }

  #append(local: LocalLog, frame: Frame): Promise<void> | undefined {
    const { record, log, written } = local;
    if (!written.gone) return this.#connected?.writer.append(written, frame);
    // The log was taken from this process: what it has to say, it can only say here.
    if (this.#logs.get(record.id) === local && (frame.seq === log.head + 1 || frame.terminal)) log.append({ ...frame, seq: log.head + 1 });
    return undefined;
  }

  head(id: string): Promise<LogHead | undefined> {
    return asked(this.#head(id));
  }

  async #head(id: string): Promise<LogHead | undefined> {
    const local = this.#logs.get(id);
    if (local) return { seq: local.log.head, ended: local.log.ended };
    // Not from the mirror: it may lag behind what a reader was given at another instance.
    const { redis } = await this.#opening;
    const replies = results(await redis.pipeline().exists(this.#keys.run(id)).xrevrange(this.#keys.log(id), "+", "-", "COUNT", 1).exec());
    const [exists, [entry]] = replies as [number, LogEntry[]];
    if (entry) return { seq: Number(entry[1][3]), ended: entry[0] === TERMINAL_ID };
    return exists === 1 ? { seq: 0, ended: false } : undefined;
  }

  follow(id: string, afterSeq: number, reader: FrameReader): Follow {
    const local = this.#logs.get(id)?.log;
    if (local) return local.follow(afterSeq, reader);
    if (this.#connected) return this.#connected.tail.mirror(id).follow(afterSeq, reader);
    const none = new FrameLog("", this.#limits);
    none.remove();
    return none.follow(afterSeq, reader);
  }

  tell(id: string, message: RunMessage): Promise<RunReply> {
    return asked(this.#tell(id, message));
  }

  async #tell(id: string, message: RunMessage): Promise<RunReply> {
    if (this.#logs.has(id)) return this.#runs?.deliver(id, message);
    const { redis, mailbox } = await this.#opening;
    const [producer] = await redis.hmget(this.#keys.run(id), "producer");
    if (!producer) return undefined;
    if (message.type !== "readers") return mailbox.ask(producer, id, message);
    mailbox.mention(producer, id, message);
    return "accepted";
  }

  async delete(id: string): Promise<void> {
    const local = this.#logs.get(id);
    this.#logs.delete(id);
    const { redis, writer, tail } = await this.#opening;
    writer.remove(id);
    tail.drop(id);
    local?.log.remove();
    const keys = [this.#keys.run(id), this.#keys.log(id), this.#keys.snapshot(id)];
    if (local?.requestKey !== undefined) keys.push(this.#keys.request(local.requestKey));
    await redis.unlink(...keys);
  }

  async close(): Promise<void> {
    clearInterval(this.#lease);
    const connected = await this.#opening.catch(() => undefined);
    if (!connected) return;
    const { redis, waiting, listening, writer, tail, mailbox } = connected;
    await writer.close();
    tail.close();
    mailbox.close();
    await redis.unlink(this.#keys.producer(this.instance)).catch(() => undefined);
    for (const client of [redis, waiting, listening]) client.disconnect();
  }

  async #open(): Promise<Connected> {
    const { url, flushMs = 20, logger } = this.#options;
    const Redis = await loadRedis();
    let lastError: Error | undefined;
    const onError = (error: Error): void => {
      lastError = error;
      logger?.warn({ err: error }, "Redis");
    };
    const client = (role: string): RedisClient => connect(Redis, { url, name: `chanl-chat-${role}-${this.instance}`, onError });
    const [redis, waiting, listening] = [client("commands"), client("waiting"), client("listening")] as const;
    const keys = this.#keys;
    const writer = new LogWriter({
      redis,
      keys,
      flushMs,
      ttlMs: this.#ttlMs,
      restore: (id) => this.#restore(id),
      onFenced: (id) => this.#runs?.lost(id, new Error(`the run ${id} was ended by another instance, which believed this one dead`)),
      onError,
    });
    const tail = new LogTail({ redis, waiting, keys, limits: this.#limits, ttlMs: this.#ttlMs, onError });
    const deliver = (id: string, message: RunMessage): RunReply => this.#runs?.deliver(id, message);
    const mailbox = new Mailbox({ redis, listening, keys, instance: this.instance, deliver, onError });
    const connected = { redis, waiting, listening, writer, tail, mailbox };
    try {
      await Promise.all([redis.connect(), waiting.connect(), listening.connect()]);
      await this.#renew(redis);
      await mailbox.open();
    } catch (error) {
      for (const each of [redis, waiting, listening]) each.disconnect();
      // What the connection died of says more than that it is closed.
      throw new Error(`Redis cannot be used: ${(lastError ?? (error as Error)).message}`, { cause: error });
    }
    redis.on("ready", () => {
      void this.#renew(redis).catch(onError);
      writer.doubt();
    });
    this.#lease = setInterval(() => void this.#renew(redis).catch(onError), RENEW_MS);
    this.#connected = connected;
    return connected;
  }

  async #renew(redis: RedisClient): Promise<void> {
    try {
      await redis.set(this.#keys.producer(this.instance), "1", "PX", LEASE_MS);
      this.#leased = true;
    } catch (error) {
      this.#leased = false;
      throw error;
    }
  }

  async #restore(id: string): Promise<void> {
    const local = this.#logs.get(id);
    if (!local || !this.#connected) return;
    const pipeline = this.#connected.redis.pipeline();
    this.#setRecord(pipeline, local.record);
    if (local.requestKey !== undefined) pipeline.set(this.#keys.request(local.requestKey), id, "PX", UNENDED_TTL_MS, "NX");
    results(await pipeline.exec());
  }

  #setRecord(pipeline: ReturnType<RedisClient["pipeline"]>, record: RunRecord): void {
    const key = this.#keys.run(record.id);
    pipeline
      .hset(key, "record", JSON.stringify(record), "messageId", record.messageId, "producer", this.instance)
      .pexpire(key, UNENDED_TTL_MS);
  }
}

/** A Redis that does not answer is no fault of the request: it may be sent again. */
async function asked<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (cause) {
    throw new GatewayError("overloaded", { message: "The gateway cannot reach its store right now.", retryAfterMs: 1000, cause });
  }
}

function results(replies: [Error | null, unknown][] | null): unknown[] {
  return (replies ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
