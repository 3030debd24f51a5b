/** The log of every run in this process's memory: one array per run that all its readers share. */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { encodeFrame, frameJson, type Frame } from "./frame.ts";
import type { LogHead, RunStore } from "./run-store.ts";
import { mergeChunk } from "./snapshot.ts";

export interface MemoryRunStoreOptions {
  /** Most bytes of events in one log; above it the oldest go into the snapshot. @defaultValue `2_097_152` */
  maxBytes?: number | undefined;
  /** Most events in one log. @defaultValue `50_000` */
  maxEvents?: number | undefined;
  /** Most bytes of all logs; above it the oldest ended logs are dropped. @defaultValue `268_435_456` */
  maxTotalBytes?: number | undefined;
}

/** Most bytes given to a reader at once: one write of a sensible size, and a bound on what a slow socket queues. */
const BATCH_BYTES = 65_536;

interface Log {
  messageId: string;
  frames: Frame[];
  /** Index in `frames` of the oldest frame left. Removing from the front of an array one by one would copy it each time. */
  start: number;
  bytes: number;
  head: number;
  ended: boolean;
  /** What the dropped frames said. */
  dropped: { seq: number; chunks: StreamChunk[]; frame: Frame | undefined };
  /** Readers that wait for the next frame. */
  waiting: (() => void)[];
  deleted: boolean;
}

export class MemoryRunStore implements RunStore {
  readonly #logs = new Map<string, Log>();
  readonly #maxBytes: number;
  readonly #maxEvents: number;
  readonly #maxTotalBytes: number;
  #totalBytes = 0;

  constructor(options: MemoryRunStoreOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 2_097_152;
    this.#maxEvents = options.maxEvents ?? 50_000;
    this.#maxTotalBytes = options.maxTotalBytes ?? 268_435_456;
  }

  /** Bytes of events held, all logs together. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  create(id: string, messageId: string): void {
    if (this.#logs.has(id)) throw new Error(`the log ${id} exists`);
    this.#logs.set(id, {
      messageId,
      frames: [],
      start: 0,
      bytes: 0,
      head: 0,
      ended: false,
      dropped: { seq: 0, chunks: [], frame: undefined },
      waiting: [],
      deleted: false,
    });
  }

  append(id: string, frame: Frame): void {
    const log = this.#logs.get(id);
    if (!log || log.ended) return;
    if (frame.seq !== log.head + 1) throw new Error(`event ${frame.seq} after ${log.head}`);
    log.frames.push(frame);
    log.head = frame.seq;
    log.ended = frame.terminal;
    this.#count(log, frame.sse.length);
    if (log.bytes > this.#maxBytes || log.frames.length - log.start > this.#maxEvents) this.#drop(log);
    if (this.#totalBytes > this.#maxTotalBytes) this.#evict();
    wake(log);
  }

  head(id: string): LogHead | undefined {
    const log = this.#logs.get(id);
    return log ? { seq: log.head, ended: log.ended } : undefined;
  }

  async *follow(id: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<readonly Frame[], void, undefined> {
    const log = this.#logs.get(id);
    if (!log) return;
    let cursor = afterSeq;
    let wakeUp: (() => void) | undefined;
    // One listener for the whole time: one per wait cost about 5 % of the CPU per token.
    const onAbort = (): void => wakeUp?.();
    signal.addEventListener("abort", onAbort);
    try {
      while (!log.deleted && !signal.aborted) {
        if (cursor < log.head) {
          const batch = read(log, cursor);
          yield batch;
          cursor = batch.at(-1)?.seq ?? cursor;
        } else if (log.ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            wakeUp = resolve;
            log.waiting.push(resolve);
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  delete(id: string): void {
    const log = this.#logs.get(id);
    if (!log) return;
    this.#logs.delete(id);
    this.#totalBytes -= log.bytes;
    log.deleted = true;
    wake(log);
  }

  #count(log: Log, bytes: number): void {
    log.bytes += bytes;
    this.#totalBytes += bytes;
  }

  /** Moves the older half into the snapshot: dropping frame by frame would remake the snapshot for every event. */
  #drop(log: Log): void {
    const { frames, dropped } = log;
    const target = log.bytes / 2;
    while (log.start < frames.length - 1 && (log.bytes > target || frames.length - log.start > this.#maxEvents / 2)) {
      const frame = frames[log.start];
      if (!frame) break;
      mergeChunk(dropped.chunks, toChunk(frame));
      dropped.seq = frame.seq;
      dropped.frame = undefined;
      this.#count(log, -frame.sse.length);
      log.start++;
    }
    log.frames = frames.slice(log.start);
    log.start = 0;
  }

  #evict(): void {
    for (const [id, log] of this.#logs) {
      if (this.#totalBytes <= this.#maxTotalBytes) return;
      if (log.ended && log.waiting.length === 0) this.delete(id);
    }
  }
}

function read(log: Log, cursor: number): Frame[] {
  const batch: Frame[] = [];
  let bytes = 0;
  if (cursor < log.dropped.seq) {
    const { dropped } = log;
    dropped.frame ??= encodeFrame({ type: "snapshot", message: { messageId: log.messageId, chunks: dropped.chunks } }, dropped.seq);
    return [dropped.frame];
  }
  const from = log.start + (cursor - log.dropped.seq);
  for (let index = from; index < log.frames.length && bytes < BATCH_BYTES; index++) {
    const frame = log.frames[index];
    if (!frame) break;
    batch.push(frame);
    bytes += frame.sse.length;
  }
  return batch;
}

function toChunk(frame: Frame): StreamChunk {
  const { seq: _, ...chunk } = JSON.parse(frameJson(frame)) as StreamChunk & { seq: number };
  return chunk;
}

function wake(log: Log): void {
  const { waiting } = log;
  if (waiting.length === 0) return;
  log.waiting = [];
  for (const resume of waiting) resume();
}
