/**
 * OpenAI Chat Completions, and the many servers that speak it (Azure, Groq, Mistral, DeepSeek, OpenRouter, vLLM, Ollama's /v1 …).
 * Unnamed events; the finish reason comes in its own chunk, usage in a later one with no choices, then `[DONE]`.
 */
import type { JsonValue, Usage } from "../protocol/chunk.ts";
import { createToolCallAccumulator } from "../tool-calls/accumulator.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { finishReason, mergeUsage, providerError, toolCallChunk } from "./finish.ts";
import { list, payload, record, text, type UnknownRecord } from "./payload.ts";

export const openaiChatDialect: Dialect = {
  name: "openai-chat",
  flushAtEof: true,
  createReader: (context) => new OpenAiChatReader(context),
};

class OpenAiChatReader implements DialectReader {
  readonly #context: DialectContext;
  readonly #calls;
  #usage: Usage | undefined;
  #reason: string | undefined;
  #callToRun = false;
  #refusal = false;
  #ended = false;

  constructor(context: DialectContext) {
    this.#context = context;
    this.#calls = createToolCallAccumulator({ onLate: context.report });
  }

  read({ data }: { data: string }): void {
    if (this.#ended) return;
    if (data.trim() === "[DONE]") return this.#finish();
    const body = payload(data, this.#context.report);
    if (!body) return;
    if (body["error"] !== undefined && body["error"] !== null) {
      this.#completeCalls("cut");
      this.#ended = true;
      this.#context.emit(providerError(record(body["error"]) ?? { message: body["error"] }));
      return;
    }
    this.#readUsage(record(body["usage"]) ?? record(record(body["x_groq"])?.["usage"]));
    // Only the first choice is the answer: mixing n choices makes one garbled text.
    const choice = list(body["choices"])
      .map(record)
      .find((candidate) => candidate && (candidate["index"] ?? 0) === 0);
    if (choice) this.#readChoice(choice);
  }

  end(): void {
    if (this.#ended) return;
    if (this.#reason !== undefined) return this.#finish();
    this.#completeCalls("cut");
  }

  #readChoice(choice: UnknownRecord): void {
    const { emit } = this.#context;
    const delta = record(choice["delta"]) ?? record(choice["message"]) ?? {};
    const reasoning = text(delta["reasoning_content"]) || text(delta["reasoning"]);
    if (reasoning) emit({ type: "reasoning", content: reasoning });
    const content = delta["content"];
    if (typeof content === "string") {
      if (content !== "") emit({ type: "token", content });
    } else {
      for (const item of list(content)) this.#readContentItem(record(item));
    }
    const refusal = text(delta["refusal"]);
    if (refusal) {
      this.#refusal = true;
      emit({ type: "token", content: refusal, refusal: true });
    }
    for (const call of list(delta["tool_calls"])) this.#readCall(record(call));
    const reason = text(choice["finish_reason"]);
    if (reason) {
      this.#reason = reason;
      this.#completeCalls(finishReason(reason, { callToRun: false, refusal: false }) === "length" ? "length" : "told");
    }
  }

  /** Mistral's reasoning models send content as a list of typed items. */
  #readContentItem(item: UnknownRecord | undefined): void {
    if (!item) return;
    const thinking = list(item["thinking"]).map((part) => text(record(part)?.["text"]) ?? "");
    if (item["type"] === "thinking" && thinking.length > 0) this.#context.emit({ type: "reasoning", content: thinking.join("") });
    const content = item["type"] === "text" ? text(item["text"]) : undefined;
    if (content) this.#context.emit({ type: "token", content });
  }

  #readCall(call: UnknownRecord | undefined): void {
    if (!call) return;
    const definition = record(call["function"]) ?? {};
    const progress = this.#calls.feed({
      index: typeof call["index"] === "number" ? call["index"] : undefined,
      id: text(call["id"]),
      name: text(definition["name"]),
      arguments: definition["arguments"] as JsonValue | undefined,
    });
    if (progress) this.#context.emit({ type: "tool_call_delta", ...progress });
  }

  #readUsage(usage: UnknownRecord | undefined): void {
    if (!usage) return;
    this.#usage = mergeUsage(this.#usage, {
      inputTokens: usage["prompt_tokens"],
      outputTokens: usage["completion_tokens"],
      totalTokens: usage["total_tokens"],
      reasoningTokens: record(usage["completion_tokens_details"])?.["reasoning_tokens"],
      cachedInputTokens: record(usage["prompt_tokens_details"])?.["cached_tokens"],
    });
  }

  /**
   * @param how `told` the provider ended the calls · `length` the token limit did, perhaps inside one: what parses is whole,
   *   the rest is incomplete · `cut` nobody did: all are incomplete, because what parses may have gone on
   */
  #completeCalls(how: "told" | "length" | "cut"): void {
    for (const ended of this.#calls.finish({ cut: how === "cut" })) {
      const isUnfinished = how === "length" && (ended.invalid || ended.argumentsText.trim() === "");
      const call = isUnfinished ? { ...ended, arguments: null, invalid: undefined, incomplete: true as const } : ended;
      if (!call.incomplete && !call.invalid) this.#callToRun = true;
      this.#context.emit(toolCallChunk(call, "server"));
    }
  }

  #finish(): void {
    this.#completeCalls("told");
    this.#ended = true;
    if (this.#usage) this.#context.emit({ type: "usage", ...this.#usage });
    const reason = finishReason(this.#reason ?? "stop", { callToRun: this.#callToRun, refusal: this.#refusal });
    this.#context.emit({ type: "done", reason, ...(this.#usage ? { usage: this.#usage } : {}) });
  }
}
