/**
 * One generation, with any number of readers. It belongs to no connection: readers come and go, Stop and the limits end it.
 *
 * - Exactly one terminal event is stored, and whoever ends the run first chooses it.
 * - Stop writes it at once and aborts the work; nothing is waited for.
 * - When the last reader leaves, the run lives on for the grace time, or ends (`onDisconnect: "cancel"`).
 * - The model is pulled no further than the fastest reader has read plus `paceBytes`: a client that reads slowly slows
 *   the provider down through TCP. With no reader at all the run goes on; its log is bounded by the store.
 */
import {
  isTerminal,
  type CancelReason,
  type StreamChunk,
  type TerminalChunk,
  type TokenChunk,
  type Usage,
} from "../../shared/protocol/chunk.ts";
import { StreamMetrics } from "../../shared/metrics/stream-metrics.ts";
import { PendingCalls } from "../agent/pending-calls.ts";
import type { ApprovalRequest, ToolResultRequest } from "../../shared/protocol/request.ts";
import { ERROR_MESSAGES, errorChunk, GatewayError, toGatewayError } from "../errors.ts";
import { Coalescer } from "./coalescer.ts";
import type { FlushWheel } from "./flush-wheel.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import type { Follow, FrameReader, FrameWriter, RunMessage, RunRecord, RunReply, RunStore } from "./run-store.ts";

export interface RunLimits {
  /** Window in which tokens become one event, in ms, 0-50. */
  coalesceMs: number;
  /** How long a run lives without a reader, in ms. */
  graceMs: number;
  /** Longest run, in ms. */
  maxRunMs: number;
  /** Longest answer with its reasoning and arguments, in characters. It then ends with `done {reason: "length"}`. */
  maxAnswerChars: number;
  /** How far the model may be ahead of the fastest reader, in bytes of events. */
  paceBytes: number;
}

export interface RunOptions extends RunRecord {
  limits: RunLimits;
  /** Makes one event of the tokens within its window; missing where every token is its own. */
  wheel: FlushWheel | undefined;
  store: RunStore;
  /** Called once, after the terminal event is stored. */
  onEnd: (run: Run, terminal: TerminalChunk, error: unknown) => void;
}

/** Where a run's chunks come from. It may take a moment to begin. */
export type RunSource = (signal: AbortSignal) => AsyncIterable<StreamChunk> | Promise<AsyncIterable<StreamChunk>>;

/** A run as those see it who read and steer it; it may be produced by another instance. */
export interface RunHandle {
  readonly id: string;
  readonly options: RunRecord;
  /** Whether its last event is known here. */
  readonly ended: boolean;
  /** Joins as a reader, who counts as connected until `leave`. */
  attach(afterSeq: number, reader: FrameReader): { leave: () => void };
  tell(message: RunMessage): Promise<RunReply>;
}

/** A reader, and the producer that may wait for it. One object and no closures: it is gone through for every token. */
class Reading implements FrameReader {
  readonly #run: Run;
  readonly #reader: FrameReader;

  constructor(run: Run, reader: FrameReader) {
    this.#run = run;
    this.#reader = reader;
  }

  take(frames: readonly Frame[]): Promise<void> | undefined {
    const wait = this.#reader.take(frames);
    this.#run.readersMoved();
    return wait;
  }

  end(): void {
    this.#reader.end();
  }
}

/** How long readers at another instance count without a word from it, in ms. It repeats itself every 4 s. */
const REMOTE_READERS_MS = 12_000;

/** One reader's place, or that of the fastest reader at another instance. */
type Place = Pick<Follow, "seq">;

export class Run implements RunHandle {
  // What each token goes through stands together: with many runs it comes from cold memory, 64 bytes at a time.
  /** When the run ended, on the clock of `performance.now`. */
  endedAt: number | undefined;
  readonly #metrics = new StreamMetrics();
  /** Missing where every token is its own event. */
  readonly #coalescer: Coalescer | undefined;
  readonly #maxAnswerChars: number;
  #log: FrameWriter | undefined;
  #seq = 0;
  #bytes = 0;
  #paceCheckedAt = 0;
  #answerChars = 0;
  /** The store asked to wait. */
  #storeBehind: Promise<void> | undefined;
  #toldTtft = false;
  #wakeProducer: (() => void) | undefined;
  /** Takes a token past the generators between the model and the run; see `ToolLoopOptions.onToken`. */
  readonly onToken: (token: TokenChunk) => Promise<boolean> | undefined = this.#take.bind(this);
  readonly options: RunOptions;
  /** Answers of tools that run in the client. */
  readonly clientResults = new PendingCalls<ToolResultRequest>();
  /** People's decisions about calls that need one. */
  readonly approvals = new PendingCalls<ApprovalRequest>();
  readonly #controller = new AbortController();
  readonly #readers = new Set<Place>();
  #remoteReaders: Map<string, { seq: number; expiry: NodeJS.Timeout }> | undefined;
  #usage: Usage | undefined;
  #grace: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  #hadReader = false;
  #draining = false;

  constructor(options: RunOptions) {
    this.options = options;
    const { wheel, limits } = options;
    if (wheel) this.#coalescer = new Coalescer(wheel, (chunk) => this.#store(chunk));
    this.#maxAnswerChars = limits.maxAnswerChars;
  }

  get id(): string {
    return this.options.id;
  }

  get ended(): boolean {
    return this.endedAt !== undefined;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Aborts when the run ends, for whatever reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins. Returns at once; the work goes on by itself. */
  start(source: RunSource): void {
    const { id, messageId, agentId, model, requestId, limits } = this.options;
    this.#log = this.options.store.writer(id);
    this.#store({ type: "start", streamId: id, messageId, agentId, model, v: 1, ...(requestId === undefined ? {} : { requestId }) });
    this.#limit = setTimeout(() => this.cancel("timeout"), limits.maxRunMs);
    this.#watchReaders();
    void this.#produce(source);
  }

  /** Ends the run as `cancelled`. Does nothing when it has ended. */
  cancel(reason: CancelReason): void {
    this.#finish({ type: "cancelled", reason });
  }

  /** The gateway sends the readers elsewhere: that they leave is not their wish. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends the run because its log cannot be written any more. */
  fail(error: unknown): void {
    this.#finish(errorChunk(toGatewayError(error)), error);
  }

  attach(afterSeq: number, reader: FrameReader): { leave: () => void } {
    const place = this.options.store.follow(this.id, afterSeq, new Reading(this, reader));
    this.#join(place);
    return {
      leave: () => {
        place.leave();
        this.#leave(place);
      },
    };
  }

  /** Wakes the producer, where it waits for its readers. */
  readersMoved(): void {
    this.#wakeProducer?.();
  }

  tell(message: RunMessage): Promise<RunReply> {
    return Promise.resolve(this.receive(message));
  }

  /** What is said to the run, from here or from another instance. */
  receive(message: RunMessage): RunReply {
    switch (message.type) {
      case "cancel":
        this.cancel(message.reason);
        return "accepted";
      case "tool_result":
        return this.#goOn(this.clientResults.submit(message.result));
      case "approval":
        return this.#goOn(this.#submitApproval(message.approval));
      case "readers":
        this.#setRemoteReaders(message.instance, message.seq);
        return "accepted";
    }
  }

  /** The client was just here: without a reader the grace time begins anew. */
  #goOn(reply: RunReply): RunReply {
    if (reply === "accepted") this.#watchReaders();
    return reply;
  }

  #submitApproval(approval: ApprovalRequest): RunReply {
    try {
      return this.approvals.submit(approval);
    } catch (error) {
      if (error instanceof GatewayError) return { refused: error.message };
      throw error;
    }
  }

  #setRemoteReaders(instance: string, seq: number | null): void {
    const known = this.#remoteReaders?.get(instance);
    if (seq === null) {
      if (!known) return;
      clearTimeout(known.expiry);
      this.#remoteReaders?.delete(instance);
      this.#leave(known);
    } else if (known) {
      known.seq = seq;
      known.expiry.refresh();
      this.#wakeProducer?.();
    } else if (!this.ended) {
      const expiry = setTimeout(() => this.#setRemoteReaders(instance, null), REMOTE_READERS_MS);
      const place = { seq, expiry };
      (this.#remoteReaders ??= new Map()).set(instance, place);
      this.#join(place);
    }
  }

  #join(place: Place): void {
    this.#readers.add(place);
    this.#hadReader = true;
    clearTimeout(this.#grace);
  }

  #leave(place: Place): void {
    if (!this.#readers.delete(place)) return;
    this.#wakeProducer?.();
    if (this.#readers.size === 0) this.#watchReaders();
  }

  async #produce(source: RunSource): Promise<void> {
    try {
      for await (const chunk of await source(this.signal)) {
        const wait = this.#take(chunk);
        if (wait && !(await wait)) return;
      }
      this.#finish(errorChunk(new GatewayError("provider_error", { message: ERROR_MESSAGES.answerCut })));
    } catch (error) {
      this.#finish(errorChunk(toGatewayError(error)), error);
    }
  }

  /** Nothing when the run can take more at once; else a promise for whether it wants more at all. */
  #take(chunk: StreamChunk): Promise<boolean> | undefined {
    if (this.ended) return Promise.resolve(false);
    this.#accept(chunk);
    return this.ended || this.#storeBehind || this.#isFarAhead() ? this.#room() : undefined;
  }

  async #room(): Promise<boolean> {
    if (this.#storeBehind) {
      await this.#storeBehind;
      this.#storeBehind = undefined;
    }
    await this.#readersCatchUp();
    return !this.ended;
  }

  #accept(chunk: StreamChunk): void {
    if (isTerminal(chunk)) {
      // Nobody stopped it, so a `cancelled` from below is a model that gave up.
      const isCut = chunk.type === "cancelled";
      this.#finish(isCut ? errorChunk(new GatewayError("provider_error", { message: ERROR_MESSAGES.answerCut })) : chunk);
      return;
    }
    this.#metrics.chunk(chunk);
    if (chunk.type === "usage") {
      const { type: _, ...usage } = chunk;
      this.#usage = { ...this.#usage, ...usage };
    }
    const told = this.#toldTtft ? chunk : this.#withTtft(chunk);
    if (this.#coalescer) this.#coalescer.push(told);
    else this.#store(told);
    this.#answerChars += weight(chunk);
    if (this.#answerChars > this.#maxAnswerChars) this.#finish({ type: "done", reason: "length" });
  }

  /** The first token tells how long it took: a client that joined late cannot measure it. */
  #withTtft(chunk: StreamChunk): StreamChunk {
    if (chunk.type !== "token") return chunk;
    this.#toldTtft = true;
    return this.#metrics.ttft === null ? chunk : { ...chunk, metrics: { ttft: this.#metrics.ttft } };
  }

  #finish(terminal: TerminalChunk, error?: unknown): void {
    if (this.ended) return;
    this.#coalescer?.flush();
    this.endedAt = performance.now();
    clearTimeout(this.#grace);
    clearTimeout(this.#limit);
    for (const { expiry } of this.#remoteReaders?.values() ?? []) clearTimeout(expiry);
    const usage = terminal.type === "done" ? (terminal.usage ?? this.#usage) : this.#usage;
    const complete: TerminalChunk = {
      ...terminal,
      ...(terminal.type === "done" && usage ? { usage } : {}),
      metrics: this.#metrics.finish(usage),
    };
    this.#store(complete);
    this.#controller.abort();
    this.#wakeProducer?.();
    this.options.onEnd(this, complete, error);
  }

  #store(chunk: StreamChunk): void {
    const frame = encodeFrame(chunk, ++this.#seq);
    this.#bytes += frame.bytes;
    const wait = this.#log?.append(frame);
    if (wait) this.#storeBehind = wait;
  }

  #watchReaders(): void {
    if (this.ended || this.#readers.size > 0) return;
    clearTimeout(this.#grace);
    // A run that was only announced (202) has not lost a reader yet.
    if (this.options.onDisconnect === "cancel" && this.#hadReader && !this.#draining) this.cancel("disconnect");
    else this.#grace = setTimeout(() => this.#graceIsOver(), this.options.limits.graceMs);
  }

  /** A run that waits for its client costs no tokens, and the wait has a limit of its own: a reload may take longer than the grace. */
  #graceIsOver(): void {
    if (this.approvals.size + this.clientResults.size > 0) this.#watchReaders();
    else this.cancel("disconnect");
  }

  /** Checked once per 16 KB: the answer changes slowly, and there may be many readers. */
  #isFarAhead(): boolean {
    if (this.#bytes - this.#paceCheckedAt < 16_384) return false;
    this.#paceCheckedAt = this.#bytes;
    return this.#fastestReaderBehind() > this.options.limits.paceBytes;
  }

  /** Bytes between the log's head and the reader nearest to it, from the events' average size; 0 when nobody reads. */
  #fastestReaderBehind(): number {
    if (this.#readers.size === 0) return 0;
    let nearest = 0;
    for (const { seq } of this.#readers) nearest = Math.max(nearest, seq);
    return this.#bytes * (1 - Math.min(1, nearest / this.#seq));
  }

  async #readersCatchUp(): Promise<void> {
    while (!this.ended && this.#fastestReaderBehind() > this.options.limits.paceBytes / 2) {
      await new Promise<void>((resolve) => (this.#wakeProducer = resolve));
      this.#wakeProducer = undefined;
    }
  }
}

function weight(chunk: StreamChunk): number {
  if (chunk.type === "token" || chunk.type === "reasoning") return chunk.content.length;
  return chunk.type === "tool_call_delta" ? chunk.arguments.length : 0;
}
