/** OpenAI's Responses API. Nothing is stored there: what a turn needs of an earlier one goes along. */
import { openaiResponsesDialect } from "../../shared/dialects/openai-responses.ts";
import { record, type UnknownRecord } from "../../shared/dialects/payload.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestImage } from "../../shared/protocol/request.ts";
import type { OpenAiOptions } from "./openai.ts";
import type { ModelTurn, Provider, TurnMessage } from "./provider.ts";
import { tap } from "./tap.ts";
import { checkModel, streamUpstream } from "./upstream.ts";

type Item = Record<string, unknown>;

export class OpenAiResponsesProvider implements Provider {
  readonly name = "openai-responses";
  readonly #options: OpenAiOptions;

  constructor(options: OpenAiOptions) {
    this.#options = options;
  }

  stream(turn: ModelTurn): AsyncIterable<StreamChunk> {
    const items: UnknownRecord[] = [];
    const keep = (payload: UnknownRecord): void => {
      const item = payload["type"] === "response.output_item.done" ? record(payload["item"]) : undefined;
      // Thinking that was neither stored there nor encrypted cannot come back.
      if (!item || (item["type"] === "reasoning" && !item["encrypted_content"])) return;
      items.push(item);
      if (items.some(({ type }) => type === "reasoning")) turn.onNative?.({ provider: this.name, content: items });
    };
    return streamUpstream({
      ...this.#options,
      url: `${this.#base()}/responses`,
      headers: this.#headers(),
      body: requestBody(turn),
      dialect: turn.reasoning && turn.tools.length > 0 ? tap(openaiResponsesDialect, keep) : openaiResponsesDialect,
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
      model: `openai-responses/${model}`,
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

function requestBody(turn: ModelTurn): Record<string, unknown> {
  return {
    model: turn.model,
    ...(turn.instructions ? { instructions: turn.instructions } : {}),
    input: turn.messages.flatMap(toItems),
    stream: true,
    store: false,
    ...(turn.maxOutputTokens === undefined ? {} : { max_output_tokens: turn.maxOutputTokens }),
    // Models that do not think refuse both.
    ...(turn.reasoning ? { reasoning: { effort: turn.reasoning, summary: "auto" }, include: ["reasoning.encrypted_content"] } : {}),
    ...(turn.tools.length > 0
      ? {
          // `strict` wants schemas of a certain form; a tool's own may be any.
          tools: turn.tools.map((tool) => ({ type: "function", ...tool, strict: false })),
          ...(turn.toolChoice ? { tool_choice: turn.toolChoice } : {}),
        }
      : {}),
  };
}

function toItems(message: TurnMessage): Item[] {
  if (message.native?.provider === "openai-responses") return message.native.content as Item[];
  if (message.role === "tool") return [{ type: "function_call_output", call_id: message.toolCallId ?? "", output: message.content }];
  const items: Item[] = [];
  const { images = [] } = message;
  if (images.length > 0) {
    items.push({ role: message.role, content: [...images.map(toImage), { type: "input_text", text: message.content }] });
  } else if (message.content !== "") items.push({ role: message.role, content: message.content });
  for (const { id, name, arguments: args } of message.toolCalls ?? [])
    items.push({ type: "function_call", call_id: id, name, arguments: JSON.stringify(args ?? {}) });
  return items;
}

function toImage(image: RequestImage): Item {
  return { type: "input_image", image_url: "url" in image ? image.url : `data:${image.mediaType};base64,${image.data}` };
}
