/**
 * Chrome's built-in model behind the transport contract: the same session, without a server and without a network. The answer
 * lives in the panel, so it ends with it; nothing can be resumed, and no tools are offered.
 */
import { ChatError } from "../shared/errors.ts";
import type { ChatTransport, TransportChunk } from "../shared/transport/transport.ts";

interface BuiltInSession {
  promptStreaming(input: { role: string; content: string }[], options: { signal?: AbortSignal }): ReadableStream<string>;
  destroy(): void;
}

interface BuiltInModel {
  availability(options: object): Promise<"unavailable" | "downloadable" | "downloading" | "available">;
  create(options: object): Promise<BuiltInSession>;
}

/** Chrome warns, and answers worse, when no language is named. */
const LANGUAGES = { expectedInputs: [{ type: "text", languages: ["en"] }], expectedOutputs: [{ type: "text", languages: ["en"] }] };

const builtIn = (): BuiltInModel | undefined => (globalThis as { LanguageModel?: BuiltInModel }).LanguageModel;

/** Whether this browser has a model that is ready, or would be after a download. */
export async function builtInAvailability(): Promise<"unavailable" | "downloadable" | "available"> {
  try {
    const state = await builtIn()?.availability(LANGUAGES);
    return state === "available" ? "available" : state === "downloadable" || state === "downloading" ? "downloadable" : "unavailable";
  } catch {
    return "unavailable";
  }
}

export function createBuiltInTransport(): ChatTransport {
  const running = new Map<string, AbortController>();
  const refuse = (): Promise<never> => Promise.reject(new ChatError("not_found", "The built-in model has no tools."));

  async function* send(request: Parameters<ChatTransport["send"]>[0], signal?: AbortSignal): AsyncGenerator<TransportChunk> {
    const streamId = crypto.randomUUID();
    const stop = new AbortController();
    running.set(streamId, stop);
    const started = performance.now();
    let ttft: number | null = null;
    let tokenCount = 0;
    yield { type: "start", streamId, messageId: crypto.randomUUID(), agentId: request.agentId, model: "built-in", v: 1 };
    let session: BuiltInSession | null = null;
    try {
      const model = builtIn();
      if (!model || (await builtInAvailability()) === "unavailable")
        throw new ChatError("provider_unavailable", "This browser has no built-in model.", { retryable: false });
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      session = await model.create({ ...LANGUAGES, signal: both });
      const input = request.messages.map(({ role, content }) => ({ role: role === "tool" ? "user" : role, content }));
      const reader = session.promptStreaming(input, { signal: both }).getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        ttft ??= performance.now() - started;
        tokenCount++;
        yield { type: "token", content: next.value };
      }
      const totalMs = performance.now() - started;
      const rate = (tokens: number, ms: number): number => (ms > 0 ? (tokens / ms) * 1000 : 0);
      yield {
        type: "done",
        reason: "stop",
        metrics: {
          ttft: Math.round(ttft ?? totalMs),
          totalMs: Math.round(totalMs),
          tokenCount,
          tokensPerSecond: rate(tokenCount, totalMs),
          decodeTokensPerSecond: rate(Math.max(0, tokenCount - 1), totalMs - (ttft ?? 0)),
          estimated: true,
        },
      };
    } catch (error) {
      if (stop.signal.aborted || signal?.aborted) yield { type: "cancelled", reason: "user" };
      else if (error instanceof ChatError) yield { type: "error", code: error.code, message: error.message, retryable: error.retryable };
      else yield { type: "error", code: "provider_error", message: "The built-in model could not answer.", retryable: true };
    } finally {
      running.delete(streamId);
      session?.destroy();
    }
  }

  return {
    name: "sse",
    send: (request, options) => send(request, options?.signal),
    // The answer ended with the panel it was written in.
    async *resume() {
      yield {
        type: "error",
        code: "truncated",
        message: "The answer ended when the panel was closed. What came is kept.",
        retryable: true,
      };
    },
    cancel(streamId) {
      running.get(streamId)?.abort();
      return Promise.resolve();
    },
    sendToolResult: refuse,
    sendApproval: refuse,
    close() {
      for (const stop of running.values()) stop.abort();
    },
  };
}
