/** The Messages API. */
import { anthropicDialect } from "../../shared/dialects/anthropic.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestMessage } from "../../shared/protocol/request.ts";
import { parsePicture, splitPicture } from "./pictures.ts";
import type { ModelTurn, Provider } from "./provider.ts";
import { streamUpstream } from "./upstream.ts";

export interface AnthropicOptions {
  /** Without its version part, such as `https://api.anthropic.com`. */
  baseUrl: string;
  apiKey?: string | undefined;
  /** The API demands a limit of output tokens. @defaultValue `4096` */
  maxTokens?: number | undefined;
  /** Longest silence of the provider, in ms. @defaultValue `90_000` */
  idleMs?: number | undefined;
}

type ContentBlock = Record<string, unknown>;

interface AnthropicMessage {
  role: "user" | "assistant";
  content: ContentBlock[];
}

export class AnthropicProvider implements Provider {
  readonly name = "anthropic";
  readonly #options: AnthropicOptions;

  constructor(options: AnthropicOptions) {
    this.#options = options;
  }

  stream(turn: ModelTurn): AsyncIterable<StreamChunk> {
    const { baseUrl, apiKey, maxTokens, idleMs } = this.#options;
    return streamUpstream({
      url: `${baseUrl.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1/messages`,
      headers: { "anthropic-version": "2023-06-01", ...(apiKey ? { "x-api-key": apiKey } : {}) },
      body: requestBody(turn, maxTokens ?? 4096),
      dialect: anthropicDialect,
      signal: turn.signal,
      idleMs: idleMs ?? 90_000,
      secrets: apiKey ? [apiKey] : [],
      onDetail: turn.onDetail,
    });
  }
}

function requestBody(turn: ModelTurn, maxTokens: number): Record<string, unknown> {
  const system = [turn.instructions, ...turn.messages.filter((message) => message.role === "system").map((message) => message.content)]
    .filter(Boolean)
    .join("\n\n");
  return {
    model: turn.model,
    max_tokens: maxTokens,
    stream: true,
    ...(system ? { system } : {}),
    messages: toAnthropicMessages(turn.messages),
    ...(turn.tools.length > 0
      ? {
          tools: turn.tools.map((tool) => ({ name: tool.name, description: tool.description, input_schema: tool.parameters })),
          ...(turn.toolChoice ? { tool_choice: { type: turn.toolChoice } } : {}),
        }
      : {}),
  };
}

/**
 * Roles have to alternate and tool results are blocks of a user message, so neighbours of one role become one message.
 * Empty text blocks are refused by the API and are left out.
 */
function toAnthropicMessages(messages: readonly RequestMessage[]): AnthropicMessage[] {
  const result: AnthropicMessage[] = [];
  for (const message of messages) {
    if (message.role === "system") continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const blocks = toBlocks(message);
    if (blocks.length === 0) continue;
    const last = result.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else result.push({ role, content: blocks });
  }
  return result;
}

function toBlocks(message: RequestMessage): ContentBlock[] {
  if (message.role === "tool") {
    const { text, image } = splitPicture(message);
    const content = image === null ? text : [...imageBlocks([image]), { type: "text", text }];
    return [{ type: "tool_result", tool_use_id: message.toolCallId ?? "", content }];
  }
  const blocks: ContentBlock[] = imageBlocks(message.images ?? []);
  if (message.content.trim()) blocks.push({ type: "text", text: message.content });
  for (const call of message.toolCalls ?? []) {
    blocks.push({ type: "tool_use", id: call.id, name: call.name, input: isObject(call.arguments) ? call.arguments : {} });
  }
  return blocks;
}

function imageBlocks(urls: readonly string[]): ContentBlock[] {
  return urls.flatMap((url) => {
    const picture = parsePicture(url);
    return picture ? [{ type: "image", source: { type: "base64", media_type: picture.mediaType, data: picture.data } }] : [];
  });
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
