/** A transport whose every chunk is said by the test. It keeps no contract by itself: what it is told, it yields. */
import type { StreamChunk } from "../protocol/chunk.ts";
import type { ApprovalRequest, ChatRequest, ToolResultRequest } from "../protocol/request.ts";
import { EventQueue } from "../transport/event-queue.ts";
import type { ChatTransport, FollowOptions, TransportChunk } from "../transport/transport.ts";

/** One `send` or `resume`, as the session asked for it. */
export class ScriptedRun {
  readonly request: (ChatRequest & { requestId: string }) | null;
  readonly streamId: string;
  readonly lastSeq: number;
  readonly options: FollowOptions;
  readonly queue = new EventQueue<TransportChunk>();
  #seq: number;

  constructor(request: ScriptedRun["request"], streamId: string, lastSeq: number, options: FollowOptions) {
    this.request = request;
    this.streamId = streamId;
    this.lastSeq = lastSeq;
    this.options = options;
    this.#seq = lastSeq;
    options.signal?.addEventListener("abort", () => this.queue.end());
  }

  /** Says chunks with the next seqs, and waits until the session has heard them. */
  async say(...chunks: StreamChunk[]): Promise<void> {
    for (const chunk of chunks) this.queue.push({ ...chunk, seq: ++this.#seq });
    await settled();
  }

  start(): Promise<void> {
    return this.say({ type: "start", streamId: this.streamId, messageId: "m", agentId: "agent", model: "test-model", v: 1 });
  }

  token(...contents: string[]): Promise<void> {
    return this.say(...contents.map((content): StreamChunk => ({ type: "token", content })));
  }

  async end(chunk: StreamChunk = { type: "done", reason: "stop" }): Promise<void> {
    await this.say(chunk);
    this.queue.end();
    await settled();
  }

  /** What a transport says when the budget is spent: without a seq. */
  async lose(): Promise<void> {
    this.queue.push({ type: "error", code: "truncated", message: "The connection dropped.", retryable: true });
    this.queue.end();
    await settled();
  }
}

export interface ScriptedTransport extends ChatTransport {
  readonly runs: ScriptedRun[];
  readonly latest: ScriptedRun;
  readonly cancelled: string[];
  readonly toolResults: ({ streamId: string } & ToolResultRequest)[];
  /** Errors the next calls of `cancel` reject with. */
  readonly cancelFailures: Error[];
  readonly toolResultFailures: Error[];
  readonly approvals: ({ streamId: string } & ApprovalRequest)[];
  readonly approvalFailures: Error[];
}

export function createScriptedTransport(): ScriptedTransport {
  const runs: ScriptedRun[] = [];
  const cancelled: string[] = [];
  const toolResults: ScriptedTransport["toolResults"] = [];
  const cancelFailures: Error[] = [];
  const toolResultFailures: Error[] = [];
  const approvals: ScriptedTransport["approvals"] = [];
  const approvalFailures: Error[] = [];
  let streams = 0;
  const begin = (
    request: ScriptedRun["request"],
    streamId: string,
    lastSeq: number,
    options: FollowOptions = {},
  ): AsyncIterable<TransportChunk> => {
    const run = new ScriptedRun(request, streamId, lastSeq, options);
    runs.push(run);
    return run.queue;
  };
  return {
    name: "sse",
    runs,
    cancelled,
    toolResults,
    cancelFailures,
    toolResultFailures,
    approvals,
    approvalFailures,
    get latest() {
      return runs.at(-1)!;
    },
    send: (request, options) => begin(request, `s${++streams}`, 0, options),
    resume: (streamId, lastSeq, options) => begin(null, streamId, lastSeq, options),
    cancel(streamId) {
      const failure = cancelFailures.shift();
      if (failure) return Promise.reject(failure);
      cancelled.push(streamId);
      return Promise.resolve();
    },
    sendToolResult(streamId, result) {
      const failure = toolResultFailures.shift();
      if (failure) return Promise.reject(failure);
      toolResults.push({ streamId, ...result });
      return Promise.resolve();
    },
    sendApproval(streamId, approval) {
      const failure = approvalFailures.shift();
      if (failure) return Promise.reject(failure);
      approvals.push({ streamId, ...approval });
      return Promise.resolve();
    },
    close: () => undefined,
  };
}

/** Until all promises that can settle have. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
