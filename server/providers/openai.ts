/** Chat Completions, as OpenAI, Azure, Ollama, vLLM, LM Studio, OpenRouter and many others speak it. */
import { openaiChatDialect } from "../../shared/dialects/openai-chat.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestImage, RequestMessage } from "../../shared/protocol/request.ts";
import type { ModelTurn, Provider } from "./provider.ts";
import { checkModel, streamUpstream, type UpstreamLimits } from "./upstream.ts";

export interface OpenAiOptions extends UpstreamLimits {
  /** With its version part, such as `https://api.openai.com/v1` or `http://localhost:11434/v1`. */
  baseUrl: string;
  /** Without a key no `Authorization` header is sent: local servers want none. */
  apiKey?: string | undefined;
}

export class OpenAiProvider implements Provider {
  readonly name = "openai";
  readonly #options: OpenAiOptions;

  constructor(options: OpenAiOptions) {
    this.#options = options;
  }

  stream(turn: ModelTurn): AsyncIterable<StreamChunk> {
    return streamUpstream({
      ...this.#options,
      url: `${this.#base()}/chat/completions`,
      headers: this.#headers(),
      body: requestBody(turn, new URL(this.#options.baseUrl).hostname === "api.openai.com"),
      dialect: openaiChatDialect,
      signal: turn.signal,
      secrets: this.#options.apiKey ? [this.#options.apiKey] : [],
      onDetail: turn.onDetail,
      onToken: turn.onToken,
    });
  }

  check(model: string, signal: AbortSignal): Promise<string | undefined> {
    const url = `${this.#base()}/models/${encodeURIComponent(model)}`;
    return checkModel({
      url,
      listUrl: `${this.#base()}/models`,
      headers: this.#headers(),
      setting: "OPENAI_API_KEY",
      model: `openai/${model}`,
      signal,
    });
  }

  #base(): string {
    return this.#options.baseUrl.replace(/\/+$/, "");
  }

  #headers(): Record<string, string> {
    return this.#options.apiKey ? { authorization: `Bearer ${this.#options.apiKey}` } : {};
  }
}

/** @param isOpenAi Its newer models refuse `max_tokens`; servers that speak its format know nothing else. */
function requestBody(turn: ModelTurn, isOpenAi: boolean): Record<string, unknown> {
  const messages = turn.messages.map(toOpenAiMessage);
  if (turn.instructions) messages.unshift({ role: "system", content: turn.instructions });
  return {
    model: turn.model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...(turn.maxOutputTokens === undefined ? {} : { [isOpenAi ? "max_completion_tokens" : "max_tokens"]: turn.maxOutputTokens }),
    ...(turn.reasoning ? { reasoning_effort: turn.reasoning } : {}),
    ...(turn.tools.length > 0
      ? {
          tools: turn.tools.map((tool) => ({ type: "function", function: tool })),
          ...(turn.toolChoice ? { tool_choice: turn.toolChoice } : {}),
        }
      : {}),
  };
}

function toOpenAiMessage(message: RequestMessage): Record<string, unknown> {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.toolCallId ?? "", content: message.content };
  if (message.role === "assistant" && message.toolCalls && message.toolCalls.length > 0) {
    return {
      role: "assistant",
      // Some servers refuse an empty string beside tool calls; `null` is what the format has for it.
      content: message.content || null,
      tool_calls: message.toolCalls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: JSON.stringify(call.arguments ?? {}) },
      })),
    };
  }
  const { images = [] } = message;
  if (images.length === 0) return { role: message.role, content: message.content };
  return { role: message.role, content: [...images.map(toImagePart), { type: "text", text: message.content }] };
}

function toImagePart(image: RequestImage): Record<string, unknown> {
  return { type: "image_url", image_url: { url: "url" in image ? image.url : `data:${image.mediaType};base64,${image.data}` } };
}
