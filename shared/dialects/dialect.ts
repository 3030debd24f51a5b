/**
 * A dialect turns one wire format into `StreamChunk`s.
 *
 * Contract (held by `testing/streams/conformance.ts`):
 * - `read` gets every event in order and emits zero or more chunks; it never throws on unknown fields or types, which it ignores.
 * - A payload that cannot be read is reported with `report` and skipped; what came before it stays.
 * - `tool_call` is emitted once per call, and only on the provider's own signal, never because the text happens to parse.
 * - At most one terminal chunk, and nothing after it.
 * - `end` is called at the end of the body. It completes what the provider left open (a stream that ended after its
 *   finish reason), and emits no terminal chunk when the provider gave no sign of an end: that is a cut.
 * @see docs/dialects.md for a new one, step by step.
 */
import type { ChatError } from "../errors.ts";
import type { StreamChunk } from "../protocol/chunk.ts";
import type { SseEvent } from "../sse/event.ts";

export type DialectName = "chanl" | "openai-chat" | "openai-responses" | "anthropic" | "gemini" | "ollama" | "ai-sdk-ui" | "ag-ui";

/** How a body is cut into events: an event stream, or one JSON value per line. */
export type Framing = "sse" | "ndjson";

export interface DialectContext {
  emit: (chunk: StreamChunk) => void;
  /** A payload that was skipped. */
  report: (error: ChatError) => void;
}

export interface DialectReader {
  read(event: SseEvent): void;
  /** @param broken The body did not end, it broke: what only the end of the body proves is not proven. */
  end(broken: boolean): void;
}

export interface Dialect {
  /** One of `DialectName`, or any other for a dialect of your own. */
  readonly name: string;
  readonly framing: Framing;
  /** Whether an unterminated last block counts as an event (several providers end without the last blank line). */
  readonly flushAtEof: boolean;
  createReader(context: DialectContext): DialectReader;
}
