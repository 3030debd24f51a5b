/** The next state of an answer from one chunk. Pure: parts that did not change stay the same objects. */
import type { ApprovalChunk, CancelledChunk, ErrorChunk, StreamChunk, ToolCallChunk, ToolResultChunk } from "../protocol/chunk.ts";
import type { ChatMessage, MessageError, MessagePart, TextPart, ToolCallPart, ToolState } from "./message.ts";

/** An interrupted answer as it was before the cut: what goes on now gives the message that an uncut stream gives. */
export function resumeMessage(message: ChatMessage): ChatMessage {
  if (message.status !== "interrupted") return message;
  const parts = message.parts.map((part): MessagePart => {
    if (part.type === "reasoning" && part.interrupted) {
      const { interrupted: _, ms: __, ...open } = part;
      return open;
    }
    if (part.type !== "tool_call" || part.stateBefore === undefined) return part;
    const { stateBefore, ...call } = part;
    return { ...call, state: stateBefore };
  });
  return { ...message, status: "streaming", parts, error: undefined };
}

/** @param now ms since the epoch, for the times a part shows. */
export function reduceMessage(message: ChatMessage, chunk: StreamChunk, now: number): ChatMessage {
  switch (chunk.type) {
    case "start":
      return { ...message, streamId: chunk.streamId, model: chunk.model };
    case "token":
      return streaming(message, appendText(message.parts, chunk.content, chunk.refusal, now));
    case "reasoning":
      return streaming(message, appendReasoning(message.parts, chunk.content, now));
    case "tool_call_delta": {
      const parts = endReasoning(message.parts, now);
      const at = findCall(parts, chunk.id, chunk.index);
      if (at === -1) {
        const call: ToolCallPart = {
          type: "tool_call",
          index: chunk.index,
          id: chunk.id ?? "",
          name: chunk.name ?? "",
          argumentsText: chunk.arguments,
          state: "input-streaming",
        };
        return streaming(message, [...parts, call]);
      }
      const call = parts[at] as ToolCallPart;
      return streaming(
        message,
        replaceAt(parts, at, {
          ...call,
          id: call.id || (chunk.id ?? ""),
          name: chunk.name || call.name,
          argumentsText: call.argumentsText + chunk.arguments,
        }),
      );
    }
    case "tool_call":
      return streaming(message, completeCall(endReasoning(message.parts, now), chunk, now));
    case "approval":
      return streaming(message, applyApproval(message.parts, chunk, now));
    case "tool_progress": {
      const at = findCall(message.parts, chunk.id, -1);
      if (at === -1) return message;
      const { type: _, id: __, ...progress } = chunk;
      return streaming(message, replaceAt(message.parts, at, { ...(message.parts[at] as ToolCallPart), progress }));
    }
    case "tool_result":
      return streaming(message, applyResult(message.parts, chunk));
    case "source":
      if (message.parts.some((part) => part.type === "source" && part.id === chunk.id)) return message;
      return streaming(message, [...endReasoning(message.parts, now), { ...chunk }]);
    case "usage": {
      const { type: _, ...usage } = chunk;
      return { ...message, usage: { ...message.usage, ...usage } };
    }
    case "snapshot": {
      let rebuilt: ChatMessage = { ...message, parts: [] };
      for (const part of chunk.message.chunks) rebuilt = reduceMessage(rebuilt, part, now);
      return rebuilt;
    }
    case "done":
      return {
        ...message,
        status: "complete",
        parts: endParts(message.parts, now, "unknown"),
        finishReason: chunk.reason,
        ...(chunk.metrics && { metrics: chunk.metrics }),
        ...(chunk.usage && { usage: chunk.usage }),
      };
    case "error":
      return endWithError(message, chunk, now);
    case "cancelled":
      return cancel(message, chunk, now);
    default:
      return message;
  }
}

function streaming(message: ChatMessage, parts: readonly MessagePart[]): ChatMessage {
  return { ...message, status: "streaming", parts };
}

function appendText(parts: readonly MessagePart[], text: string, refusal: true | undefined, now: number): readonly MessagePart[] {
  const last = parts.at(-1);
  if (last?.type === "text" && last.refusal === refusal) return replaceAt(parts, parts.length - 1, { ...last, text: last.text + text });
  const part: TextPart = refusal ? { type: "text", text, refusal } : { type: "text", text };
  return [...endReasoning(parts, now), part];
}

function appendReasoning(parts: readonly MessagePart[], text: string, now: number): readonly MessagePart[] {
  const last = parts.at(-1);
  if (last?.type === "reasoning" && last.ms === undefined) return replaceAt(parts, parts.length - 1, { ...last, text: last.text + text });
  return [...parts, { type: "reasoning", text, startedAt: now }];
}

/** Thinking ends when anything else begins. */
function endReasoning(parts: readonly MessagePart[], now: number): readonly MessagePart[] {
  const last = parts.at(-1);
  if (last?.type !== "reasoning" || last.ms !== undefined) return parts;
  return replaceAt(parts, parts.length - 1, { ...last, ms: Math.max(0, now - (last.startedAt ?? now)) });
}

/** A fragment belongs to its id, or to the call at its index that is still being written: each turn counts from 0 again. */
function findCall(parts: readonly MessagePart[], id: string | undefined, index: number): number {
  for (let at = parts.length - 1; at >= 0; at--) {
    const part = parts[at]!;
    if (part.type !== "tool_call") continue;
    if (id !== undefined && part.id === id) return at;
    if (part.state === "input-streaming" && part.index === index && (part.id === "" || id === undefined)) return at;
  }
  return -1;
}

function completeCall(parts: readonly MessagePart[], chunk: ToolCallChunk, now: number): readonly MessagePart[] {
  const at = findCall(parts, chunk.id, chunk.index);
  const before = at === -1 ? undefined : (parts[at] as ToolCallPart);
  const call: ToolCallPart = {
    ...(before ?? { type: "tool_call", index: chunk.index }),
    id: chunk.id,
    name: chunk.name,
    argumentsText: chunk.argumentsText ?? (before?.argumentsText || JSON.stringify(chunk.arguments)),
    arguments: chunk.arguments,
    runsOn: chunk.runsOn,
    startedAt: now,
    state: chunk.needsApproval ? "needs-approval" : "running",
  };
  if (chunk.incomplete || chunk.invalid) {
    call.state = "failed";
    call.error = chunk.incomplete ? "The call was cut off, so it did not run." : "The call's input was not valid, so it did not run.";
  }
  return at === -1 ? [...parts, call] : replaceAt(parts, at, call);
}

function applyApproval(parts: readonly MessagePart[], chunk: ApprovalChunk, now: number): readonly MessagePart[] {
  const at = findCall(parts, chunk.id, -1);
  if (at === -1) return parts;
  const call = { ...(parts[at] as ToolCallPart), startedAt: now, state: chunk.approved ? ("running" as const) : ("denied" as const) };
  if (chunk.arguments !== undefined) {
    call.arguments = chunk.arguments;
    call.argumentsText = JSON.stringify(chunk.arguments);
  }
  return replaceAt(parts, at, call);
}

function applyResult(parts: readonly MessagePart[], chunk: ToolResultChunk): readonly MessagePart[] {
  const at = findCall(parts, chunk.id, -1);
  const result: Partial<ToolCallPart> = { ms: chunk.ms, state: chunk.error === undefined ? "complete" : "failed" };
  if (chunk.result !== undefined) result.result = chunk.result;
  if (chunk.error !== undefined) result.error = chunk.error;
  if (at === -1)
    return [...parts, { type: "tool_call", index: 0, id: chunk.id, name: chunk.name, argumentsText: "", state: "complete", ...result }];
  const call = parts[at] as ToolCallPart;
  // The result of a declined call says in words that it did not run.
  if (call.state === "denied") delete result.state;
  return replaceAt(parts, at, { ...call, ...result });
}

/** Nothing more comes: thinking is over, and calls without a result end in `state`. */
function endParts(parts: readonly MessagePart[], now: number, state: ToolState): readonly MessagePart[] {
  return endReasoning(parts, now).map((part) => (isOpenCall(part) ? { ...part, state } : part));
}

function isOpenCall(part: MessagePart): part is ToolCallPart {
  return part.type === "tool_call" && ["input-streaming", "running", "needs-approval"].includes(part.state);
}

/** A cut stream does not say how what was open ended. What it was is kept, because the stream may be picked up. */
function interruptParts(parts: readonly MessagePart[], now: number): readonly MessagePart[] {
  const ended = endReasoning(parts, now);
  return ended.map((part, at) => {
    if (part.type === "reasoning" && part !== parts[at]) return { ...part, interrupted: true };
    return isOpenCall(part) ? { ...part, state: "unknown", stateBefore: part.state } : part;
  });
}

function endWithError(message: ChatMessage, chunk: ErrorChunk, now: number): ChatMessage {
  const interrupted = chunk.code === "truncated";
  const error: MessageError = { code: chunk.code, message: chunk.message, retryable: chunk.retryable ?? false };
  if (chunk.retryAfterMs !== undefined) error.retryAfterMs = chunk.retryAfterMs;
  return {
    ...message,
    status: interrupted ? "interrupted" : "error",
    parts: interrupted ? interruptParts(message.parts, now) : endParts(message.parts, now, "cancelled"),
    error,
    ...(chunk.metrics && { metrics: chunk.metrics }),
  };
}

const CANCEL_MESSAGES: Record<Exclude<CancelledChunk["reason"], "user">, string> = {
  timeout: "The answer took too long and was ended. What came is kept.",
  shutdown: "The server was restarted during the answer. What came is kept.",
  disconnect: "Nobody was connected, so the answer was ended. What came is kept.",
};

function cancel(message: ChatMessage, chunk: CancelledChunk, now: number): ChatMessage {
  const parts = endParts(message.parts, now, "cancelled");
  const metrics = chunk.metrics && { metrics: chunk.metrics };
  if (chunk.reason === "user") return { ...message, status: "stopped", parts, ...metrics };
  const text = CANCEL_MESSAGES[chunk.reason] ?? "The answer was ended. What came is kept.";
  return { ...message, status: "interrupted", parts, error: { code: "truncated", message: text, retryable: true }, ...metrics };
}

function replaceAt(parts: readonly MessagePart[], at: number, part: MessagePart): readonly MessagePart[] {
  const next = parts.slice();
  next[at] = part;
  return next;
}
