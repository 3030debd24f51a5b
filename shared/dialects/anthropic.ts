/**
 * Anthropic Messages. Named events around content blocks with an index each; `message_delta` brings the stop reason
 * and cumulative output usage, `message_stop` the end; `ping` may come anywhere.
 */
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { record, text, type UnknownRecord } from "./payload.ts";
import { Turn } from "./turn.ts";

export const anthropicDialect: Dialect = {
  name: "anthropic",
  framing: "sse",
  flushAtEof: true,
  createReader: (context) => new AnthropicReader(context),
};

class AnthropicReader implements DialectReader {
  readonly #turn: Turn;
  /** Blocks that are calls. */
  readonly #callBlocks = new Set<number>();
  #reason: string | undefined;
  /** Counts spliced messages, so that their block indexes do not meet. */
  #messages = 0;

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    const body = this.#turn.payload(data);
    if (!body) return;
    switch (body["type"]) {
      case "message_start":
        if (this.#messages++ > 0) this.#turn.endCalls("cut");
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
        return this.#turn.error(record(body["error"]) ?? {});
      default:
    }
  }

  end(): void {
    if (this.#turn.ended) return;
    if (this.#reason !== undefined) return this.#finish();
    this.#turn.endCalls("cut");
  }

  #startBlock(index: number, block: UnknownRecord): void {
    switch (block["type"]) {
      case "text":
        return this.#turn.token(block["text"]);
      case "thinking":
        return this.#turn.reasoning(block["thinking"]);
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use": {
        const runsOn = block["type"] === "tool_use" ? "server" : "provider";
        const key = this.#key(index);
        this.#turn.callDelta({ index: key, id: text(block["id"]), name: text(block["name"]), arguments: "" }, runsOn);
        this.#callBlocks.add(key);
        // Some gateways send the whole input here and no deltas; `{}` is the placeholder of the streamed form.
        const input = record(block["input"]);
        if (input && Object.keys(input).length > 0) this.#feed(index, JSON.stringify(input));
        return;
      }
      default:
    }
  }

  #readDelta(index: number, delta: UnknownRecord): void {
    switch (delta["type"]) {
      case "text_delta":
        return this.#turn.token(delta["text"]);
      case "thinking_delta":
        return this.#turn.reasoning(delta["thinking"]);
      case "input_json_delta":
        return this.#feed(index, text(delta["partial_json"]) ?? "");
      case "citations_delta":
        return this.#readCitation(record(delta["citation"]) ?? {});
      default:
    }
  }

  #feed(index: number, fragment: string): void {
    if (fragment === "" || !this.#callBlocks.has(this.#key(index))) return;
    this.#turn.callDelta({ index: this.#key(index), arguments: fragment });
  }

  #readCitation(citation: UnknownRecord): void {
    const title = text(citation["title"]) ?? citation["document_title"];
    this.#turn.source({ title, url: citation["url"], snippet: citation["cited_text"] });
  }

  #stopBlock(index: number): void {
    if (this.#callBlocks.has(this.#key(index))) this.#turn.completeCall({ index: this.#key(index) });
  }

  #readUsage(usage: UnknownRecord | undefined): void {
    if (!usage) return;
    this.#turn.usage({
      inputTokens: usage["input_tokens"],
      outputTokens: usage["output_tokens"],
      cachedInputTokens: usage["cache_read_input_tokens"],
      reasoningTokens: record(usage["output_tokens_details"])?.["thinking_tokens"],
    });
  }

  /** Calls whose block never stopped were cut, by the token limit or the network. */
  #finish(): void {
    this.#turn.endCalls("cut");
    this.#turn.done(this.#reason ?? "stop");
  }

  #key(index: number): number {
    return Math.max(0, this.#messages - 1) * 1_000_000 + index;
  }
}

function blockIndex(body: UnknownRecord): number {
  return typeof body["index"] === "number" ? body["index"] : 0;
}
