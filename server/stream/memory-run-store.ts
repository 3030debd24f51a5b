/** Runs in this process's memory: nothing to install, and gone with the process. */
import { FrameLog } from "./frame-log.ts";
import type { Frame } from "./frame.ts";
import type { Follow, FrameReader, FrameWriter, LocalRuns, LogHead, RunMessage, RunRecord, RunReply, RunStore } from "./run-store.ts";

export interface MemoryRunStoreOptions {
  /** Most bytes of events in one log; above it the oldest go into the snapshot. @defaultValue `2_097_152` */
  maxBytes?: number | undefined;
  /** Most events in one log. @defaultValue `50_000` */
  maxEvents?: number | undefined;
  /** Most bytes of all logs; above it the oldest ended logs are dropped. @defaultValue `268_435_456` */
  maxTotalBytes?: number | undefined;
}

interface Entry {
  record: RunRecord;
  requestKey: string | undefined;
  log: FrameLog;
}

/** One object and no closure of its own: it is gone through for every token. */
class LogWriter implements FrameWriter {
  readonly #log: FrameLog;
  readonly #grow: (bytes: number) => void;

  constructor(log: FrameLog, grow: (bytes: number) => void) {
    this.#log = log;
    this.#grow = grow;
  }

  append(frame: Frame): undefined {
    this.#grow(this.#log.append(frame));
  }
}

export class MemoryRunStore implements RunStore {
  readonly shared = false;
  readonly instance = "memory";
  readonly #entries = new Map<string, Entry>();
  readonly #byRequest = new Map<string, RunRecord>();
  readonly #limits: { maxBytes: number; maxEvents: number };
  readonly #maxTotalBytes: number;
  #totalBytes = 0;
  #runs: LocalRuns | undefined;

  constructor(options: MemoryRunStoreOptions = {}) {
    this.#limits = { maxBytes: options.maxBytes ?? 2_097_152, maxEvents: options.maxEvents ?? 50_000 };
    this.#maxTotalBytes = options.maxTotalBytes ?? 268_435_456;
  }

  /** Bytes of events held, all logs together. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  serve(runs: LocalRuns): void {
    this.#runs = runs;
  }

  create(record: RunRecord, requestKey: string | undefined): RunRecord | undefined {
    const existing = requestKey === undefined ? undefined : this.#byRequest.get(requestKey);
    if (existing) return existing;
    if (this.#entries.has(record.id)) throw new Error(`the log ${record.id} exists`);
    this.#entries.set(record.id, { record, requestKey, log: new FrameLog(record.messageId, this.#limits) });
    if (requestKey !== undefined) this.#byRequest.set(requestKey, record);
    return undefined;
  }

  find(id: string): RunRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  writer(id: string): FrameWriter {
    const log = this.#entries.get(id)?.log ?? this.#noLog();
    return new LogWriter(log, this.#grow);
  }

  readonly #grow = (bytes: number): void => {
    this.#totalBytes += bytes;
    if (this.#totalBytes > this.#maxTotalBytes) this.#evict();
  };

  /** A log that is gone: it takes nothing and gives nothing. */
  #noLog(): FrameLog {
    const none = new FrameLog("", this.#limits);
    none.remove();
    return none;
  }

  head(id: string): LogHead | undefined {
    const log = this.#entries.get(id)?.log;
    return log ? { seq: log.head, ended: log.ended } : undefined;
  }

  follow(id: string, afterSeq: number, reader: FrameReader): Follow {
    return (this.#entries.get(id)?.log ?? this.#noLog()).follow(afterSeq, reader);
  }

  async tell(id: string, message: RunMessage): Promise<RunReply> {
    return this.#runs?.deliver(id, message);
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    if (entry.requestKey !== undefined) this.#byRequest.delete(entry.requestKey);
    this.#totalBytes -= entry.log.bytes;
    entry.log.remove();
  }

  healthy(): boolean {
    return true;
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  #evict(): void {
    for (const [id, { log }] of this.#entries) {
      if (this.#totalBytes <= this.#maxTotalBytes) return;
      if (log.ended && log.readers === 0) this.delete(id);
    }
  }
}
