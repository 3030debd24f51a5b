/**
 * The logs that this process produces, written to Redis in batches.
 *
 * - Write-ahead: a frame goes to the readers here after Redis has it. So no reader knows more than a reader elsewhere can get.
 * - One batch for all runs every `flushMs`; the first frame after a quiet time goes at once. One token per command would cost as
 *   much CPU as sending it to its reader.
 * - What is not known to have arrived (a connection broke, Redis came back without its last second or without anything) is found
 *   out by reading the end of the log, and only what is missing is written again.
 * - A run may be forgotten between two commands about it. What was sent before, the removal of its keys follows; nothing is sent after.
 * - When Redis is away for longer than `OUTAGE_MS`, readers here go on from memory; Redis gets the rest when it is back.
 */
import type { FrameLog } from "../frame-log.ts";
import type { Frame } from "../frame.ts";
import type { RedisClient } from "./client.ts";
import { TERMINAL_ID, type LogEntry, type RedisKeys } from "./keys.ts";
import { readLog } from "./read-log.ts";

export interface LogWriterOptions {
  redis: RedisClient;
  keys: RedisKeys;
  flushMs: number;
  /** How long an ended log is kept, in ms. */
  ttlMs: number;
  /** Writes a run's record again, where Redis has lost it. */
  restore: (id: string) => Promise<void>;
  /** Somebody else ended the run: this process was believed dead. */
  onFenced: (id: string) => void;
  onError: (error: Error) => void;
}

/** Bytes that wait to be written above which a producer has to wait. */
const MAX_PENDING_BYTES = 1_048_576;
const OUTAGE_MS = 5_000;
const RETRY_MS = 100;
/** A log whose process never ended it is forgotten after a day. */
export const UNENDED_TTL_MS = 86_400_000;

/** Most logs in one script: Redis does nothing else meanwhile, for about a millisecond. */
const APPENDS_AT_ONCE = 256;
/**
 * Appends to many logs that exist, in one command with one reply: a command each takes the client 5 times the CPU, and so does, in its
 * part, every argument. `KEYS` are the logs; `ARGV` the texts of all in one, and length in bytes, first and last `seq` of each in another.
 * Replies the places, from 1, of those that are gone or have that id.
 */
const APPEND = `local refused, log, start = {}, 0, 1
for bytes, first, last in string.gmatch(ARGV[2], '(%d+) (%d+) (%d+)') do
  log = log + 1
  local text = string.sub(ARGV[1], start, start + bytes - 1)
  start = start + bytes
  local added = redis.pcall('XADD', KEYS[log], 'NOMKSTREAM', '0-' .. first, 'f', text, 'l', last)
  if type(added) ~= 'string' then refused[#refused + 1] = log end
end
return refused`;

/** A log on its way to Redis. Only its id and its being gone are anybody else's business. */
export interface Written {
  id: string;
  /** Of its log: made once, not for every batch. */
  key: string;
  log: FrameLog;
  pending: Frame[];
  pendingBytes: number;
  /** It is among those of the next flush. */
  dirty: boolean;
  /** The stream exists: from here on it is an error if it does not. */
  exists: boolean;
  /** What Redis has is not known. */
  unsure: boolean;
  trimmedSeq: number;
  waiters: (() => void)[];
  /** Taken away, by its owner or by another instance: nothing goes to Redis any more. */
  gone: boolean;
}

export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #runs = new Map<string, Written>();
  /** Not a set: emptied in every flush, a set leaves a table behind each time that holds on to the next one, for the collector to copy. */
  #dirty: Written[] = [];
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  #flushing: Promise<void> | undefined;
  #lastFlush = 0;
  #failingSince: number | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** Whether the last batch was written. */
  get healthy(): boolean {
    return this.#failingSince === undefined;
  }

  add(id: string, log: FrameLog): Written {
    const run: Written = {
      id,
      key: this.#options.keys.log(id),
      log,
      pending: [],
      pendingBytes: 0,
      dirty: false,
      exists: false,
      unsure: false,
      trimmedSeq: 0,
      waiters: [],
      gone: false,
    };
    this.#runs.set(id, run);
    return run;
  }

  append(run: Written, frame: Frame): Promise<void> | undefined {
    const { pending } = run;
    if (run.gone || run.log.ended || pending[pending.length - 1]?.terminal) return undefined;
    pending.push(frame);
    run.pendingBytes += frame.bytes;
    this.#mark(run);
    this.#schedule();
    if (run.pendingBytes <= MAX_PENDING_BYTES) return undefined;
    return new Promise((resolve) => run.waiters.push(resolve));
  }

  /** Redis was away: nothing it was given is taken for granted. */
  doubt(): void {
    for (const run of this.#runs.values()) {
      if (run.log.ended) continue;
      run.unsure = true;
      this.#mark(run);
    }
    this.#schedule();
  }

  remove(id: string): void {
    const run = this.#runs.get(id);
    if (!run) return;
    run.gone = true;
    this.#runs.delete(id);
    this.#dirty = this.#dirty.filter((each) => each !== run);
    release(run);
  }

  /** Writes what there is; gives up when Redis does not take it. */
  async close(): Promise<void> {
    await this.#flushing;
    if (this.#dirty.length > 0 && this.healthy) await this.#flush();
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
    for (const run of this.#runs.values()) run.gone = true;
    this.#runs.clear();
    this.#dirty = [];
  }

  #mark(run: Written): void {
    if (run.dirty || run.gone) return;
    run.dirty = true;
    this.#dirty.push(run);
  }

  /** @param delayMs without it, one window after the flush before */
  #schedule(delayMs?: number): void {
    if (this.#timer || this.#flushing || this.#dirty.length === 0) return;
    const due = delayMs ?? this.#lastFlush + this.#options.flushMs - performance.now();
    const run = (): void => {
      this.#timer = undefined;
      this.#flushing = this.#flush();
      void this.#flushing.then(() => this.#flushed());
    };
    // Not in this call: what a provider sends in one piece is one batch.
    this.#timer = due <= 0 ? setImmediate(run) : setTimeout(run, due);
  }

  #flushed(): void {
    this.#flushing = undefined;
    this.#schedule(this.healthy ? undefined : RETRY_MS);
  }

  async #flush(): Promise<void> {
    this.#lastFlush = performance.now();
    const batch = this.#dirty;
    this.#dirty = [];
    for (const run of batch) run.dirty = false;
    const known = batch.filter((run) => !run.unsure);
    try {
      if (known.length > 0) await this.#write(known);
      for (const run of batch) if (run.unsure) await this.#recover(run);
      this.#failingSince = undefined;
    } catch (error) {
      this.#options.onError(error as Error);
      this.#failingSince ??= performance.now();
      const outage = performance.now() - this.#failingSince > OUTAGE_MS;
      for (const run of batch) {
        run.unsure = true;
        if (outage) this.#commit(run, run.pending.length);
        this.#mark(run);
      }
    }
  }

  async #write(runs: readonly Written[]): Promise<void> {
    // Nearly all of a batch: logs that are there and go on.
    const going = runs.filter((run) => run.exists && !run.pending.at(-1)?.terminal);
    const others = runs.filter((run) => !run.exists || run.pending.at(-1)?.terminal);
    const parts: Promise<void>[] = [];
    for (let start = 0; start < going.length; start += APPENDS_AT_ONCE)
      parts.push(this.#append(going.slice(start, start + APPENDS_AT_ONCE)));
    if (others.length > 0) parts.push(this.#beginOrEnd(others));
    // Each is seen to its end: what one of them wrote is known, whatever the others met.
    for (const outcome of await Promise.allSettled(parts)) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #append(runs: readonly Written[]): Promise<void> {
    const keys: string[] = [];
    const sent: number[] = [];
    let texts = "";
    let places = "";
    for (const { key, pending } of runs) {
      keys.push(key);
      sent.push(pending.length);
      let bytes = 0;
      for (const frame of pending) {
        texts += frame.sse;
        bytes += frame.bytes;
      }
      places += `${bytes} ${pending[0]?.seq} ${pending[pending.length - 1]?.seq} `;
    }
    const refused = (await this.#options.redis.eval(APPEND, keys.length, ...keys, texts, places)) as number[];
    let place = 0;
    for (const run of runs) {
      const trimmed = this.#written(run, sent[place++] ?? 0, !refused.includes(place));
      if (trimmed) await trimmed;
    }
  }

  /** Redis has, or has not, the first `count` frames that wait. A promise only where there is more to write. */
  #written(run: Written, count: number, arrived: boolean): Promise<void> | undefined {
    if (!arrived) {
      run.unsure = true;
      return undefined;
    }
    run.exists = true;
    this.#commit(run, count);
    return run.log.droppedSeq > run.trimmedSeq ? this.#trim(run) : undefined;
  }

  async #beginOrEnd(runs: readonly Written[]): Promise<void> {
    const pipeline = this.#options.redis.pipeline();
    const sent: { run: Written; frames: number; commands: number }[] = [];
    for (const run of runs) {
      const frames = run.pending;
      const terminal = frames.at(-1)?.terminal ? frames.at(-1) : undefined;
      const before = terminal ? frames.length - 1 : frames.length;
      const { key } = run;
      let commands = 0;
      if (before > 0) {
        const first = frames[0]?.seq ?? 0;
        const text = joined(frames, before);
        const last = first + before - 1;
        commands++;
        if (run.exists) pipeline.xadd(key, "NOMKSTREAM", `0-${first}`, "f", text, "l", last);
        else {
          pipeline.xadd(key, `0-${first}`, "f", text, "l", last).pexpire(key, UNENDED_TTL_MS);
          commands++;
        }
      }
      if (terminal) {
        pipeline.xadd(key, "NOMKSTREAM", TERMINAL_ID, "f", terminal.sse, "l", terminal.seq);
        commands += 1 + this.#expire(pipeline, run.id);
      }
      sent.push({ run, frames: frames.length, commands });
    }
    const replies = (await pipeline.exec()) ?? [];
    let at = 0;
    for (const { run, frames, commands } of sent) {
      const mine = replies.slice(at, at + commands);
      at += commands;
      const failed = mine.find(([error, reply]) => error !== null || reply === null);
      await this.#written(run, frames, mine.length === commands && !failed);
    }
  }

  #expire(pipeline: ReturnType<RedisClient["pipeline"]>, id: string): number {
    const { keys, ttlMs } = this.#options;
    for (const key of [keys.log(id), keys.run(id), keys.snapshot(id)]) pipeline.pexpire(key, Math.max(1000, ttlMs));
    return 3;
  }

  /** Reads how far the log in Redis goes, and writes what it lacks. */
  async #recover(run: Written): Promise<void> {
    const { redis, keys, restore } = this.#options;
    const { key } = run;
    const [entry] = (await redis.xrevrange(key, "+", "-", "COUNT", 1)) as unknown as LogEntry[];
    if (run.gone) return;
    if (entry?.[0] === TERMINAL_ID) {
      if (entry[1][1] === run.pending.at(-1)?.sse) this.#commit(run, run.pending.length);
      else await this.#fenced(run);
      return;
    }
    if (!entry) await restore(run.id);
    let last = Number(entry?.[1][3] ?? 0);
    while (last < run.log.head && !run.gone) {
      const frames = run.log.since(last);
      const [first] = frames;
      if (!first) break;
      last = frames.at(-1)?.seq ?? last;
      const text = frames.map((frame) => frame.sse).join("");
      if (text.includes('\ndata: {"type":"snapshot"')) await redis.set(keys.snapshot(run.id), text, "PX", UNENDED_TTL_MS);
      else await redis.xadd(key, run.log.ended && last === run.log.head ? TERMINAL_ID : `0-${first.seq}`, "f", text, "l", last);
    }
    const arrived = run.pending.findLastIndex((frame) => frame.seq <= last) + 1;
    this.#commit(run, arrived);
    run.exists = last > 0;
    run.unsure = false;
    if (run.pending.length > 0) this.#mark(run);
  }

  async #fenced(run: Written): Promise<void> {
    const { redis, keys, onFenced } = this.#options;
    run.pending = [];
    run.gone = true;
    this.#runs.delete(run.id);
    await readLog(redis, keys, run.id, run.log);
    release(run);
    onFenced(run.id);
  }

  /** The log here is longer than allowed and has dropped its beginning: so does the one in Redis, snapshot first. */
  async #trim(run: Written): Promise<void> {
    const { redis, keys } = this.#options;
    const seq = run.log.droppedSeq;
    const [snapshot] = run.log.since(0);
    if (!snapshot) return;
    // The entry that holds the first frame to keep may hold older ones as well.
    const [entry] = (await redis.xrevrange(run.key, `0-${seq + 1}`, "-", "COUNT", 1)) as unknown as LogEntry[];
    if (!entry || run.gone) return;
    await redis
      .multi()
      .set(keys.snapshot(run.id), snapshot.sse, "PX", run.log.ended ? Math.max(1000, this.#options.ttlMs) : UNENDED_TTL_MS)
      .xtrim(run.key, "MINID", entry[0])
      .exec();
    run.trimmedSeq = seq;
  }

  /** The first `count` frames that wait are in Redis: now readers get them. */
  #commit(run: Written, count: number): void {
    if (count === 0) return;
    const frames = run.pending;
    run.pending = frames.slice(count);
    for (let index = 0; index < count; index++) {
      const frame = frames[index];
      if (!frame) break;
      run.pendingBytes -= frame.bytes;
      run.log.append(frame);
    }
    if (run.pendingBytes <= MAX_PENDING_BYTES) release(run);
    if (run.pending.length > 0) this.#mark(run);
  }
}

function joined(frames: readonly Frame[], count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += frames[index]?.sse;
  return text;
}

function release(run: Written): void {
  const { waiters } = run;
  run.waiters = [];
  for (const resume of waiters) resume();
}
