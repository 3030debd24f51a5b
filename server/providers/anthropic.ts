/** The Messages API. */
import { anthropicDialect } from "../../shared/dialects/anthropic.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { UnknownRecord } from "../../shared/dialects/payload.ts";
import type { RequestImage } from "../../shared/protocol/request.ts";
import { AnthropicRecorder } from "./anthropic-native.ts";
import type { ModelTurn, Provider, ReasoningEffort, TurnMessage } from "./provider.ts";
import { tap } from "./tap.ts";
import { checkModel, streamUpstream, type UpstreamLimits } from "./upstream.ts";

export interface AnthropicOptions extends UpstreamLimits {
  /** Without its version part, such as `https://api.anthropic.com`. */
  baseUrl: string;
  apiKey?: string | undefined;
  /** The API demands a limit of output tokens. @defaultValue `4096` */
  maxTokens?: number | undefined;
}

/** Tokens of thinking. They count into the output, so the limit grows by them. */
const THINKING: Record<ReasoningEffort, number> = { low: 2048, medium: 8192, high: 24_576 };

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
    const { apiKey, maxTokens } = this.#options;
    const recorder = new AnthropicRecorder();
    const keep = (payload: UnknownRecord): void => {
      const content = recorder.read(payload);
      if (content) turn.onNative?.({ provider: this.name, content });
    };
    return streamUpstream({
      ...this.#options,
      url: `${this.#base()}/v1/messages`,
      headers: this.#headers(),
      body: requestBody(turn, maxTokens ?? 4096),
      dialect: turn.tools.length > 0 ? tap(anthropicDialect, keep) : anthropicDialect,
      signal: turn.signal,
      secrets: apiKey ? [apiKey] : [],
      onDetail: turn.onDetail,
      onToken: turn.onToken,
    });
  }

  check(model: string, signal: AbortSignal): Promise<string | undefined> {
    const url = `${this.#base()}/v1/models/${encodeURIComponent(model)}`;
    return checkModel({ url, headers: this.#headers(), setting: "ANTHROPIC_API_KEY", model: `anthropic/${model}`, signal });
  }

  #base(): string {
    return this.#options.baseUrl.replace(/\/+$/, "").replace(/\/v1$/, "");
  }

  #headers(): Record<string, string> {
    return { "anthropic-version": "2023-06-01", ...(this.#options.apiKey ? { "x-api-key": this.#options.apiKey } : {}) };
  }
}

function requestBody(turn: ModelTurn, maxTokens: number): Record<string, unknown> {
  const system = [turn.instructions, ...turn.messages.filter((message) => message.role === "system").map((message) => message.content)]
    .filter(Boolean)
    .join("\n\n");
  return {
    model: turn.model,
    max_tokens: (turn.maxOutputTokens ?? maxTokens) + (turn.reasoning ? THINKING[turn.reasoning] : 0),
    stream: true,
    ...(turn.reasoning ? { thinking: { type: "enabled", budget_tokens: THINKING[turn.reasoning] } } : {}),
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
function toAnthropicMessages(messages: readonly TurnMessage[]): AnthropicMessage[] {
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

function toBlocks(message: TurnMessage): ContentBlock[] {
  if (message.native?.provider === "anthropic") return message.native.content as ContentBlock[];
  if (message.role === "tool") return [{ type: "tool_result", tool_use_id: message.toolCallId ?? "", content: message.content }];
  const blocks: ContentBlock[] = (message.images ?? []).map(toImageBlock);
  if (message.content.trim()) blocks.push({ type: "text", text: message.content });
  for (const call of message.toolCalls ?? []) {
    blocks.push({ type: "tool_use", id: call.id, name: call.name, input: isObject(call.arguments) ? call.arguments : {} });
  }
  return blocks;
}

function toImageBlock(image: RequestImage): ContentBlock {
  if ("url" in image) return { type: "image", source: { type: "url", url: image.url } };
  return { type: "image", source: { type: "base64", media_type: image.mediaType, data: image.data } };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
