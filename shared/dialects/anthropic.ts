/**
 * Anthropic Messages. Named events around content blocks with an index each; `message_delta` brings the stop reason
 * and cumulative output usage, `message_stop` the end; `ping` may come anywhere.
 */
import type { ToolRunsOn, Usage } from "../protocol/chunk.ts";
import { createToolCallAccumulator, type CompletedToolCall } from "../tool-calls/accumulator.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { finishReason, mergeUsage, providerError, toolCallChunk } from "./finish.ts";
import { payload, record, text, type UnknownRecord } from "./payload.ts";

export const anthropicDialect: Dialect = {
  name: "anthropic",
  flushAtEof: true,
  createReader: (context) => new AnthropicReader(context),
};

class AnthropicReader implements DialectReader {
  readonly #context: DialectContext;
  readonly #calls;
  /** Blocks that are calls, by block index: who runs them. */
  readonly #callBlocks = new Map<number, ToolRunsOn>();
  readonly #runsOn = new Map<number, ToolRunsOn>();
  #usage: Usage | undefined;
  #reason: string | undefined;
  #callToRun = false;
  #sources = 0;
  #ended = false;
  /** Counts spliced messages, so that their block indexes do not meet. */
  #messages = 0;

  constructor(context: DialectContext) {
    this.#context = context;
    this.#calls = createToolCallAccumulator({ onLate: context.report });
  }

  read({ data }: { data: string }): void {
    if (this.#ended) return;
    const body = payload(data, this.#context.report);
    if (!body) return;
    switch (body["type"]) {
      case "message_start":
        if (this.#messages++ > 0) this.#abandonCalls();
        this.#readUsage(record(record(body["message"])?.["usage"]));
        return;
      case "content_block_start":
        return this.#startBlock(blockIndex(body), record(body["content_block"]) ?? {});
      case "content_block_delta":
        return this.#readDelta(blockIndex(body), record(body["delta"]) ?? {});
      case "content_block_stop":
        return this.#stopBlock(blockIndex(body));
      case "message_delta": {
        const reason = text(record(body["delta"])?.["stop_reason"]);
        if (reason) this.#reason = reason;
        this.#readUsage(record(body["usage"]));
        return;
      }
      case "message_stop":
        return this.#finish();
      case "error":
        this.#abandonCalls();
        this.#ended = true;
        this.#context.emit(providerError(record(body["error"]) ?? {}));
        return;
      default:
    }
  }

  end(): void {
    if (this.#ended) return;
    if (this.#reason !== undefined) return this.#finish();
    this.#abandonCalls();
  }

  #startBlock(index: number, block: UnknownRecord): void {
    const { emit } = this.#context;
    switch (block["type"]) {
      case "text":
        if (text(block["text"])) emit({ type: "token", content: text(block["text"])! });
        return;
      case "thinking":
        if (text(block["thinking"])) emit({ type: "reasoning", content: text(block["thinking"])! });
        return;
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use": {
        const runsOn = block["type"] === "tool_use" ? "server" : "provider";
        const progress = this.#calls.feed({ index: this.#key(index), id: text(block["id"]), name: text(block["name"]), arguments: "" });
        if (!progress) return;
        this.#callBlocks.set(this.#key(index), runsOn);
        this.#runsOn.set(progress.index, runsOn);
        emit({ type: "tool_call_delta", ...progress });
        // Some gateways send the whole input here and no deltas; `{}` is the placeholder of the streamed form.
        const input = record(block["input"]);
        if (input && Object.keys(input).length > 0) this.#feed(index, JSON.stringify(input));
        return;
      }
      default:
    }
  }

  #readDelta(index: number, delta: UnknownRecord): void {
    const { emit } = this.#context;
    switch (delta["type"]) {
      case "text_delta":
        if (text(delta["text"])) emit({ type: "token", content: text(delta["text"])! });
        return;
      case "thinking_delta":
        if (text(delta["thinking"])) emit({ type: "reasoning", content: text(delta["thinking"])! });
        return;
      case "input_json_delta":
        return this.#feed(index, text(delta["partial_json"]) ?? "");
      case "citations_delta":
        return this.#readCitation(record(delta["citation"]) ?? {});
      default:
    }
  }

  #feed(index: number, fragment: string): void {
    if (fragment === "" || !this.#callBlocks.has(this.#key(index))) return;
    const progress = this.#calls.feed({ index: this.#key(index), arguments: fragment });
    if (progress) this.#context.emit({ type: "tool_call_delta", ...progress });
  }

  #readCitation(citation: UnknownRecord): void {
    const title = text(citation["title"]) ?? text(citation["document_title"]) ?? text(citation["url"]);
    if (!title) return;
    const url = text(citation["url"]);
    const snippet = text(citation["cited_text"]);
    this.#context.emit({ type: "source", id: String(++this.#sources), title, ...(url ? { url } : {}), ...(snippet ? { snippet } : {}) });
  }

  #stopBlock(index: number): void {
    if (!this.#callBlocks.has(this.#key(index))) return;
    const call = this.#calls.complete({ index: this.#key(index) });
    if (call) this.#emitCall(call);
  }

  #emitCall(call: CompletedToolCall): void {
    const runsOn = this.#runsOn.get(call.index) ?? "server";
    if (runsOn === "server" && !call.incomplete && !call.invalid) this.#callToRun = true;
    this.#context.emit(toolCallChunk(call, runsOn));
  }

  /** Calls whose block never stopped: cut by a new message, the token limit or the network. */
  #abandonCalls(): void {
    for (const call of this.#calls.finish({ cut: true })) this.#emitCall(call);
  }

  #readUsage(usage: UnknownRecord | undefined): void {
    if (!usage) return;
    this.#usage = mergeUsage(this.#usage, {
      inputTokens: usage["input_tokens"],
      outputTokens: usage["output_tokens"],
      cachedInputTokens: usage["cache_read_input_tokens"],
      reasoningTokens: record(usage["output_tokens_details"])?.["thinking_tokens"],
    });
  }

  #finish(): void {
    this.#abandonCalls();
    this.#ended = true;
    if (this.#usage) this.#context.emit({ type: "usage", ...this.#usage });
    const reason = finishReason(this.#reason ?? "stop", { callToRun: this.#callToRun, refusal: false });
    this.#context.emit({ type: "done", reason, ...(this.#usage ? { usage: this.#usage } : {}) });
  }

  #key(index: number): number {
    return Math.max(0, this.#messages - 1) * 1_000_000 + index;
  }
}

function blockIndex(body: UnknownRecord): number {
  return typeof body["index"] === "number" ? body["index"] : 0;
}
