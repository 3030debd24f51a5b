/** Chat Completions, as OpenAI, Azure, Ollama, vLLM, LM Studio, OpenRouter and many others speak it. */
import { openaiChatDialect } from "../../shared/dialects/openai-chat.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestMessage } from "../../shared/protocol/request.ts";
import { splitPicture } from "./pictures.ts";
import type { ModelTurn, Provider } from "./provider.ts";
import { streamUpstream } from "./upstream.ts";

export interface OpenAiOptions {
  /** With its version part, such as `https://api.openai.com/v1` or `http://localhost:11434/v1`. */
  baseUrl: string;
  /** Without a key no `Authorization` header is sent: local servers want none. */
  apiKey?: string | undefined;
  /** Longest silence of the provider, in ms. @defaultValue `90_000` */
  idleMs?: number | undefined;
}

export class OpenAiProvider implements Provider {
  readonly name = "openai";
  readonly #options: OpenAiOptions;

  constructor(options: OpenAiOptions) {
    this.#options = options;
  }

  stream(turn: ModelTurn): AsyncIterable<StreamChunk> {
    const { baseUrl, apiKey, idleMs } = this.#options;
    return streamUpstream({
      url: `${baseUrl.replace(/\/+$/, "")}/chat/completions`,
      headers: apiKey ? { authorization: `Bearer ${apiKey}` } : {},
      body: requestBody(turn),
      dialect: openaiChatDialect,
      signal: turn.signal,
      idleMs: idleMs ?? 90_000,
      secrets: apiKey ? [apiKey] : [],
      onDetail: turn.onDetail,
    });
  }
}

function requestBody(turn: ModelTurn): Record<string, unknown> {
  const messages = toOpenAiMessages(turn.messages);
  if (turn.instructions) messages.unshift({ role: "system", content: turn.instructions });
  return {
    model: turn.model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...(turn.tools.length > 0
      ? {
          tools: turn.tools.map((tool) => ({ type: "function", function: tool })),
          ...(turn.toolChoice ? { tool_choice: turn.toolChoice } : {}),
        }
      : {}),
  };
}

/** A `tool` message holds text only: its picture follows in a message of its own, after the last result of the turn. */
function toOpenAiMessages(messages: readonly RequestMessage[]): Record<string, unknown>[] {
  let pictures: string[] = [];
  return messages.flatMap((message, at) => {
    const { image } = splitPicture(message);
    if (image !== null) pictures.push(image);
    if (pictures.length === 0 || messages[at + 1]?.role === "tool") return [toOpenAiMessage(message)];
    const content = [...pictures.map(imageContent), { type: "text", text: "The picture the tool returned." }];
    pictures = [];
    return [toOpenAiMessage(message), { role: "user", content }];
  });
}

const imageContent = (url: string): Record<string, unknown> => ({ type: "image_url", image_url: { url } });

function toOpenAiMessage(message: RequestMessage): Record<string, unknown> {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.toolCallId ?? "", content: splitPicture(message).text };
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
  if (!message.images?.length) return { role: message.role, content: message.content };
  return { role: message.role, content: [...message.images.map(imageContent), { type: "text", text: message.content }] };
}
