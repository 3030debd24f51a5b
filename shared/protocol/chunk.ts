/**
 * The chunks of a stream: one vocabulary for the wire, the core, the widget and the docs, whatever the provider.
 * On the wire each is one `data:` line of JSON with its `seq`; see docs/protocol.md.
 */
import type { ChatErrorCode } from "../errors.ts";

/** JSON as it comes out of `JSON.parse`. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Always `seq` 1. `streamId` is random and unique to one generation, so a cursor can never be applied to another run. */
export interface StartChunk {
  type: "start";
  streamId: string;
  messageId: string;
  agentId: string;
  model: string;
  /** Protocol version. */
  v: 1;
  /** The `requestId` of the request that began the run: tells several chats on one WebSocket apart. */
  requestId?: string;
}

/** Text of the answer. `refusal` marks text the provider sends apart as its refusal. */
export interface TokenChunk {
  type: "token";
  content: string;
  refusal?: true;
  /** On the first token only: what is known by then. */
  metrics?: { ttft: number };
}

/** Thinking text, shown apart from the answer. */
export interface ReasoningChunk {
  type: "reasoning";
  content: string;
}

/** A fragment of a call's arguments, as JSON text. `id` and `name` come with the first fragment of a call. */
export interface ToolCallDeltaChunk {
  type: "tool_call_delta";
  index: number;
  id?: string;
  name?: string;
  arguments: string;
}

/** Who runs a call: the gateway, the page or extension that asked, or the model's provider itself. */
export type ToolRunsOn = "server" | "client" | "provider";

/** A complete call, exactly once. `incomplete` (cut off) and `invalid` (not JSON, or against the schema) calls are never executed. */
export interface ToolCallChunk {
  type: "tool_call";
  index: number;
  id: string;
  name: string;
  /** Parsed arguments; `null` exactly when `incomplete` or `invalid`. */
  arguments: JsonValue;
  /** The raw text, where it says more than `arguments` does. */
  argumentsText?: string;
  runsOn: ToolRunsOn;
  /** It waits for a person, whose decision comes as an `approval`. */
  needsApproval?: true;
  incomplete?: true;
  invalid?: true;
}

/** What a person decided about a call that needed approval. A declined one is answered by a `tool_result` with an `error`. */
export interface ApprovalChunk {
  type: "approval";
  /** Of the call. */
  id: string;
  approved: boolean;
  /** What the call runs with, where the person changed it. */
  arguments?: JsonValue;
  reason?: string;
}

/** How far a running tool is. The latest one counts. */
export interface ToolProgressChunk {
  type: "tool_progress";
  /** Of the call. */
  id: string;
  /** Grows; its unit is the tool's own. */
  progress: number;
  total?: number;
  message?: string;
}

export interface ToolResultChunk {
  type: "tool_result";
  id: string;
  name: string;
  result?: JsonValue;
  /** A sentence for people and for the model; set when the call failed, was refused or was cancelled. */
  error?: string;
  /** Run time in milliseconds. */
  ms: number;
}

/** A citation. */
export interface SourceChunk {
  type: "source";
  id: string;
  title: string;
  url?: string;
  snippet?: string;
}

/** One model turn of a tool loop ended. */
export interface StepChunk {
  type: "step";
  /** Turn number, from 1. */
  n: number;
  reason: FinishReason;
  usage?: Usage;
}

/** The provider's own token figures; a later one replaces an earlier one. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  reasoningTokens?: number;
  cachedInputTokens?: number;
}

export interface UsageChunk extends Usage {
  type: "usage";
}

/** The answer to a resume older than the log: replaces the message, never splices. Its `seq` is the cursor to go on from. */
export interface SnapshotChunk {
  type: "snapshot";
  message: SnapshotMessage;
}

/** What the stream has said so far, as chunks merged to the fewest that give the same message. */
export interface SnapshotMessage {
  messageId: string;
  chunks: StreamChunk[];
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "refusal" | "other";

export interface Metrics {
  /** Request accepted to first token, reasoning or tool delta, in ms; `null` when none came. */
  ttft: number | null;
  /** Request accepted to the terminal event, in ms. */
  totalMs: number;
  /** The provider's output tokens where it tells, else the number of deltas (`estimated`). */
  tokenCount: number;
  /** tokenCount / totalMs × 1000. */
  tokensPerSecond: number;
  /** The same, counted from the first token on. */
  decodeTokensPerSecond: number;
  estimated?: true;
}

export interface DoneChunk {
  type: "done";
  reason: FinishReason;
  usage?: Usage;
  metrics?: Metrics;
}

export interface ErrorChunk {
  type: "error";
  /** From a fixed catalogue; never an upstream body. */
  message: string;
  code: ChatErrorCode;
  retryable: boolean;
  status?: number;
  /** Wait before trying again, in ms. */
  retryAfterMs?: number;
  /** The provider's own words. Only inside a process that reads a provider itself; the gateway never passes it on. */
  detail?: string;
  metrics?: Metrics;
}

export type CancelReason = "user" | "timeout" | "shutdown" | "disconnect";

export interface CancelledChunk {
  type: "cancelled";
  reason: CancelReason;
  metrics?: Metrics;
}

export type TerminalChunk = DoneChunk | ErrorChunk | CancelledChunk;

export type StreamChunk =
  | StartChunk
  | TokenChunk
  | ReasoningChunk
  | ToolCallDeltaChunk
  | ToolCallChunk
  | ApprovalChunk
  | ToolProgressChunk
  | ToolResultChunk
  | SourceChunk
  | StepChunk
  | UsageChunk
  | SnapshotChunk
  | TerminalChunk;

export type ChunkType = StreamChunk["type"];

/** A chunk as stored and sent: `seq` counts from 1 without holes, `streamId` names the run on a shared socket. */
export type StreamEvent = StreamChunk & { seq: number; streamId?: string };

/** Exactly one of these ends every stream. */
export function isTerminal(chunk: { type: string }): chunk is TerminalChunk {
  return chunk.type === "done" || chunk.type === "error" || chunk.type === "cancelled";
}
