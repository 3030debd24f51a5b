/**
 * OpenAI Responses, and the servers that speak it (Azure, Copilot, LM Studio …). Named events; `response.completed`,
 * `.incomplete` or `.failed` ends the stream, without `[DONE]`.
 *
 * Items are known by `output_index`: item ids may differ from event to event (GitHub Copilot). Pieces are only half of the
 * format: each `.done` repeats the whole, and some servers send nothing but the whole (LM Studio's arguments), so what the
 * pieces left out is taken from it.
 */
import type { ToolRunsOn } from "../protocol/chunk.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { jsonOf, list, record, text, type UnknownRecord } from "./payload.ts";
import { Turn } from "./turn.ts";

export const openaiResponsesDialect: Dialect = {
  name: "openai-responses",
  framing: "sse",
  flushAtEof: true,
  createReader: (context) => new OpenAiResponsesReader(context),
};

type Part = "text" | "refusal" | "summary" | "reasoning";

interface OpenCall {
  /** As its first event named it. */
  id: string | undefined;
  arguments: string;
  /** A custom tool's input is plain text; here it becomes one JSON string. */
  custom: boolean;
}

class OpenAiResponsesReader implements DialectReader {
  readonly #turn: Turn;
  /** What each part of each item has said so far. */
  readonly #said = new Map<string, string>();
  readonly #calls = new Map<number, OpenCall>();
  readonly #ended = new Set<number>();

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    // Some gateways close every OpenAI stream like a chat completion.
    if (this.#turn.ended || data.trim() === "[DONE]") return;
    const body = this.#turn.payload(data);
    if (!body) return;
    const at = number(body["output_index"]);
    switch (body["type"]) {
      case "response.output_text.delta":
        return this.#add("text", at, number(body["content_index"]), text(body["delta"]));
      case "response.output_text.done":
        return this.#settle("text", at, number(body["content_index"]), text(body["text"]));
      case "response.refusal.delta":
        return this.#add("refusal", at, number(body["content_index"]), text(body["delta"]));
      case "response.refusal.done":
        return this.#settle("refusal", at, number(body["content_index"]), text(body["refusal"]));
      case "response.reasoning_summary_text.delta":
        return this.#add("summary", at, number(body["summary_index"]), text(body["delta"]));
      case "response.reasoning_summary_text.done":
        return this.#settle("summary", at, number(body["summary_index"]), text(body["text"]));
      case "response.reasoning_text.delta":
        return this.#add("reasoning", at, number(body["content_index"]), text(body["delta"]));
      case "response.reasoning_text.done":
        return this.#settle("reasoning", at, number(body["content_index"]), text(body["text"]));
      case "response.output_text.annotation.added":
        return this.#cite(record(body["annotation"]));
      case "response.output_item.added":
        return this.#beginItem(at, record(body["item"]) ?? {});
      case "response.function_call_arguments.delta":
      case "response.mcp_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        return this.#addArguments(at, text(body["delta"]) ?? "");
      case "response.function_call_arguments.done":
      case "response.mcp_call_arguments.done":
        return this.#settleArguments(at, text(body["arguments"]));
      case "response.custom_tool_call_input.done":
        return this.#settleArguments(at, text(body["input"]));
      case "response.output_item.done":
        return this.#endItem(at, record(body["item"]) ?? {});
      case "response.completed":
      case "response.incomplete":
        return this.#finish(body["type"] === "response.completed", record(body["response"]) ?? {});
      case "response.failed":
        return this.#turn.error(record(record(body["response"])?.["error"]) ?? {});
      case "error":
        // The documented event has the fields itself; the recorded one has them in `error`, and a `response.failed` behind it.
        return this.#turn.error(record(body["error"]) ?? { code: body["code"], message: body["message"] });
      case undefined:
        return this.#turn.refused(body);
      default:
    }
  }

  end(): void {
    if (!this.#turn.ended) this.#turn.endCalls("cut");
  }

  #say(part: Part, words: string): void {
    if (part === "text") this.#turn.token(words);
    else if (part === "refusal") this.#turn.refusal(words);
    else this.#turn.reasoning(words);
  }

  #add(part: Part, at: number, index: number, words: string | undefined): void {
    if (!words) return;
    const key = `${part} ${at} ${index}`;
    this.#said.set(key, (this.#said.get(key) ?? "") + words);
    this.#say(part, words);
  }

  /** The whole of a part is known: says what its pieces did not. Words already said are not taken back. */
  #settle(part: Part, at: number, index: number, whole: string | undefined): void {
    const said = this.#said.get(`${part} ${at} ${index}`) ?? "";
    if (whole !== undefined && whole.length > said.length && whole.startsWith(said)) this.#add(part, at, index, whole.slice(said.length));
  }

  #beginItem(at: number, item: UnknownRecord): void {
    const custom = item["type"] === "custom_tool_call";
    const isOurs = custom || item["type"] === "function_call";
    if ((!isOurs && item["type"] !== "mcp_call") || this.#calls.has(at)) return;
    const runsOn: ToolRunsOn = isOurs ? "server" : "provider";
    const id = text(item["call_id"]) || text(item["id"]);
    this.#calls.set(at, { id, arguments: "", custom });
    this.#turn.callDelta({ index: at, id, name: text(item["name"]), arguments: "" }, runsOn);
    this.#settleArguments(at, text(item[custom ? "input" : "arguments"]));
  }

  #addArguments(at: number, fragment: string): void {
    const call = this.#calls.get(at);
    if (!call || fragment === "" || this.#ended.has(at)) return;
    const opening = call.custom && call.arguments === "" ? '"' : "";
    call.arguments += fragment;
    this.#turn.callDelta({ index: at, arguments: call.custom ? opening + JSON.stringify(fragment).slice(1, -1) : fragment });
  }

  #settleArguments(at: number, whole: string | undefined): void {
    const said = this.#calls.get(at)?.arguments;
    if (said !== undefined && whole?.startsWith(said)) this.#addArguments(at, whole.slice(said.length));
  }

  #endItem(at: number, item: UnknownRecord): void {
    this.#beginItem(at, item);
    for (const [index, part] of list(item["content"]).map(record).entries()) {
      if (part?.["type"] === "output_text") this.#settle("text", at, index, text(part["text"]));
      else if (part?.["type"] === "refusal") this.#settle("refusal", at, index, text(part["refusal"]));
      else if (part?.["type"] === "reasoning_text") this.#settle("reasoning", at, index, text(part["text"]));
      for (const annotation of list(part?.["annotations"])) this.#cite(record(annotation));
    }
    for (const [index, part] of list(item["summary"]).map(record).entries()) this.#settle("summary", at, index, text(part?.["text"]));
    const call = this.#calls.get(at);
    if (!call || this.#ended.has(at)) return;
    const whole = text(item[call.custom ? "input" : "arguments"]);
    this.#settleArguments(at, whole);
    this.#ended.add(at);
    if (call.custom) this.#turn.callDelta({ index: at, arguments: call.arguments === "" ? '""' : '"' });
    // The item counts where its pieces said something else.
    const differs = whole !== undefined && whole !== call.arguments;
    const value = differs ? (call.custom ? whole : jsonOf(whole)) : undefined;
    this.#turn.completeCall({ index: at }, { value, incomplete: item["status"] === "incomplete" });
    if (item["type"] === "mcp_call") this.#answer(call.id, item);
  }

  /** An MCP call that OpenAI ran itself comes with what it gave. */
  #answer(id: string | undefined, item: UnknownRecord): void {
    if (id === undefined) return;
    const error = item["error"];
    if (typeof error === "string") this.#turn.toolResult(id, { error });
    else if (record(error)) this.#turn.toolResult(id, { error: text(record(error)!["message"]) ?? "The call failed." });
    else if (typeof item["output"] === "string") this.#turn.toolResult(id, { result: item["output"] });
  }

  #cite(annotation: UnknownRecord | undefined): void {
    const { type, url, title, filename, file_id: file } = annotation ?? {};
    if (type === "url_citation") this.#turn.source({ title, url }, `url ${String(url)}`);
    else if (type === "file_citation" || type === "container_file_citation") this.#turn.source({ title: filename }, `file ${String(file)}`);
  }

  #finish(isComplete: boolean, response: UnknownRecord): void {
    // A server that said nothing on the way has it here. If it did, these items may be counted otherwise, and would repeat it.
    if (this.#said.size === 0 && this.#calls.size === 0) {
      for (const [at, item] of list(response["output"]).entries()) this.#endItem(at, record(item) ?? {});
    }
    const usage = record(response["usage"]);
    this.#turn.usage({
      inputTokens: usage?.["input_tokens"],
      outputTokens: usage?.["output_tokens"],
      totalTokens: usage?.["total_tokens"],
      cachedInputTokens: record(usage?.["input_tokens_details"])?.["cached_tokens"],
      reasoningTokens: record(usage?.["output_tokens_details"])?.["reasoning_tokens"],
    });
    this.#turn.done(isComplete ? "completed" : (text(record(response["incomplete_details"])?.["reason"]) ?? "incomplete"));
  }
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
