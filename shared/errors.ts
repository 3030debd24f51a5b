/**
 * Every way a chat can fail, as data. The same words on the wire (`error.code`), in the client and in the docs.
 *
 * - `network` the connection could not be made or broke · `idle_timeout` no byte for 2.5 heartbeats
 * - `truncated` the stream ended without a terminal event and could not be resumed
 * - `bad_frame` an event that is not our protocol · `event_too_large` an event above `maxEventBytes`
 * - `bad_request` `unauthorized` `forbidden` `not_found` `conflict` `payload_too_large` `rate_limited` `overloaded`
 *   what the gateway answers to a request
 * - `provider_auth` `provider_rate_limited` `provider_unavailable` `provider_timeout` `provider_error`
 *   what happened between the gateway and the model
 * - `producer_lost` the process that wrote the run died · `internal` a bug of ours
 */
export type ChatErrorCode =
  | "network"
  | "idle_timeout"
  | "truncated"
  | "bad_frame"
  | "event_too_large"
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "payload_too_large"
  | "rate_limited"
  | "overloaded"
  | "provider_auth"
  | "provider_rate_limited"
  | "provider_unavailable"
  | "provider_timeout"
  | "provider_error"
  | "producer_lost"
  | "internal";

export interface ChatErrorOptions {
  /** Whether the same request may succeed later. @defaultValue `false` */
  retryable?: boolean | undefined;
  /** HTTP status, where there was one. */
  status?: number | undefined;
  /** Wait asked for by the server (`Retry-After`), in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The error underneath. Never shown to a visitor. */
  cause?: unknown;
}

/** An error of the chat. A caller's own mistake (a wrong argument) is a `TypeError` instead; an abort one asked for is no error. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  readonly code: ChatErrorCode;
  readonly retryable: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ChatErrorCode, message: string, options: ChatErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
