/**
 * Ollama's own API: one JSON value per line. `/api/chat` has a `message` in each, `/api/generate` a `response`; calls come whole,
 * with their arguments as an object; the last line is `done: true`.
 */
import type { JsonValue } from "../protocol/chunk.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { list, record, text } from "./payload.ts";
import { Turn } from "./turn.ts";

export const ollamaDialect: Dialect = {
  name: "ollama",
  framing: "ndjson",
  flushAtEof: true,
  createReader: (context) => new OllamaReader(context),
};

class OllamaReader implements DialectReader {
  readonly #turn: Turn;
  #calls = 0;

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    const body = this.#turn.payload(data);
    if (!body) return;
    if (this.#turn.failed(body)) return;
    const message = record(body["message"]) ?? { content: body["response"], thinking: body["thinking"] };
    this.#turn.reasoning(message["thinking"]);
    this.#turn.token(message["content"]);
    for (const call of list(message["tool_calls"])) this.#readCall(record(call)?.["id"], record(record(call)?.["function"]));
    if (body["done"] !== true) return;
    this.#turn.usage({ inputTokens: body["prompt_eval_count"], outputTokens: body["eval_count"] });
    // Older versions tell no reason.
    this.#turn.done(text(body["done_reason"]) || "stop");
  }

  end(): void {
    if (!this.#turn.ended) this.#turn.endCalls("cut");
  }

  /** Each entry is a call of its own, whatever index it names. */
  #readCall(id: unknown, definition: { readonly [key: string]: unknown } | undefined): void {
    const name = text(definition?.["name"]);
    if (!name) return;
    const index = this.#calls++;
    this.#turn.callDelta({ index, id: text(id), name, arguments: (definition?.["arguments"] ?? {}) as JsonValue });
    this.#turn.completeCall({ index });
  }
}
