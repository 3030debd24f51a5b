/** What a person sees: messages made of parts. Immutable; `reduce.ts` makes the next one from a chunk. */
import { randomId } from "../random-id.ts";
import type { ChatErrorCode } from "../errors.ts";
import type { FinishReason, JsonValue, Metrics, ToolRunsOn, Usage } from "../protocol/chunk.ts";

export interface TextPart {
  type: "text";
  text: string;
  refusal?: true;
}

export interface ReasoningPart {
  type: "reasoning";
  text: string;
  /** When it began, ms since the epoch. */
  startedAt?: number;
  /** Thinking time in ms, once it ended. */
  ms?: number;
  /** It ended because the stream was cut, and goes on if the stream does. */
  interrupted?: true;
}

/**
 * - `input-streaming` the model is still writing the arguments
 * - `running` complete, being executed · `needs-approval` waits for a person
 * - `complete` `failed` `denied` `cancelled` ended · `unknown` the stream ended without a result
 */
export type ToolState = "input-streaming" | "running" | "needs-approval" | "complete" | "failed" | "denied" | "cancelled" | "unknown";

export interface ToolCallPart {
  type: "tool_call";
  index: number;
  id: string;
  name: string;
  /** Raw text of the arguments so far. */
  argumentsText: string;
  /** Parsed arguments, once complete. */
  arguments?: JsonValue;
  state: ToolState;
  /** What it was when the stream was cut, to go on from. */
  stateBefore?: ToolState;
  runsOn?: ToolRunsOn;
  /** How far it is while it runs, where the tool tells. */
  progress?: { progress: number; total?: number; message?: string };
  result?: JsonValue;
  error?: string;
  /** Run time in ms, once it ended. */
  ms?: number;
  /** When the call began to run, ms since the epoch. */
  startedAt?: number;
}

export interface SourcePart {
  type: "source";
  id: string;
  title: string;
  url?: string;
  snippet?: string;
}

/** What a person sent along with their words: text of a page they read, a picture of it, or a file. It is data to answer from, and never theirs. */
export interface ContextPart {
  type: "context";
  /** Random: it marks where the text begins and ends in what the model reads, so a page cannot forge the mark. */
  id: string;
  kind: "page" | "selection" | "picture" | "file";
  title: string;
  /** Empty for a file. */
  url: string;
  text: string;
  /** The page had more. */
  trimmed?: true;
  /** A picture, as a `data:` address. */
  image?: string;
}

export type MessagePart = TextPart | ReasoningPart | ToolCallPart | SourcePart | ContextPart;

/**
 * - `queued` waits to be sent · `pending` sent, nothing came yet · `streaming`
 * - `complete` ended by `done` · `stopped` ended by the person
 * - `interrupted` cut, and not resumable right now: Continue and Retry · `error` ended by an error
 */
export type MessageStatus = "queued" | "pending" | "streaming" | "complete" | "stopped" | "interrupted" | "error";

export interface MessageError {
  code: ChatErrorCode;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
}

export interface ChatMessage {
  id: string;
  role: "user" | "assistant";
  parts: readonly MessagePart[];
  status: MessageStatus;
  /** ms since the epoch. */
  createdAt: number;
  streamId?: string;
  model?: string;
  finishReason?: FinishReason;
  metrics?: Metrics;
  usage?: Usage;
  error?: MessageError;
  /** The conversation forks here: there are other versions of it from this message on. */
  forkId?: string;
  /** What the person thought of it. */
  rating?: "good" | "bad";
}

/** What a person asks: words, or words with what goes along with them. */
export type Question = string | readonly (TextPart | ContextPart)[];

/** `along` is `undefined` where only words were given. */
export function readQuestion(asked: Question): { text: string; along?: readonly ContextPart[] } {
  if (typeof asked === "string") return { text: asked };
  const words = asked.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return { text: words.join("\n"), along: asked.filter((part) => part.type === "context") };
}

/** A person's message. @param createdAt ms since the epoch @param along what goes with the words */
export function question(text: string, createdAt: number, along: readonly ContextPart[] = []): ChatMessage {
  return { id: randomId(), role: "user", parts: [...along, { type: "text", text }], status: "complete", createdAt };
}

/** The text of a message, without reasoning, tools and sources. */
export function messageText(message: ChatMessage): string {
  let text = "";
  for (const part of message.parts) if (part.type === "text") text += part.text;
  return text;
}
