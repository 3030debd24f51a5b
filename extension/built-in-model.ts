/**
 * Chrome's built-in model behind the transport contract: the same session, without a server and without a network. The answer
 * lives in the panel, so it ends with it; nothing can be resumed, and no tools are offered.
 */
import { ChatError } from "../shared/errors.ts";
import type { RequestMessage } from "../shared/protocol/request.ts";
import type { ChatTransport, TransportChunk } from "../shared/transport/transport.ts";
import { t } from "./i18n.ts";

interface Prompt {
  role: string;
  content: string;
}

interface BuiltInSession {
  promptStreaming(input: readonly Prompt[], options: { signal?: AbortSignal }): ReadableStream<string>;
  destroy(): void;
}

interface BuiltInOptions {
  expectedInputs: readonly object[];
  expectedOutputs: readonly object[];
}

interface BuiltInModel {
  availability(options: BuiltInOptions): Promise<"unavailable" | "downloadable" | "downloading" | "available">;
  create(options: BuiltInOptions & { signal: AbortSignal; monitor(model: EventTarget): void }): Promise<BuiltInSession>;
}

export type BuiltInAvailability = "unavailable" | "downloadable" | "available";

export interface BuiltInTransportOptions {
  /** How much of the model has come, from 0 to 1, while Chrome fetches it for the first answer. */
  onDownload?: (share: number) => void;
}

const builtIn = (): BuiltInModel | undefined => (globalThis as { LanguageModel?: BuiltInModel }).LanguageModel;

/** Chrome warns, and answers worse, when no language is named; it refuses those its model does not speak. */
const inLanguage = (language: string): BuiltInOptions => ({
  expectedInputs: [{ type: "text", languages: [...new Set(["en", language])] }],
  expectedOutputs: [{ type: "text", languages: [language] }],
});

/** The person's language, where the model speaks it, or English. */
async function choose(): Promise<{ state: BuiltInAvailability; options: BuiltInOptions }> {
  const own = chrome.i18n.getUILanguage().split("-")[0]!;
  for (const language of new Set([own, "en"])) {
    const options = inLanguage(language);
    const state = await builtIn()
      ?.availability(options)
      .catch(() => undefined);
    if (state === "available") return { state, options };
    if (state === "downloadable" || state === "downloading") return { state: "downloadable", options };
  }
  return { state: "unavailable", options: inLanguage("en") };
}

/** Whether this browser has a model that is ready, or would be after a download. */
export async function builtInAvailability(): Promise<BuiltInAvailability> {
  return (await choose()).state;
}

export function createBuiltInTransport({ onDownload }: BuiltInTransportOptions = {}): ChatTransport {
  const running = new Map<string, AbortController>();
  const refuse = (): Promise<never> => Promise.reject(new ChatError("not_found", "The built-in model has no tools."));

  async function open(signal: AbortSignal): Promise<BuiltInSession> {
    const model = builtIn();
    const { state, options } = await choose();
    if (!model || state === "unavailable") throw new ChatError("provider_unavailable", t("builtInMissing"));
    return model.create({
      ...options,
      signal,
      monitor: (watched) => watched.addEventListener("downloadprogress", (event) => onDownload?.((event as ProgressEvent).loaded)),
    });
  }

  async function* send(request: Parameters<ChatTransport["send"]>[0], signal?: AbortSignal): AsyncGenerator<TransportChunk> {
    const streamId = crypto.randomUUID();
    const stop = new AbortController();
    running.set(streamId, stop);
    const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const started = performance.now();
    let ttft: number | null = null;
    let tokenCount = 0;
    yield { type: "start", streamId, messageId: crypto.randomUUID(), agentId: request.agentId, model: "built-in", v: 1 };
    let session: BuiltInSession | null = null;
    try {
      session = await open(both);
      for await (const content of answer(session, request.messages, both)) {
        ttft ??= performance.now() - started;
        tokenCount++;
        yield { type: "token", content };
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
      if (both.aborted) yield { type: "cancelled", reason: "user" };
      else if (error instanceof ChatError) yield { type: "error", code: error.code, message: error.message, retryable: error.retryable };
      else if (isTooLong(error)) yield { type: "error", code: "payload_too_large", message: t("builtInTooLong"), retryable: false };
      else yield { type: "error", code: "provider_error", message: t("builtInFailed"), retryable: true };
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
      yield { type: "error", code: "truncated", message: t("builtInEnded"), retryable: true };
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

/** Its room is small: the older half of what was said is left out until the rest fits, but never the last question. */
async function* answer(session: BuiltInSession, messages: readonly RequestMessage[], signal: AbortSignal): AsyncGenerator<string> {
  let left = messages.map(({ role, content }): Prompt => ({ role: role === "tool" ? "user" : role, content }));
  for (;;) {
    let hasBegun = false;
    try {
      const reader = session.promptStreaming(left, { signal }).getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        hasBegun = true;
        yield next.value;
      }
      return;
    } catch (error) {
      if (hasBegun || !isTooLong(error) || left.length < 2) throw error;
      left = left.slice(Math.ceil(left.length / 2));
    }
  }
}

const isTooLong = (error: unknown): boolean => error instanceof Error && error.name === "QuotaExceededError";
