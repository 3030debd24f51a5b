/**
 * AG-UI, the protocol between agent back ends and user interfaces. Unnamed events, their `type` in capitals, no sequence
 * numbers; `RUN_FINISHED` or `RUN_ERROR` ends the run. State, activity and raw events are not part of an answer.
 */
import type { JsonValue } from "../protocol/chunk.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { record, text, type UnknownRecord } from "./payload.ts";
import { Turn } from "./turn.ts";

export const agUiDialect: Dialect = {
  name: "ag-ui",
  framing: "sse",
  flushAtEof: true,
  createReader: (context) => new AgUiReader(context),
};

class AgUiReader implements DialectReader {
  readonly #turn: Turn;
  /** Messages that are not the agent's: a back end may repeat what the user said. */
  readonly #foreign = new Set<string>();
  readonly #calls = new Map<string, "open" | "complete">();
  /** Chunk events name their message or call in the first one only. */
  #message = "";
  #call: string | undefined;

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    const body = this.#turn.payload(data);
    if (!body) return;
    switch (body["type"]) {
      case "TEXT_MESSAGE_START":
        return this.#beginMessage(body);
      case "TEXT_MESSAGE_CHUNK":
        this.#beginMessage(body);
        return this.#readText(body);
      case "TEXT_MESSAGE_CONTENT":
        return this.#readText(body);
      case "REASONING_MESSAGE_CONTENT":
      case "REASONING_MESSAGE_CHUNK":
      case "THINKING_TEXT_MESSAGE_CONTENT":
        return this.#turn.reasoning(body["delta"]);
      case "TOOL_CALL_START":
        return this.#readCall(body, "");
      case "TOOL_CALL_ARGS":
      case "TOOL_CALL_CHUNK":
        return this.#readCall(body, text(body["delta"]) ?? "");
      case "TOOL_CALL_END":
        return this.#completeCall(text(body["toolCallId"]) ?? this.#call);
      case "TOOL_CALL_RESULT":
        return this.#answer(text(body["toolCallId"]), body["content"]);
      case "RUN_FINISHED":
        return this.#finish(body);
      case "RUN_ERROR":
        return this.#turn.error({ code: body["code"], message: body["message"] });
      case undefined:
        return this.#turn.refused(body);
      default:
    }
  }

  end(): void {
    if (!this.#turn.ended) this.#turn.endCalls("cut");
  }

  #beginMessage(body: UnknownRecord): void {
    this.#message = text(body["messageId"]) ?? this.#message;
    const role = text(body["role"]);
    if (role !== undefined && role !== "assistant") this.#foreign.add(this.#message);
  }

  #readText(body: UnknownRecord): void {
    if (!this.#foreign.has(text(body["messageId"]) ?? this.#message)) this.#turn.token(body["delta"]);
  }

  #readCall(body: UnknownRecord, delta: string): void {
    const id = text(body["toolCallId"]) ?? this.#call;
    const name = text(body["toolCallName"]);
    // Arguments of a call that never began have no name to run by.
    if (!id || (!name && !this.#calls.has(id))) return;
    this.#call = id;
    if (!this.#calls.has(id)) this.#calls.set(id, "open");
    this.#turn.callDelta({ id, name, arguments: delta });
  }

  /** A call in chunks has no end event: its result or the end of the run completes it. */
  #completeCall(id: string | undefined): void {
    if (!id || this.#calls.get(id) !== "open") return;
    this.#calls.set(id, "complete");
    this.#turn.completeCall({ id });
  }

  #answer(id: string | undefined, content: unknown): void {
    if (!id) return;
    this.#completeCall(id);
    this.#turn.toolResult(id, { result: (content ?? null) as JsonValue });
  }

  /** Usage and a finish reason are not in the protocol; some back ends add them. */
  #finish(body: UnknownRecord): void {
    const usage = record(body["usage"]);
    this.#turn.usage({
      inputTokens: usage?.["inputTokens"] ?? usage?.["promptTokens"],
      outputTokens: usage?.["outputTokens"] ?? usage?.["completionTokens"],
      totalTokens: usage?.["totalTokens"],
    });
    this.#turn.done(text(body["finishReason"]) || "RUN_FINISHED");
  }
}
