/** How a provider's end is said in our words. */
import type { ChatErrorCode } from "../errors.ts";
import type { ErrorChunk, FinishReason, ToolCallChunk, ToolRunsOn, Usage } from "../protocol/chunk.ts";
import type { CompletedToolCall } from "../tool-calls/accumulator.ts";

const REASONS: Record<string, FinishReason> = {
  stop: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  STOP: "stop",
  completed: "stop",
  RUN_FINISHED: "stop",
  length: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  MAX_TOKENS: "length",
  model_context_window_exceeded: "length",
  incomplete: "length",
  tool_calls: "tool_calls",
  "tool-calls": "tool_calls",
  function_call: "tool_calls",
  tool_use: "tool_calls",
  content_filter: "content_filter",
  "content-filter": "content_filter",
  SAFETY: "content_filter",
  RECITATION: "content_filter",
  BLOCKLIST: "content_filter",
  PROHIBITED_CONTENT: "content_filter",
  SPII: "content_filter",
  MODEL_ARMOR: "content_filter",
  IMAGE_SAFETY: "content_filter",
  IMAGE_PROHIBITED_CONTENT: "content_filter",
  IMAGE_RECITATION: "content_filter",
  refusal: "refusal",
};

/**
 * The finish reason of a turn. A plain stop after a complete call that is ours to run is `tool_calls` (several servers
 * say `stop` there), and a stop after refusal text is `refusal`.
 */
export function finishReason(reason: string, seen: { callToRun: boolean; refusal: boolean }): FinishReason {
  const known = (Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined) ?? "other";
  if (known !== "stop") return known;
  if (seen.callToRun) return "tool_calls";
  return seen.refusal ? "refusal" : "stop";
}

/** Whether the token limit ended the turn, perhaps inside a call. */
export function isLength(reason: string): boolean {
  return finishReason(reason, { callToRun: false, refusal: false }) === "length";
}

export function toolCallChunk(call: CompletedToolCall, runsOn: ToolRunsOn): ToolCallChunk {
  const chunk: ToolCallChunk = { type: "tool_call", index: call.index, id: call.id, name: call.name, arguments: call.arguments, runsOn };
  if (call.incomplete) chunk.incomplete = true;
  if (call.invalid) chunk.invalid = true;
  if (call.incomplete || call.invalid || call.repaired) chunk.argumentsText = call.argumentsText;
  return chunk;
}

const PROVIDER_ERRORS: { test: RegExp; code: ChatErrorCode; message: string; retryable: boolean }[] = [
  {
    test: /auth|permission|api.?key|^40[13]$/i,
    code: "provider_auth",
    message: "The model's provider refused our credentials.",
    retryable: false,
  },
  {
    test: /rate.?limit|quota|resource.?exhausted|^429$/i,
    code: "provider_rate_limited",
    message: "The model's provider is limiting requests.",
    retryable: true,
  },
  {
    test: /overloaded|unavailable|^5\d\d$/i,
    code: "provider_unavailable",
    message: "The model's provider is not available right now.",
    retryable: true,
  },
];

/** An error object inside a stream. The provider's own words go to `detail`, never to `message`. */
export function providerError(error: { type?: unknown; code?: unknown; status?: unknown; message?: unknown }): ErrorChunk {
  const signs = [error.type, error.code, error.status].filter((sign) => typeof sign === "string" || typeof sign === "number").map(String);
  const known = PROVIDER_ERRORS.find(({ test }) => signs.some((sign) => test.test(sign)));
  const chunk: ErrorChunk = known
    ? { type: "error", code: known.code, message: known.message, retryable: known.retryable }
    : { type: "error", code: "provider_error", message: "The model's provider reported an error.", retryable: true };
  if (typeof error.message === "string") chunk.detail = error.message;
  return chunk;
}

/** Adds what a provider reported; a later figure replaces an earlier one. */
export function mergeUsage(usage: Usage | undefined, added: { [Key in keyof Usage]: unknown }): Usage | undefined {
  let merged = usage;
  for (const [key, value] of Object.entries(added)) {
    if (typeof value === "number" && Number.isFinite(value)) merged = { ...merged, [key]: value };
  }
  return merged;
}
