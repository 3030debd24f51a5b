/**
 * A transport carries one run's events from the gateway to a reader, whatever the wire.
 *
 * Contract (held by `transport/conformance.test.ts` against every implementation):
 * - `send` starts a run, `resume` follows an existing one after a cursor; both yield `StreamEvent`s in order,
 *   each seq once, and end after exactly one terminal chunk. They never throw for what a network or a server does.
 * - A cut (EOF, reset, silence) is never an end: the transport reconnects after its last seq with backoff and jitter, and
 *   progress resets the budget. When the budget is spent it yields `error {code: "truncated", retryable: true}`, without a seq.
 * - A gap in seq is never rendered across: it counts as a cut.
 * - Aborting `signal` only stops following. The run goes on; `cancel` ends it.
 * - A retried send carries the same `requestId`, so the gateway attaches it to the run that already exists.
 */
import type { ChatError } from "../errors.ts";
import type { StreamChunk } from "../protocol/chunk.ts";
import type { ApprovalRequest, ChatRequest, ToolResultRequest } from "../protocol/request.ts";

/** A chunk on its way to a reader; `seq` is missing only on chunks the transport itself makes. */
export type TransportChunk = StreamChunk & { seq?: number; streamId?: string };

export interface ReconnectNotice {
  /** From 1. */
  attempt: number;
  maxAttempts: number;
  /** Wait before this attempt, in ms. */
  delayMs: number;
  cause: ChatError;
}

export interface FollowOptions {
  /** Stops following; does not cancel the run. */
  signal?: AbortSignal | undefined;
  onReconnect?: ((notice: ReconnectNotice) => void) | undefined;
  /** Called when a connection is there again after a reconnect, also when the stream has nothing to say yet. */
  onConnected?: (() => void) | undefined;
  /** A frame that was skipped because it is not our protocol. */
  onProtocolError?: ((error: ChatError) => void) | undefined;
}

export interface ChatTransport {
  readonly name: "sse" | "websocket" | "eventsource";
  send(request: ChatRequest & { requestId: string }, options?: FollowOptions): AsyncIterable<TransportChunk>;
  resume(streamId: string, lastSeq: number, options?: FollowOptions): AsyncIterable<TransportChunk>;
  /** Ends the run at the gateway. Idempotent. Rejects with `ChatError` only when the gateway could not be told. */
  cancel(streamId: string): Promise<void>;
  sendToolResult(streamId: string, result: ToolResultRequest): Promise<void>;
  sendApproval(streamId: string, approval: ApprovalRequest): Promise<void>;
  /** Lets go of everything the transport holds. */
  close(): void;
}

export type HeadersSource = Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>);

export interface TransportOptions {
  /** Base of the chat API, such as `/api/chat` or `https://host/api/chat`. */
  endpoint: string;
  /** Sent with every request; a function is asked each time, so that it can renew a token. */
  headers?: HeadersSource | undefined;
  /** @defaultValue the platform's `fetch` */
  fetch?: typeof globalThis.fetch | undefined;
  retry?: RetryOptions | undefined;
  /**
   * Time without any byte after which a connection counts as dead, in ms. Heartbeats count as bytes. `null` disables.
   * @defaultValue `37_500` (2.5 heartbeats of 15 s)
   */
  idleTimeoutMs?: number | null | undefined;
}

export interface RetryOptions {
  /** Reconnects in a row without progress. @defaultValue `5` */
  maxAttempts?: number | undefined;
  /** First wait in ms; doubles each time, with jitter down to half. @defaultValue `300` */
  baseMs?: number | undefined;
  /** Longest wait in ms. @defaultValue `10_000` */
  maxMs?: number | undefined;
  /** Source of jitter, 0 ≤ x < 1. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}
