/** Which dialect a body speaks, from the headers of its response or from its first event. */
import type { ChatError } from "../errors.ts";
import type { DialectName, Framing } from "./dialect.ts";
import { payload, record, type UnknownRecord } from "./payload.ts";

/** `Headers` of a response, or anything that looks them up like it. */
export interface HeadersLike {
  get(name: string): string | null;
}

/** What the headers tell; a plain `text/event-stream` leaves the dialect open, and a JSON type both. */
export function detectFromHeaders(headers: HeadersLike): { dialect?: DialectName; framing?: Framing } {
  if (headers.get("x-chanl-stream") !== null) return { dialect: "chanl", framing: "sse" };
  if (headers.get("x-vercel-ai-ui-message-stream") !== null) return { dialect: "ai-sdk-ui", framing: "sse" };
  const type = (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "text/event-stream") return { framing: "sse" };
  // Ollama alone streams lines of JSON, but a gateway may frame another provider so: the first line decides.
  return /^application\/(x-)?(ndjson|jsonl|json-lines|jsonlines)$/.test(type) ? { framing: "ndjson" } : {};
}

/**
 * Each format shows itself in its payloads. Event names tell nothing, because proxies drop them. An event that shows none,
 * or cannot be read, is passed over.
 */
export function detectFromEvent(data: string, report: (error: ChatError) => void): DialectName | undefined {
  if (data.trim() === "[DONE]") return "openai-chat";
  const body = payload(data, report);
  if (!body) return undefined;
  const type = body["type"];
  if (typeof body["seq"] === "number" || (type === "start" && typeof body["streamId"] === "string")) return "chanl";
  // No provider's error says whether to try again; our gateway's does.
  if (typeof record(body["error"])?.["retryable"] === "boolean") return "chanl";
  if (typeof type === "string") return fromType(type, body);
  if ("candidates" in body || "promptFeedback" in body || "usageMetadata" in body) return "gemini";
  if (typeof body["done"] === "boolean") return "ollama";
  // A lone error is read alike in every dialect that has no types.
  return "choices" in body || "error" in body ? "openai-chat" : undefined;
}

function fromType(type: string, body: UnknownRecord): DialectName | undefined {
  if (type === "error") {
    if (typeof body["errorText"] === "string") return "ai-sdk-ui";
    return typeof body["sequence_number"] === "number" || !record(body["error"]) ? "openai-responses" : "anthropic";
  }
  if (type.startsWith("response.")) return "openai-responses";
  if (/^(message_(start|delta|stop)|content_block_(start|delta|stop)|ping)$/.test(type)) return "anthropic";
  if (/^[A-Z]+(_[A-Z]+)*$/.test(type)) return "ag-ui";
  const isAiSdk = /^((start|finish|reset)(-step)?|abort|file|custom|message-metadata|(text|reasoning|tool|source|data)-.+)$/;
  return isAiSdk.test(type) ? "ai-sdk-ui" : undefined;
}
