/** Gemini's `streamGenerateContent`. */
import { geminiDialect } from "../../shared/dialects/gemini.ts";
import { list, record, type UnknownRecord } from "../../shared/dialects/payload.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestImage } from "../../shared/protocol/request.ts";
import type { ModelTurn, Provider, ReasoningEffort, TurnMessage } from "./provider.ts";
import { tap } from "./tap.ts";
import { checkModel, streamUpstream, type UpstreamLimits } from "./upstream.ts";

export interface GeminiOptions extends UpstreamLimits {
  /** Without its version part, such as `https://generativelanguage.googleapis.com`. */
  baseUrl: string;
  apiKey?: string | undefined;
}

type Part = Record<string, unknown>;

interface Content {
  role: "user" | "model";
  parts: Part[];
}

/** Tokens of thinking. */
const THINKING: Record<ReasoningEffort, number> = { low: 1024, medium: 8192, high: 24_576 };

export class GeminiProvider implements Provider {
  readonly name = "gemini";
  readonly #options: GeminiOptions;

  constructor(options: GeminiOptions) {
    this.#options = options;
  }

  stream(turn: ModelTurn): AsyncIterable<StreamChunk> {
    const parts: Part[] = [];
    const keep = (payload: UnknownRecord): void => {
      for (const part of partsOf(payload)) {
        // Thoughts are ours to show; the signature that stands for them is on the part that follows.
        if (part["thought"] !== true) parts.push(part);
      }
      if (parts.some((part) => record(part["functionCall"])) && parts.some((part) => part["thoughtSignature"] !== undefined))
        turn.onNative?.({ provider: this.name, content: parts });
    };
    return streamUpstream({
      ...this.#options,
      url: `${this.#models()}/${encodeURIComponent(turn.model)}:streamGenerateContent?alt=sse`,
      headers: this.#headers(),
      body: requestBody(turn),
      dialect: turn.tools.length > 0 ? tap(geminiDialect, keep) : geminiDialect,
      signal: turn.signal,
      secrets: this.#options.apiKey ? [this.#options.apiKey] : [],
      onDetail: turn.onDetail,
      onToken: turn.onToken,
    });
  }

  check(model: string, signal: AbortSignal): Promise<string | undefined> {
    const url = `${this.#models()}/${encodeURIComponent(model)}`;
    return checkModel({ url, headers: this.#headers(), setting: "GEMINI_API_KEY", model: `gemini/${model}`, signal });
  }

  #models(): string {
    return `${this.#options.baseUrl.replace(/\/+$/, "").replace(/\/v1(beta)?$/, "")}/v1beta/models`;
  }

  #headers(): Record<string, string> {
    return this.#options.apiKey ? { "x-goog-api-key": this.#options.apiKey } : {};
  }
}

function partsOf(payload: UnknownRecord): UnknownRecord[] {
  const candidate = record(list(payload["candidates"])[0]);
  return list(record(candidate?.["content"])?.["parts"])
    .map(record)
    .filter((part) => part !== undefined);
}

function requestBody(turn: ModelTurn): Record<string, unknown> {
  const system = [turn.instructions, ...turn.messages.filter(({ role }) => role === "system").map(({ content }) => content)]
    .filter(Boolean)
    .join("\n\n");
  const generationConfig = {
    ...(turn.maxOutputTokens === undefined ? {} : { maxOutputTokens: turn.maxOutputTokens }),
    ...(turn.reasoning ? { thinkingConfig: { includeThoughts: true, thinkingBudget: THINKING[turn.reasoning] } } : {}),
  };
  return {
    contents: toContents(turn.messages),
    ...(system ? { systemInstruction: { parts: [{ text: system }] } } : {}),
    ...(Object.keys(generationConfig).length > 0 ? { generationConfig } : {}),
    ...(turn.tools.length > 0
      ? {
          tools: [
            {
              functionDeclarations: turn.tools.map(({ name, description, parameters }) => ({
                name,
                description,
                parametersJsonSchema: parameters,
              })),
            },
          ],
          ...(turn.toolChoice ? { toolConfig: { functionCallingConfig: { mode: "NONE" } } } : {}),
        }
      : {}),
  };
}

/** Roles alternate, and results are parts of a user's turn: neighbours of one role become one turn. */
function toContents(messages: readonly TurnMessage[]): Content[] {
  const contents: Content[] = [];
  for (const message of messages) {
    if (message.role === "system") continue;
    const role = message.role === "assistant" ? "model" : "user";
    const parts = toParts(message);
    if (parts.length === 0) continue;
    const last = contents.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else contents.push({ role, parts });
  }
  return contents;
}

function toParts(message: TurnMessage): Part[] {
  if (message.native?.provider === "gemini") return message.native.content as Part[];
  if (message.role === "tool") return [{ functionResponse: { name: message.name ?? "", response: { result: message.content } } }];
  const parts: Part[] = (message.images ?? []).map(toImagePart);
  if (message.content !== "") parts.push({ text: message.content });
  for (const { name, arguments: args } of message.toolCalls ?? []) parts.push({ functionCall: { name, args: record(args) ?? {} } });
  return parts;
}

function toImagePart(image: RequestImage): Part {
  if ("url" in image) return { fileData: { fileUri: image.url } };
  return { inlineData: { mimeType: image.mediaType, data: image.data } };
}
