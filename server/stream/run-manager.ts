/** All runs of this process: starts them once per request id, finds them, forgets them, ends them at shutdown. */
import { createHash, randomBytes } from "node:crypto";

import type { TerminalChunk } from "../../shared/protocol/chunk.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { Run, type RunLimits, type RunSource } from "./run.ts";
import type { RunStore } from "./run-store.ts";

export interface RunManagerOptions {
  store: RunStore;
  limits: RunLimits;
  /** How long an ended run can be resumed, in ms. */
  ttlMs: number;
  /** Most runs at once; above it a request is answered `overloaded`. */
  maxRuns: number;
  logger: Logger;
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
}

interface Known {
  run: Run;
  ready: Promise<void>;
  fingerprint: string;
}

export class RunManager {
  readonly #options: RunManagerOptions;
  readonly #runs = new Map<string, Known>();
  readonly #byRequest = new Map<string, Known>();
  #running = 0;
  #closing = false;
  #sweeper: NodeJS.Timeout | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: RunManagerOptions) {
    this.#options = options;
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
    return sum;
  }

  /**
   * Starts a run, or attaches to the one the same owner's `requestId` began. Between looking and taking the id nothing is
   * awaited, so two requests that arrive together still make one run.
   */
  async start(request: StartRun): Promise<Run> {
    const key = request.requestId === undefined ? undefined : `${request.owner}\n${request.requestId}`;
    const fingerprint = createHash("sha256").update(JSON.stringify(request.content)).digest("base64");
    const existing = key === undefined ? undefined : this.#byRequest.get(key);
    if (existing) {
      if (existing.fingerprint !== fingerprint) {
        throw new GatewayError("conflict", { field: "requestId", message: "requestId was already used for a different request." });
      }
      await existing.ready;
      return existing.run;
    }
    if (this.#closing) throw new GatewayError("overloaded", { message: "The gateway is shutting down.", retryAfterMs: 2000 });
    if (this.#running >= this.#options.maxRuns) throw new GatewayError("overloaded", { retryAfterMs: 5000 });
    const run = new Run({
      // 128 random bits: whoever was not told the id cannot guess it.
      id: randomBytes(16).toString("hex"),
      messageId: `msg_${randomBytes(9).toString("hex")}`,
      agentId: request.agentId,
      model: request.model,
      requestId: request.requestId,
      owner: request.owner,
      onDisconnect: request.onDisconnect ?? "continue",
      limits: this.#options.limits,
      store: this.#options.store,
      onEnd: (ended, terminal, error) => this.#ended(ended, terminal, error),
    });
    this.#running++;
    const known: Known = { run, fingerprint, ready: Promise.resolve(this.#options.store.create(run.id, run.options.messageId)) };
    this.#runs.set(run.id, known);
    if (key !== undefined) this.#byRequest.set(key, known);
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.min(30_000, Math.max(20, this.#options.ttlMs / 4))).unref();
    try {
      await known.ready;
    } catch (error) {
      this.#running--;
      this.#forget(run);
      throw error;
    }
    run.start(request.source(run));
    return run;
  }

  /** A run that is unknown, forgotten or another owner's is not found, all in the same way. */
  find(id: string, owner: string): Run {
    const run = this.#runs.get(id)?.run;
    if (!run || run.options.owner !== owner)
      throw new GatewayError("not_found", { message: "There is no such stream, or it is too old to resume." });
    return run;
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
  }

  #ended(run: Run, terminal: TerminalChunk, error: unknown): void {
    this.#running--;
    if (this.#running === 0) this.#whenIdle?.();
    const { id: streamId, options } = run;
    const outcome = terminal.type === "error" ? { code: terminal.code, status: terminal.status } : { reason: terminal.reason };
    this.#options.logger.info(
      { streamId, agentId: options.agentId, model: options.model, end: terminal.type, ...outcome, ...terminal.metrics },
      "run ended",
    );
    if (error !== undefined) this.#options.logger.error({ streamId, err: error }, "run failed");
  }

  #sweep(): void {
    const oldest = performance.now() - this.#options.ttlMs;
    for (const { run } of this.#runs.values()) {
      if (run.endedAt === undefined || run.endedAt > oldest || run.readers > 0) continue;
      this.#forget(run);
    }
    if (this.#runs.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #forget(run: Run): void {
    this.#runs.delete(run.id);
    if (run.options.requestId !== undefined) this.#byRequest.delete(`${run.options.owner}\n${run.options.requestId}`);
    void this.#options.store.delete(run.id);
  }
}
