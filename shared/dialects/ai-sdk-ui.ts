/**
 * The UI message stream of Vercel's AI SDK (`x-vercel-ai-ui-message-stream: v1`). Unnamed events with a `type` each, then `[DONE]`.
 * Tools mostly run behind the stream: their results are in it.
 */
import type { JsonValue, ToolRunsOn } from "../protocol/chunk.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { jsonOf, record, text, type UnknownRecord } from "./payload.ts";
import { Turn } from "./turn.ts";

export const aiSdkUiDialect: Dialect = {
  name: "ai-sdk-ui",
  framing: "sse",
  flushAtEof: true,
  createReader: (context) => new AiSdkUiReader(context),
};

class AiSdkUiReader implements DialectReader {
  readonly #turn: Turn;
  /** The input text of the calls that are open, by call id. */
  readonly #open = new Map<string, string>();
  readonly #complete = new Set<string>();
  #reason: string | undefined;

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    if (this.#turn.ended) return;
    // `finish` alone is not the end: streams that are merged into one may each bring theirs.
    if (data.trim() === "[DONE]") return this.#finish(this.#reason ?? "stop");
    const body = this.#turn.payload(data);
    if (!body) return;
    switch (body["type"]) {
      case "text-delta":
        return this.#turn.token(body["delta"]);
      case "reasoning-delta":
        return this.#turn.reasoning(body["delta"]);
      case "tool-input-start":
        return this.#beginCall(body);
      case "tool-input-delta":
        return this.#addInput(body["toolCallId"], text(body["inputTextDelta"]) ?? "");
      case "tool-input-available":
        return this.#completeCall(body, { value: body["input"] as JsonValue | undefined });
      case "tool-input-error":
        this.#completeCall(body, { value: body["input"] as JsonValue | undefined, invalid: true });
        return this.#answer(body, { error: text(body["errorText"]) ?? "The call was invalid." });
      case "tool-output-available":
        // A preliminary output is replaced by the next one.
        if (body["preliminary"] !== true) this.#answer(body, { result: (body["output"] ?? null) as JsonValue });
        return;
      case "tool-output-error":
        return this.#answer(body, { error: text(body["errorText"]) ?? "The call failed." });
      case "tool-output-denied":
        return this.#answer(body, { error: "The call was not allowed." });
      case "source-url":
        return this.#turn.source({ id: text(body["sourceId"]), title: body["title"], url: body["url"] });
      case "source-document":
        return this.#turn.source({ id: text(body["sourceId"]), title: text(body["title"]) || body["filename"] });
      case "message-metadata":
        return this.#readUsage(body);
      case "finish":
        this.#reason = text(body["finishReason"]) ?? "stop";
        return this.#readUsage(body);
      case "abort":
        return this.#turn.cancelled(/time.?out/i.test(text(body["reason"]) ?? "") ? "timeout" : "user");
      case "error":
        return this.#turn.error({ message: body["errorText"] });
      case undefined:
        return this.#turn.refused(body);
      default:
    }
  }

  end(): void {
    if (this.#turn.ended) return;
    if (this.#reason === undefined) this.#turn.endCalls("cut");
    else this.#finish(this.#reason);
  }

  /** A call whose input never became available is not whole, however the stream ends. */
  #finish(reason: string): void {
    this.#turn.endCalls("cut");
    this.#turn.done(reason);
  }

  #beginCall(body: UnknownRecord): void {
    const id = text(body["toolCallId"]);
    if (!id || this.#open.has(id) || this.#complete.has(id)) return;
    const runsOn: ToolRunsOn = body["providerExecuted"] === true ? "provider" : "server";
    this.#open.set(id, "");
    this.#turn.callDelta({ id, name: text(body["toolName"]), arguments: "" }, runsOn);
  }

  #addInput(id: unknown, fragment: string): void {
    const said = typeof id === "string" ? this.#open.get(id) : undefined;
    if (said === undefined || fragment === "") return;
    this.#open.set(id as string, said + fragment);
    this.#turn.callDelta({ id: id as string, arguments: fragment });
  }

  /** The input as a value counts; its text is only shown on the way, and may be no JSON (`inputEncoding: "text"`). */
  #completeCall(body: UnknownRecord, told: { value: JsonValue | undefined; invalid?: boolean }): void {
    const id = text(body["toolCallId"]);
    if (!id || this.#complete.has(id)) return;
    this.#beginCall(body);
    if (this.#open.get(id) === "" && told.value !== undefined) this.#addInput(id, JSON.stringify(told.value));
    this.#open.delete(id);
    this.#complete.add(id);
    this.#turn.completeCall({ id }, told);
  }

  #answer(body: UnknownRecord, outcome: { result: JsonValue } | { error: string }): void {
    const id = text(body["toolCallId"]);
    if (!id) return;
    // An answer proves that the call was whole, even where nobody said so.
    const said = this.#open.get(id);
    if (said !== undefined) this.#completeCall(body, { value: said === "" ? {} : jsonOf(said) });
    this.#turn.toolResult(id, outcome);
  }

  /** The format has no place for usage; by custom it is in the message's metadata, in the SDK's own words. */
  #readUsage(body: UnknownRecord): void {
    const metadata = record(body["messageMetadata"]);
    const { inputTokens, outputTokens, totalTokens, reasoningTokens, cachedInputTokens } =
      record(metadata?.["totalUsage"]) ?? record(metadata?.["usage"]) ?? {};
    this.#turn.usage({ inputTokens, outputTokens, totalTokens, reasoningTokens, cachedInputTokens });
  }
}
