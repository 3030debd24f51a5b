/** One call, run once: limits, timeout, and every way it can fail, as a sentence for the person and the model. */
import type { SourceChunk, ToolCallChunk, ToolResultChunk } from "../../shared/protocol/chunk.ts";
import type { ClientToolResults } from "./client-tools.ts";
import { ToolError, type Tool, type ToolOutcome } from "./tool.ts";

/** Longest arguments and longest result, in characters of JSON. */
export const MAX_ARGUMENTS_CHARS = 65_536;
export const MAX_RESULT_CHARS = 65_536;

export interface ToolAnswer {
  chunk: ToolResultChunk;
  sources: SourceChunk[];
  /** What the model reads. */
  modelText: string;
}

export interface RunToolOptions {
  /** Missing for a tool that runs in the client, and for a name the model made up. */
  tool: Tool | undefined;
  clientResults: ClientToolResults;
  signal: AbortSignal;
  toolTimeoutMs: number;
  clientToolTimeoutMs: number;
  reserveCitations: (count: number) => number;
  onDetail?: (detail: string) => void;
}

/** Never rejects. */
export async function runTool(call: ToolCallChunk, options: RunToolOptions): Promise<ToolAnswer> {
  const started = performance.now();
  const outcome = await attempt(call, options);
  const ms = Math.round(performance.now() - started);
  if ("error" in outcome) {
    return {
      chunk: { type: "tool_result", id: call.id, name: call.name, error: outcome.error, ms },
      sources: [],
      modelText: JSON.stringify({ error: outcome.error }),
    };
  }
  return {
    chunk: { type: "tool_result", id: call.id, name: call.name, result: outcome.result, ms },
    sources: outcome.sources ?? [],
    modelText: outcome.modelText ?? JSON.stringify(outcome.result),
  };
}

async function attempt(call: ToolCallChunk, options: RunToolOptions): Promise<ToolOutcome | { error: string }> {
  if (call.incomplete) return { error: "The arguments were cut off, so the call was not run." };
  if (call.invalid) return { error: "The arguments were not valid JSON, so the call was not run." };
  if (JSON.stringify(call.arguments).length > MAX_ARGUMENTS_CHARS)
    return { error: "The arguments are larger than 64 KB, so the call was not run." };
  const { tool } = options;
  if (call.runsOn === "server" && !tool) return { error: `There is no tool named ${call.name}.` };

  const timeoutMs = tool ? (tool.timeoutMs ?? options.toolTimeoutMs) : options.clientToolTimeoutMs;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout]);
  try {
    const running: Promise<ToolOutcome | { error: string }> = tool
      ? Promise.resolve(tool.run(call.arguments, { callId: call.id, signal, reserveCitations: options.reserveCitations }))
      : fromClient(call, signal, options.clientResults);
    const outcome = await untilAborted(running, signal);
    const result = "error" in outcome ? outcome.error : outcome.result;
    if ((JSON.stringify(result ?? null) ?? "null").length > MAX_RESULT_CHARS)
      return { error: "The result is larger than 64 KB and was left out." };
    return outcome;
  } catch (error) {
    if (options.signal.aborted) return { error: "Stopped." };
    if (timeout.aborted) return { error: `No result within ${Math.ceil(timeoutMs / 1000)} s.` };
    if (error instanceof ToolError) return { error: error.message };
    options.onDetail?.(`tool ${call.name}: ${error instanceof Error ? error.message : String(error)}`);
    return { error: "The tool failed." };
  }
}

async function fromClient(call: ToolCallChunk, signal: AbortSignal, results: ClientToolResults): Promise<ToolOutcome | { error: string }> {
  const { result, error } = await results.expect(call.id, signal);
  return error === undefined ? { result: result ?? null } : { error };
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
