/**
 * Follows one run over as many connections as it takes: order, resume, retry, silence. The one place where a cut is handled,
 * for every transport; a `Connector` only knows how to open one connection.
 */
import { ChatError } from "../errors.ts";
import { isTerminal } from "../protocol/chunk.ts";
import type { ChatRequest } from "../protocol/request.ts";
import type { ReceivedEvent } from "../protocol/validate.ts";
import { Backoff, wait } from "./retry.ts";
import type { FollowOptions, RetryOptions, TransportChunk } from "./transport.ts";

/** Where a reader stands. Without a `streamId` the run is known by its `requestId` alone. */
export interface Cursor {
  streamId: string | null;
  lastSeq: number;
}

/** A frame that could not be read. Its seq, where the framing tells it, is passed over instead of asked for again and again. */
export interface BadFrame {
  bad: ChatError;
  seq?: number | undefined;
}

/** The cursor already stands on the last event: nothing is missing, and nothing more comes. */
export interface NothingMissing {
  nothingMissing: true;
}

export type Received = ReceivedEvent | BadFrame | NothingMissing;

export interface ConnectOptions {
  /** Its reason is a `ChatError` when the connection itself is at fault (silent, or out of order) and should not be used again. */
  signal: AbortSignal;
  /** Any byte arrived, a heartbeat too. */
  onActivity: () => void;
  /** The run's id became known, before any event did. */
  onStreamId: (streamId: string) => void;
}

/** Opens one connection. Returns at a clean end, throws `ChatError` for a broken or refused one, and ends when `signal` aborts. */
export interface Connector {
  open(request: (ChatRequest & { requestId: string }) | null, cursor: Cursor, options: ConnectOptions): AsyncIterable<Received>;
  /** Whether silence can be told from a dead connection (`EventSource` hides comments). */
  readonly seesHeartbeats: boolean;
}

export interface FollowRunOptions extends FollowOptions {
  retry?: RetryOptions | undefined;
  idleTimeoutMs?: number | null | undefined;
}

export const DEFAULT_IDLE_TIMEOUT_MS = 37_500;

export async function* followRun(
  connector: Connector,
  request: (ChatRequest & { requestId: string }) | null,
  from: Cursor,
  options: FollowRunOptions = {},
): AsyncGenerator<TransportChunk, void, undefined> {
  const cursor: Cursor = { ...from };
  const backoff = new Backoff(options.retry);
  const stop = options.signal ?? new AbortController().signal;
  const idleMs = options.idleTimeoutMs === undefined ? DEFAULT_IDLE_TIMEOUT_MS : options.idleTimeoutMs;
  let reconnecting = false;
  const connected = (): void => {
    if (!reconnecting) return;
    reconnecting = false;
    options.onConnected?.();
  };
  while (!stop.aborted) {
    const connection = new Connection(stop, connector.seesHeartbeats ? idleMs : null);
    let cause: ChatError;
    let passedOver = 0;
    let quiet: ReturnType<typeof setTimeout> | undefined;
    try {
      const received = connector.open(request, cursor, {
        signal: connection.signal,
        onActivity: () => {
          connection.active();
          if (reconnecting) quiet ??= setTimeout(connected, QUIET_MS);
        },
        onStreamId: (streamId) => void (cursor.streamId = streamId),
      });
      for await (const event of received) {
        connection.active();
        if (stop.aborted) return;
        if ("nothingMissing" in event) {
          yield { type: "done", reason: "other" };
          return;
        }
        if ("bad" in event) {
          options.onProtocolError?.(event.bad);
          if (event.seq === undefined) passedOver++;
          else if (event.seq === cursor.lastSeq + 1) cursor.lastSeq = event.seq;
          continue;
        }
        const { chunk, seq } = event;
        if (seq === undefined) {
          // Outside the log: a refusal told over an open socket.
          if (chunk?.type === "error") throw new ChatError(chunk.code, chunk.message, chunk);
          continue;
        }
        if (seq <= cursor.lastSeq) {
          // A repeat is dropped. A repeated last event is how a socket says that nothing is missing.
          if (!chunk || !isTerminal(chunk) || seq < cursor.lastSeq) continue;
          yield chunk;
          return;
        }
        if (chunk?.type !== "snapshot" && seq > cursor.lastSeq + 1 + passedOver) {
          throw connection.fail(new ChatError("truncated", "Events of the stream are missing.", { retryable: true }));
        }
        passedOver = 0;
        cursor.lastSeq = seq;
        if (chunk?.type === "start") cursor.streamId = chunk.streamId;
        backoff.progress();
        connected();
        if (!chunk) continue;
        // Time the reader takes is not silence of the connection.
        connection.pause();
        yield chunk;
        if (isTerminal(chunk)) return;
        connection.active();
      }
      if (stop.aborted) return;
      cause = connection.failed ?? new ChatError("truncated", "The stream ended without its last event.", { retryable: true });
    } catch (error) {
      if (stop.aborted) return;
      cause = connection.failed ?? asChatError(error);
    } finally {
      clearTimeout(quiet);
      connection.close();
    }
    const refusal = isRefusal(cause);
    const delayMs = refusal ? null : backoff.next(cause.retryAfterMs);
    if (delayMs === null) {
      // A stream that is gone had an answer once, even if none of it came.
      const isNamed = cursor.streamId !== null && (!refusal || cause.code === "not_found");
      yield cursor.lastSeq > 0 || isNamed ? lost(cause) : refused(cause);
      return;
    }
    reconnecting = true;
    options.onReconnect?.({ attempt: backoff.attempt, maxAttempts: backoff.maxAttempts, delayMs, cause });
    await wait(delayMs, stop);
  }
}

/** A stream may have nothing to say for minutes, while a person decides: a connection that lived so long after its first byte is there. */
const QUIET_MS = 1000;

/** One connection's lifetime: ended by the reader, by silence, or by what it delivered. */
class Connection {
  readonly #controller = new AbortController();
  readonly #stop: AbortSignal;
  readonly #idleMs: number | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  failed: ChatError | undefined;

  constructor(stop: AbortSignal, idleMs: number | null) {
    this.#stop = stop;
    this.#idleMs = idleMs;
    stop.addEventListener("abort", this.#abort);
    if (stop.aborted) this.#abort();
    this.active();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly active = (): void => {
    if (this.#idleMs === null) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.fail(new ChatError("idle_timeout", "The connection went silent.", { retryable: true }));
    }, this.#idleMs);
  };

  /** Silence does not count until the next `active`. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** The connection is at fault: it is not used again. */
  fail(error: ChatError): ChatError {
    this.failed = error;
    this.#controller.abort(error);
    return error;
  }

  readonly #abort = (): void => this.#controller.abort();

  close(): void {
    clearTimeout(this.#timer);
    this.#stop.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }
}

function asChatError(error: unknown): ChatError {
  if (error instanceof ChatError) return error;
  return new ChatError("network", "The connection broke.", { retryable: true, cause: error });
}

/** An answer that trying again will not change. Rate limits are told to the person, who decides when to ask again. */
function isRefusal(error: ChatError): boolean {
  return !error.retryable || error.code === "rate_limited";
}

function refused({ code, message, retryable, status, retryAfterMs }: ChatError): TransportChunk {
  return {
    type: "error",
    code,
    message,
    retryable,
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The answer began and cannot be followed any more. What came is kept; the person may continue or retry. */
function lost({ status, retryAfterMs }: ChatError): TransportChunk {
  return refused(
    new ChatError("truncated", "The connection dropped. The answer so far is kept.", { retryable: true, status, retryAfterMs }),
  );
}
