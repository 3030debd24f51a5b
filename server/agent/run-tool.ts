/** One call, run once: approval, timeout, limits, and every way it can fail, as a sentence for the person and the model. */
import type { JsonValue, SourceChunk, ToolProgressChunk, ToolResultChunk } from "../../shared/protocol/chunk.ts";
import type { OpenCall } from "./open-call.ts";
import { ToolError, type ToolContext, type ToolOutcome } from "./tool.ts";

/** Longest result of a tool, for the person and for the model, in characters. */
export const MAX_RESULT_CHARS = 65_536;
const MAX_ERROR_CHARS = 4000;

export interface ToolAnswer {
  chunk: ToolResultChunk;
  sources: SourceChunk[];
  /** What the model reads. */
  modelText: string;
}

export interface RunToolOptions {
  signal: AbortSignal;
  /** Settles when the calls before it are over, where it may not run beside them. */
  turn: Promise<unknown> | undefined;
  toolTimeoutMs: number;
  /** For the sentences: the waits themselves carry their limits. */
  clientToolTimeoutMs: number;
  approvalTimeoutMs: number;
  reserveCitations: (count: number) => number;
  onProgress: (chunk: ToolProgressChunk) => void;
  onDetail?: ((detail: string) => void) | undefined;
}

/** Shortest time between two progress events of a call, in ms. */
const PROGRESS_MS = 250;
const MAX_PROGRESS_CHARS = 200;

type Attempt = (ToolOutcome | { error: string }) & { note?: string; started?: number };

/** Never rejects. */
export async function runTool(call: OpenCall, options: RunToolOptions): Promise<ToolAnswer> {
  const { id, name } = call.chunk;
  const before = performance.now();
  const outcome = await attempt(call, options);
  const ms = Math.round(performance.now() - (outcome.started ?? before));
  if ("error" in outcome) {
    return {
      chunk: { type: "tool_result", id, name, error: outcome.error, ms },
      sources: [],
      modelText: withNote(outcome, { error: outcome.error }),
    };
  }
  return {
    chunk: { type: "tool_result", id, name, result: outcome.result, ms },
    sources: outcome.sources ?? [],
    modelText: withNote(outcome, outcome.result, outcome.modelText),
  };
}

function withNote({ note }: Attempt, result: JsonValue, text = JSON.stringify(result)): string {
  return note === undefined ? text : `${note}\n${text}`;
}

async function attempt(call: OpenCall, options: RunToolOptions): Promise<Attempt> {
  if (call.fault !== undefined) return { error: call.fault };
  let input = call.input;
  let note: string | undefined;
  if (call.approval) {
    try {
      const decision = await call.approval;
      if (!decision.approved) return { error: `Declined by the user${decision.reason ? `: ${decision.reason}` : "."}` };
      if (decision.arguments !== undefined) {
        input = decision.arguments;
        note = `The user changed the arguments to ${JSON.stringify(input)}.`;
      }
    } catch {
      return { error: options.signal.aborted ? "Stopped." : `Nobody approved it within ${seconds(options.approvalTimeoutMs)}.` };
    }
  }
  await options.turn;
  // Stop, while it waited for its turn.
  if (options.signal.aborted) return { error: "Stopped." };
  const started = performance.now();
  const outcome = call.tool ? await fromTool(call, input, options) : await fromClient(call, options);
  return { ...bounded(outcome), started, ...(note === undefined ? {} : { note }) };
}

async function fromTool({ tool, chunk }: OpenCall, input: JsonValue, options: RunToolOptions): Promise<ToolOutcome | { error: string }> {
  if (!tool) return { error: "The tool failed." };
  const timeoutMs = tool.timeoutMs ?? options.toolTimeoutMs;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout]);
  let ended = false;
  try {
    let toldAt = Number.NEGATIVE_INFINITY;
    const onProgress: ToolContext["onProgress"] = ({ progress, total, message }) => {
      if (signal.aborted || ended || performance.now() - toldAt < PROGRESS_MS || !Number.isFinite(progress)) return;
      toldAt = performance.now();
      options.onProgress({
        type: "tool_progress",
        id: chunk.id,
        progress,
        ...(total === undefined || !Number.isFinite(total) ? {} : { total }),
        ...(message === undefined ? {} : { message: message.slice(0, MAX_PROGRESS_CHARS) }),
      });
    };
    const context = { callId: chunk.id, signal, reserveCitations: options.reserveCitations, onProgress };
    return await untilAborted(Promise.resolve(tool.run(input, context)), signal);
  } catch (error) {
    if (options.signal.aborted) return { error: "Stopped." };
    if (timeout.aborted) return { error: `No result within ${seconds(timeoutMs)}.` };
    if (error instanceof ToolError) return { error: error.message };
    options.onDetail?.(`tool ${chunk.name}: ${error instanceof Error ? error.message : String(error)}`);
    return { error: "The tool failed." };
  } finally {
    ended = true;
  }
}

async function fromClient(call: OpenCall, options: RunToolOptions): Promise<ToolOutcome | { error: string }> {
  try {
    const answer = await call.clientAnswer;
    return answer?.error === undefined ? { result: answer?.result ?? null } : { error: answer.error };
  } catch {
    return { error: options.signal.aborted ? "Stopped." : `No result within ${seconds(options.clientToolTimeoutMs)}.` };
  }
}

/** A result that is no JSON, or too much of it, is none. */
function bounded(outcome: ToolOutcome | { error: string }): ToolOutcome | { error: string } {
  if ("error" in outcome) return { error: outcome.error.slice(0, MAX_ERROR_CHARS) };
  let text: string | undefined;
  try {
    text = JSON.stringify(outcome.result ?? null);
  } catch {
    return { error: "The tool failed: its result is not JSON." };
  }
  if (text === undefined) return { error: "The tool failed: its result is not JSON." };
  if (text.length > MAX_RESULT_CHARS || (outcome.modelText?.length ?? 0) > MAX_RESULT_CHARS)
    return { error: "The result is larger than 64 KB and was left out." };
  return { ...outcome, result: outcome.result ?? null };
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** A tool that ignores its signal is left behind: Stop does not wait for it. */
function untilAborted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    running.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
