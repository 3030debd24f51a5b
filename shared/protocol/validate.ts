/**
 * Checks of what arrives over the network before anything else sees it. By hand and small: it is part of every page.
 * Unknown fields pass, unknown types are counted and ignored, wrong types of known fields make the frame bad.
 */
import { ChatError } from "../errors.ts";
import type { StreamChunk } from "./chunk.ts";

/** One frame as received. `chunk` is `null` when its type is unknown to this version: its `seq` still counts. */
export interface ReceivedEvent {
  chunk: StreamChunk | null;
  seq?: number;
  streamId?: string;
  requestId?: string;
}

type Frame = { readonly [key: string]: unknown };
type Check = (value: unknown) => boolean;
const isString: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isIndex: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isBoolean: Check = (value) => typeof value === "boolean";
const isPresent: Check = (value) => value !== undefined;
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value as string);

/** A snapshot's chunks are held to the same rules as events; one inside another would never end. */
const isSnapshot: Check = (value) => {
  const chunks = isObject(value) && (value as Frame)["chunks"];
  return Array.isArray(chunks) && chunks.every((chunk) => isChunk(chunk) && chunk["type"] !== "snapshot");
};
const isChunk = (value: unknown): value is Frame => isObject(value) && isString((value as Frame)["type"]) && !wrongField(value as Frame);

const FINISH = oneOf("stop", "length", "tool_calls", "content_filter", "refusal", "other");

const FIELDS: { [type: string]: Record<string, Check> | undefined } = {
  // A type `constructor` is none of ours.
  __proto__: null as never,
  start: { streamId: isString, messageId: isString, agentId: isString, model: isString },
  token: { content: isString },
  reasoning: { content: isString },
  tool_call_delta: { index: isIndex, id: optional(isString), name: optional(isString), arguments: isString },
  tool_call: {
    index: isIndex,
    id: isString,
    name: isString,
    arguments: isPresent,
    runsOn: oneOf("server", "client", "provider"),
    argumentsText: optional(isString),
  },
  approval: { id: isString, approved: isBoolean, reason: optional(isString) },
  tool_progress: { id: isString, progress: isNumber, total: optional(isNumber), message: optional(isString) },
  tool_result: { id: isString, name: isString, error: optional(isString), ms: isNumber },
  source: { id: isString, title: isString, url: optional(isString), snippet: optional(isString) },
  step: { n: isIndex, reason: FINISH },
  usage: { inputTokens: optional(isNumber), outputTokens: optional(isNumber) },
  snapshot: { message: isSnapshot },
  done: { reason: FINISH, usage: optional(isObject), metrics: optional(isObject) },
  error: { message: isString, code: isString, retryable: optional(isBoolean) },
  cancelled: { reason: isString, metrics: optional(isObject) },
};

/**
 * Reads one frame's JSON.
 * @throws ChatError `bad_frame`, naming the field, never quoting the content.
 */
export function parseEvent(data: string): ReceivedEvent {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new ChatError("bad_frame", "A frame of the stream was not JSON.", { cause });
  }
  if (!isObject(value) || !isString((value as Frame)["type"])) throw new ChatError("bad_frame", "A frame of the stream has no type.");
  const frame = value as Frame;
  const event: ReceivedEvent = { chunk: null };
  if (isIndex(frame["seq"])) event.seq = frame["seq"] as number;
  if (isString(frame["streamId"])) event.streamId = frame["streamId"] as string;
  if (isString(frame["requestId"])) event.requestId = frame["requestId"] as string;
  if (!FIELDS[frame["type"] as string]) return event;
  const wrong = wrongField(frame);
  if (wrong) throw new ChatError("bad_frame", `A ${frame["type"] as string} event has a wrong field: ${wrong}.`);
  event.chunk = frame as unknown as StreamChunk;
  return event;
}

/** The first known field with a wrong type. A chunk of an unknown type has none. */
function wrongField(frame: Frame): string | undefined {
  for (const [name, check] of Object.entries(FIELDS[frame["type"] as string] ?? {})) {
    if (!check(frame[name])) return name;
  }
  return undefined;
}
