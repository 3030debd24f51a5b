/**
 * Gemini's `streamGenerateContent?alt=sse`. Unnamed events, each a whole response with the next parts of the answer.
 *
 * Nothing marks the end: the finish reason may stand in every event, so the answer is over when the body is, if the last
 * event with a part of it named a reason. An error in the middle comes as bare JSON, without `data:` (see bare-json.ts).
 */
import { ChatError } from "../errors.ts";
import type { JsonValue } from "../protocol/chunk.ts";
import type { Dialect, DialectContext, DialectReader } from "./dialect.ts";
import { PartialArguments } from "./partial-arguments.ts";
import { list, record, text, type UnknownRecord } from "./payload.ts";
import { Turn } from "./turn.ts";

export const geminiDialect: Dialect = {
  name: "gemini",
  framing: "sse",
  flushAtEof: true,
  createReader: (context) => new GeminiReader(context),
};

class GeminiReader implements DialectReader {
  readonly #turn: Turn;
  #reason: string | undefined;
  #calls = 0;
  /** The call whose arguments are being streamed: always the last one. */
  #partial: { name: string; arguments: PartialArguments } | undefined;

  constructor(context: DialectContext) {
    this.#turn = new Turn(context);
  }

  read({ data }: { data: string }): void {
    const body = this.#turn.payload(data);
    if (!body) {
      // Half an event at the end of the body is a cut, even when an earlier event named a reason.
      this.#reason = undefined;
      return;
    }
    const error = body["error"];
    if (error !== undefined && error !== null) {
      this.#abandonPartial();
      return this.#turn.error(record(error) ?? { message: error });
    }
    this.#readUsage(record(body["usageMetadata"]));
    if (told(record(body["promptFeedback"])?.["blockReason"])) this.#reason = "SAFETY";
    // Only the first candidate is the answer.
    const candidate = list(body["candidates"])
      .map(record)
      .find((one) => one && (one["index"] ?? 0) === 0);
    if (!candidate) return;
    const parts = list(record(candidate["content"])?.["parts"]);
    const reason = told(candidate["finishReason"]);
    // More of the answer takes an earlier reason back; metadata that come late do not.
    if (reason !== undefined || parts.length > 0) this.#reason = reason;
    for (const part of parts) this.#readPart(record(part) ?? {});
    this.#readSources(candidate);
  }

  end(broken: boolean): void {
    if (this.#turn.ended) return;
    this.#abandonPartial();
    if (!broken && this.#reason !== undefined) this.#turn.done(this.#reason);
  }

  #readPart(part: UnknownRecord): void {
    if (part["thought"] === true) this.#turn.reasoning(part["text"]);
    else this.#turn.token(part["text"]);
    const call = record(part["functionCall"]);
    if (call) this.#readCall(call);
  }

  /**
   * A call is one part, or many: `{name, willContinue}`, then `{partialArgs, willContinue}` each, and `{}` closes it.
   * Neither the index nor, mostly, an id is told.
   */
  #readCall(call: UnknownRecord): void {
    const name = text(call["name"]);
    const pieces = list(call["partialArgs"]);
    const continues = call["willContinue"] === true;
    const goesOn = this.#partial && (!name || (name === this.#partial.name && pieces.length > 0));
    if (name && !goesOn) {
      this.#abandonPartial();
      const isWhole = !continues && pieces.length === 0;
      const whole = isWhole ? ((record(call["args"]) ?? {}) as JsonValue) : "";
      this.#turn.callDelta({ index: this.#calls++, id: text(call["id"]), name, arguments: whole });
      if (isWhole) return this.#turn.completeCall({ index: this.#calls - 1 });
      this.#partial = { name, arguments: new PartialArguments() };
    }
    if (!this.#partial) return;
    const index = this.#calls - 1;
    for (const piece of pieces) {
      const added = this.#partial.arguments.add(record(piece) ?? {});
      if (added) this.#turn.callDelta({ index, arguments: added });
      if (added === null) this.#turn.report(new ChatError("bad_frame", "A partial argument of a call could not be read."));
    }
    if (continues) return;
    const { text: rest, value, incomplete } = this.#partial.arguments.end();
    this.#partial = undefined;
    if (rest) this.#turn.callDelta({ index, arguments: rest });
    this.#turn.completeCall({ index }, { value, incomplete });
  }

  /** Streamed arguments that were never closed: the rest of them is unknown. */
  #abandonPartial(): void {
    if (this.#partial) this.#turn.completeCall({ index: this.#calls - 1 }, { incomplete: true });
    this.#partial = undefined;
  }

  /** Both grow from event to event, with what was there before in them. */
  #readSources(candidate: UnknownRecord): void {
    for (const chunk of list(record(candidate["groundingMetadata"])?.["groundingChunks"])) {
      const found = record(record(chunk)?.["web"]) ?? record(record(chunk)?.["retrievedContext"]) ?? record(record(chunk)?.["maps"]);
      if (found) this.#turn.source({ title: found["title"], url: found["uri"], snippet: found["text"] }, text(found["uri"]));
    }
    const cited = record(candidate["citationMetadata"]);
    for (const citation of [...list(cited?.["citationSources"]), ...list(cited?.["citations"])]) {
      const { title, uri } = record(citation) ?? {};
      if (text(uri)) this.#turn.source({ title, url: uri }, text(uri));
    }
  }

  #readUsage(usage: UnknownRecord | undefined): void {
    this.#turn.usage({
      inputTokens: usage?.["promptTokenCount"],
      outputTokens: usage?.["candidatesTokenCount"],
      totalTokens: usage?.["totalTokenCount"],
      reasoningTokens: usage?.["thoughtsTokenCount"],
      cachedInputTokens: usage?.["cachedContentTokenCount"],
    });
  }
}

/** A reason that says something. */
function told(reason: unknown): string | undefined {
  return typeof reason === "string" && reason !== "" && !reason.endsWith("_UNSPECIFIED") ? reason : undefined;
}
