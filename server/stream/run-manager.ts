/** All runs of this process: starts them once per request id, finds them, forgets them, ends them at shutdown. */
import { createHash, randomBytes } from "node:crypto";

import type { TerminalChunk } from "../../shared/protocol/chunk.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { GatewayMetrics } from "../metrics.ts";
import { FlushWheel } from "./flush-wheel.ts";
import { RemoteRun } from "./remote-run.ts";
import { Run, type RunHandle, type RunLimits, type RunSource } from "./run.ts";
import type { RunRecord, RunStore } from "./run-store.ts";

export interface RunManagerOptions {
  store: RunStore;
  limits: RunLimits;
  /** How long an ended run can be resumed, in ms. */
  ttlMs: number;
  /** Most runs at once; above it a request is answered `overloaded`. */
  maxRuns: number;
  logger: Logger;
  metrics?: GatewayMetrics | undefined;
}

export interface StartRun {
  owner: string;
  agentId: string;
  model: string;
  requestId?: string | undefined;
  onDisconnect?: "continue" | "cancel" | undefined;
  /** What the request asked for. The same `requestId` with something else in it is a mistake, or somebody guessing. */
  content: unknown;
  source: (run: Run) => RunSource;
  /** Called when the request begins a run of its own; throws to refuse it. What it returns is called when that run has ended. */
  admit?: () => (terminal?: TerminalChunk) => void;
}

/** How long another instance's run is remembered without a reader, in ms. */
const REMOTE_UNUSED_MS = 10_000;

interface Known {
  run: Run;
  /** Resolves with the run that another instance began for the same request. */
  ready: Promise<RunRecord | undefined>;
  requestKey: string | undefined;
}

export class RunManager {
  readonly #options: RunManagerOptions;
  readonly #runs = new Map<string, Known>();
  readonly #byRequest = new Map<string, Known>();
  readonly #remote = new Map<string, RemoteRun>();
  readonly #wheel: FlushWheel | undefined;
  #running = 0;
  #closing = false;
  #sweeper: NodeJS.Timeout | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: RunManagerOptions) {
    this.#options = options;
    const { coalesceMs } = options.limits;
    if (coalesceMs > 0) this.#wheel = new FlushWheel(coalesceMs);
    options.store.serve({
      deliver: (id, message) => this.#runs.get(id)?.run.receive(message),
      lost: (id, error) => this.#runs.get(id)?.run.fail(error),
    });
  }

  get store(): RunStore {
    return this.#options.store;
  }

  /** Runs that have not ended. */
  get running(): number {
    return this.#running;
  }

  /** Readers of all runs. */
  get readers(): number {
    let sum = 0;
    for (const { run } of this.#runs.values()) sum += run.readers;
    for (const run of this.#remote.values()) sum += run.readers;
    return sum;
  }

  /**
   * Starts a run, or attaches to the one the same owner's `requestId` began. Between looking and taking the id nothing is
   * awaited, so two requests that arrive together still make one run.
   */
  async start(request: StartRun): Promise<RunHandle> {
    const owner = hash(request.owner);
    const requestKey = request.requestId === undefined ? undefined : hash(`${request.owner}\n${request.requestId}`);
    const fingerprint = hash(JSON.stringify(request.content));
    const existing = requestKey === undefined ? undefined : this.#byRequest.get(requestKey);
    if (existing) {
      assertSameRequest(existing.run.options, fingerprint);
      const elsewhere = await existing.ready;
      return elsewhere ? this.#attachElsewhere(elsewhere, fingerprint) : existing.run;
    }
    if (this.#closing) throw new GatewayError("overloaded", { message: "The gateway is shutting down.", retryAfterMs: 2000 });
    if (this.#running >= this.#options.maxRuns) throw new GatewayError("overloaded", { retryAfterMs: 5000 });
    const release = request.admit?.();
    const record: RunRecord = {
      // 128 random bits: whoever was not told the id cannot guess it.
      id: randomBytes(16).toString("hex"),
      messageId: `msg_${randomBytes(9).toString("hex")}`,
      agentId: request.agentId,
      model: request.model,
      requestId: request.requestId,
      owner,
      onDisconnect: request.onDisconnect ?? "continue",
      fingerprint,
    };
    const run = new Run({
      ...record,
      limits: this.#options.limits,
      wheel: this.#wheel,
      store: this.#options.store,
      onEnd: (ended, terminal, error) => {
        release?.(terminal);
        this.#ended(ended, terminal, error);
      },
    });
    this.#running++;
    const known: Known = { run, requestKey, ready: Promise.resolve(this.#options.store.create(record, requestKey)) };
    this.#runs.set(run.id, known);
    if (requestKey !== undefined) this.#byRequest.set(requestKey, known);
    this.#sweepLater();
    let elsewhere: RunRecord | undefined;
    try {
      elsewhere = await known.ready;
    } catch (error) {
      this.#running--;
      release?.();
      this.#forget(known);
      throw error;
    }
    if (elsewhere) {
      this.#running--;
      release?.();
      this.#forget(known);
      return this.#attachElsewhere(elsewhere, fingerprint);
    }
    run.start(request.source(run));
    return run;
  }

  /** A run that is unknown, forgotten or another owner's is not found, all in the same way. */
  async find(id: string, owner: string): Promise<RunHandle> {
    const handle = this.#runs.get(id)?.run ?? this.#remote.get(id) ?? (await this.#findElsewhere(id));
    if (!handle || handle.options.owner !== hash(owner))
      throw new GatewayError("not_found", { message: "There is no such stream, or it is too old to resume." });
    return handle;
  }

  async #findElsewhere(id: string): Promise<RunHandle | undefined> {
    // Ids come from clients: nothing but an id of ours reaches the store.
    if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
    const record = await this.#options.store.find(id);
    return record ? this.#remoteRun(record) : undefined;
  }

  #attachElsewhere(record: RunRecord, fingerprint: string): RunHandle {
    assertSameRequest(record, fingerprint);
    return this.#runs.get(record.id)?.run ?? this.#remoteRun(record);
  }

  /** One for all its readers here, so that the producer hears of them once. */
  #remoteRun(record: RunRecord): RemoteRun {
    let run = this.#remote.get(record.id);
    if (!run) {
      run = new RemoteRun(record, this.#options.store);
      this.#remote.set(record.id, run);
      this.#sweepLater();
    }
    return run;
  }

  /** Takes no new runs. Returns whether the readers of those that go on can read them at another instance. */
  drain(): boolean {
    this.#closing = true;
    for (const { run } of this.#runs.values()) run.drain();
    return this.#options.store.shared;
  }

  /** Takes no new runs, gives those that go on `graceMs` to end by themselves, then ends them with reason `shutdown`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#running > 0 && graceMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resolve) => (this.#whenIdle = resolve)),
        new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs))),
      ]);
      clearTimeout(timer);
    }
    for (const { run } of this.#runs.values()) run.cancel("shutdown");
    clearInterval(this.#sweeper);
    await this.#options.store.close();
  }

  #ended(run: Run, terminal: TerminalChunk, error: unknown): void {
    this.#running--;
    if (this.#running === 0) this.#whenIdle?.();
    this.#options.metrics?.runEnded(run.options.model, terminal);
    const { id: streamId, options } = run;
    const outcome = terminal.type === "error" ? { code: terminal.code, status: terminal.status } : { reason: terminal.reason };
    this.#options.logger.info(
      { streamId, agentId: options.agentId, model: options.model, end: terminal.type, ...outcome, ...terminal.metrics },
      "run ended",
    );
    if (error !== undefined) this.#options.logger.error({ streamId, err: error }, "run failed");
  }

  #sweepLater(): void {
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.min(30_000, Math.max(20, this.#options.ttlMs / 4))).unref();
  }

  #sweep(): void {
    const oldest = performance.now() - this.#options.ttlMs;
    for (const known of this.#runs.values()) {
      const { run } = known;
      if (run.endedAt === undefined || run.endedAt > oldest || run.readers > 0) continue;
      this.#forget(known);
    }
    const unused = performance.now() - REMOTE_UNUSED_MS;
    for (const [id, run] of this.#remote) if (run.readers === 0 && run.unusedSince < unused) this.#remote.delete(id);
    if (this.#runs.size + this.#remote.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #forget({ run, requestKey }: Known): void {
    this.#runs.delete(run.id);
    if (requestKey !== undefined) this.#byRequest.delete(requestKey);
    // A store that is away keeps it until its time is over; nobody waits for this, so nobody else would hear of it.
    void (async () => this.#options.store.delete(run.id))().catch((error: unknown) =>
      this.#options.logger.warn({ streamId: run.id, err: error }, "run not deleted"),
    );
  }
}

function assertSameRequest(run: RunRecord, fingerprint: string): void {
  if (run.fingerprint === fingerprint) return;
  throw new GatewayError("conflict", { field: "requestId", message: "requestId was already used for a different request." });
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
