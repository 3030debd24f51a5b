/**
 * OpenAI Chat Completions, and the many servers that speak it (Azure, Groq, Mistral, DeepSeek, OpenRouter, vLLM, Ollama's /v1 …).
 * Unnamed events; the finish reason comes in its own chunk, usage in a later one with no choices, then `[DONE]`.
 */
import type { JsonValue } from "../protocol/chunk.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { isLength } from "./finish.ts";
import { list, record, text, type UnknownRecord } from "./payload.ts";
import { Turn } from "./turn.ts";

export const openaiChatDialect: Dialect = {
  name: "openai-chat",
  framing: "sse",
  flushAtEof: true,
  createReader: (context) => new OpenAiChatReader(context),
};

class OpenAiChatReader implements DialectReader {
  readonly #turn: Turn;
  #reason: string | undefined;

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    if (this.#turn.ended) return;
    if (data.trim() === "[DONE]") return this.#turn.done(this.#reason ?? "stop");
    const body = this.#turn.payload(data);
    if (!body) return;
    if (this.#turn.failed(body)) return;
    this.#readUsage(record(body["usage"]) ?? record(record(body["x_groq"])?.["usage"]));
    // Only the first choice is the answer: mixing n choices makes one garbled text.
    const choice = list(body["choices"])
      .map(record)
      .find((candidate) => candidate && (candidate["index"] ?? 0) === 0);
    if (choice) this.#readChoice(choice);
  }

  end(): void {
    if (this.#turn.ended) return;
    if (this.#reason === undefined) this.#turn.endCalls("cut");
    else this.#turn.done(this.#reason);
  }

  #readChoice(choice: UnknownRecord): void {
    const delta = record(choice["delta"]) ?? record(choice["message"]) ?? {};
    this.#turn.reasoning(text(delta["reasoning_content"]) || delta["reasoning"]);
    const content = delta["content"];
    this.#turn.token(content);
    for (const item of list(content)) this.#readContentItem(record(item));
    this.#turn.refusal(delta["refusal"]);
    for (const call of list(delta["tool_calls"])) this.#readCall(record(call));
    const reason = text(choice["finish_reason"]);
    if (!reason) return;
    this.#reason = reason;
    this.#turn.endCalls(isLength(reason) ? "length" : "told");
  }

  /** Mistral's reasoning models send content as a list of typed items. */
  #readContentItem(item: UnknownRecord | undefined): void {
    if (!item) return;
    const thinking = list(item["thinking"]).map((part) => text(record(part)?.["text"]) ?? "");
    if (item["type"] === "thinking") this.#turn.reasoning(thinking.join(""));
    if (item["type"] === "text") this.#turn.token(item["text"]);
  }

  #readCall(call: UnknownRecord | undefined): void {
    if (!call) return;
    const definition = record(call["function"]) ?? {};
    this.#turn.callDelta({
      index: typeof call["index"] === "number" ? call["index"] : undefined,
      id: text(call["id"]),
      name: text(definition["name"]),
      arguments: definition["arguments"] as JsonValue | undefined,
    });
  }

  #readUsage(usage: UnknownRecord | undefined): void {
    if (!usage) return;
    this.#turn.usage({
      inputTokens: usage["prompt_tokens"],
      outputTokens: usage["completion_tokens"],
      totalTokens: usage["total_tokens"],
      reasoningTokens: record(usage["completion_tokens_details"])?.["reasoning_tokens"],
      cachedInputTokens: record(usage["prompt_tokens_details"])?.["cached_tokens"],
    });
  }
}
