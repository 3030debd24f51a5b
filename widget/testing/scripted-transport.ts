/** A transport without a network: each run plays a script, or waits for what a test pushes. For tests and for the gallery of states. */
import { ChatError } from "../../shared/errors.ts";
import { isTerminal, type StreamChunk } from "../../shared/protocol/chunk.ts";
import type { ApprovalRequest, ChatRequest, ToolResultRequest } from "../../shared/protocol/request.ts";
import { EventQueue } from "../../shared/transport/event-queue.ts";
import type { ChatTransport, FollowOptions, TransportChunk } from "../../shared/transport/transport.ts";

/** A chunk, a wait in ms, or what happens to the connection. A script that ends without a terminal chunk leaves its answer running. */
export type ScriptStep = StreamChunk | { wait: number } | { reconnecting: { attempt: number; maxAttempts: number } } | { connected: true };

export type Script = Iterable<ScriptStep> | AsyncIterable<ScriptStep>;

/** One run as the other side of the wire sees it. */
export class ScriptedRun {
  readonly streamId: string;
  readonly request: ChatRequest | null;
  readonly options: FollowOptions;
  readonly chunks = new EventQueue<TransportChunk>();
  #seq: number;

  constructor(streamId: string, request: ChatRequest | null, options: FollowOptions, lastSeq = 0) {
    this.streamId = streamId;
    this.request = request;
    this.options = options;
    this.#seq = lastSeq;
    options.signal?.addEventListener("abort", () => this.chunks.end());
  }

  start(model = "scripted"): this {
    return this.push({
      type: "start",
      streamId: this.streamId,
      messageId: this.streamId,
      agentId: this.request?.agentId ?? "",
      model,
      v: 1,
    });
  }

  push(...chunks: StreamChunk[]): this {
    for (const chunk of chunks) {
      this.chunks.push({ ...chunk, seq: ++this.#seq, streamId: this.streamId });
      if (isTerminal(chunk)) this.chunks.end();
    }
    return this;
  }

  text(...tokens: string[]): this {
    return this.push(...tokens.map((content): StreamChunk => ({ type: "token", content })));
  }

  done(): this {
    return this.push({ type: "done", reason: "stop" });
  }

  /** The budget of reconnects is spent: what a transport then says itself, without a seq. */
  cut(): this {
    this.chunks.push({ type: "error", code: "truncated", message: "The connection dropped.", retryable: true });
    this.chunks.end();
    return this;
  }

  reconnecting(attempt: number, maxAttempts: number): this {
    this.options.onReconnect?.({
      attempt,
      maxAttempts,
      delayMs: 500,
      cause: new ChatError("network", "The connection broke.", { retryable: true }),
    });
    return this;
  }

  connected(): this {
    this.options.onConnected?.();
    return this;
  }

  async play(script: Script): Promise<void> {
    for await (const step of script) {
      if (this.options.signal?.aborted) return;
      if ("wait" in step) await new Promise((resolve) => setTimeout(resolve, step.wait));
      else if ("reconnecting" in step) this.reconnecting(step.reconnecting.attempt, step.reconnecting.maxAttempts);
      else if ("connected" in step) this.connected();
      else this.push(step);
    }
  }
}

export class ScriptedTransport implements ChatTransport {
  readonly name = "sse";
  /** Every run so far, oldest first. */
  readonly runs: ScriptedRun[] = [];
  readonly resumed: ScriptedRun[] = [];
  readonly cancelled: string[] = [];
  readonly toolResults: ToolResultRequest[] = [];
  readonly approvals: ApprovalRequest[] = [];
  readonly #script: ((run: ScriptedRun) => Script) | undefined;

  /** @param script played for each run; without one, tests push into `runs` themselves */
  constructor(script?: (run: ScriptedRun) => Script) {
    this.#script = script;
  }

  get last(): ScriptedRun {
    const run = this.runs.at(-1);
    if (!run) throw new Error("nothing was sent");
    return run;
  }

  send(request: ChatRequest & { requestId: string }, options: FollowOptions = {}): AsyncIterable<TransportChunk> {
    const run = new ScriptedRun(`stream-${this.runs.length + 1}`, request, options);
    this.runs.push(run);
    if (this.#script) void run.play(this.#script(run));
    return run.chunks;
  }

  resume(streamId: string, lastSeq: number, options: FollowOptions = {}): AsyncIterable<TransportChunk> {
    const run = new ScriptedRun(streamId, null, options, lastSeq);
    this.resumed.push(run);
    return run.chunks;
  }

  cancel(streamId: string): Promise<void> {
    this.cancelled.push(streamId);
    return Promise.resolve();
  }

  sendToolResult(_streamId: string, result: ToolResultRequest): Promise<void> {
    this.toolResults.push(result);
    return Promise.resolve();
  }

  /** The gateway tells every reader what was decided. */
  sendApproval(streamId: string, approval: ApprovalRequest): Promise<void> {
    this.approvals.push(approval);
    const { toolCallId: id, ...decision } = approval;
    [...this.runs, ...this.resumed].findLast((run) => run.streamId === streamId)?.push({ type: "approval", id, ...decision });
    return Promise.resolve();
  }

  close(): void {
    for (const run of [...this.runs, ...this.resumed]) run.chunks.end();
  }
}
