/**
 * One turn as a dialect reads it: what was said, which calls are open, how it ended. All dialects speak through it, so that
 * the rules for calls, usage, sources and the end are the same whatever the provider.
 */
import type { ChatError } from "../errors.ts";
import type { CancelReason, JsonValue, ToolRunsOn, Usage } from "../protocol/chunk.ts";
import { PayloadParser } from "../sse/payload-parser.ts";
import { createToolCallAccumulator, type CompletedToolCall, type ToolCallFragment } from "../tool-calls/accumulator.ts";
import type { DialectContext } from "./dialect.ts";
import { finishReason, isLength, mergeUsage, providerError, toolCallChunk } from "./finish.ts";
import { payload, record, type UnknownRecord } from "./payload.ts";

type CallKey = { id?: string | undefined; index?: number | undefined };

export class Turn {
  readonly #context: DialectContext;
  readonly #parser = new PayloadParser();
  readonly #calls;
  readonly #runsOn = new Map<number, ToolRunsOn>();
  readonly #names = new Map<string, string>();
  /** Complete calls that are ours to run and have no result in the stream. */
  readonly #toRun = new Set<string>();
  readonly #answered = new Set<string>();
  readonly #cited = new Set<string>();
  #sources = 0;
  #usage: Usage | undefined;
  #refused = false;
  #ended = false;

  constructor(context: DialectContext) {
    this.#context = context;
    this.#calls = createToolCallAccumulator({ onLate: context.report });
  }

  /** The terminal chunk is out: nothing may follow. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The payload of an event as an object. `undefined` after the end, and for one that cannot be read: that is reported and skipped. */
  payload(data: string): UnknownRecord | undefined {
    return this.#ended ? undefined : payload(data, this.#context.report, this.#parser);
  }

  report(error: ChatError): void {
    this.#context.report(error);
  }

  token(content: unknown): void {
    if (typeof content === "string" && content !== "") this.#context.emit({ type: "token", content });
  }

  refusal(content: unknown): void {
    if (typeof content !== "string" || content === "") return;
    this.#refused = true;
    this.#context.emit({ type: "token", content, refusal: true });
  }

  reasoning(content: unknown): void {
    if (typeof content === "string" && content !== "") this.#context.emit({ type: "reasoning", content });
  }

  /** A piece of a call. Who runs it is told with its first piece. */
  callDelta(fragment: ToolCallFragment, runsOn: ToolRunsOn = "server"): void {
    const progress = this.#calls.feed(fragment);
    if (!progress) return;
    if (!this.#runsOn.has(progress.index)) this.#runsOn.set(progress.index, runsOn);
    this.#context.emit({ type: "tool_call_delta", ...progress });
  }

  /**
   * The provider ended one call. `value` are its arguments where it tells them as a whole: they count, not the pieces.
   * `incomplete` and `invalid` are its own words about them.
   */
  completeCall(key: CallKey, told: { value?: JsonValue | undefined; incomplete?: boolean; invalid?: boolean } = {}): void {
    const call = this.#calls.complete(key);
    if (!call) return;
    const { index, id, name, argumentsText } = call;
    const view = { index, id, name, argumentsText };
    if (told.incomplete) this.#emitCall({ ...view, arguments: null, incomplete: true });
    else if (told.invalid) this.#emitCall({ ...view, arguments: null, invalid: true });
    else this.#emitCall(told.value === undefined ? call : { ...view, arguments: told.value });
  }

  /**
   * Every call that is still open.
   * @param how `told` the provider ended the calls · `length` the token limit did, perhaps inside one: what parses is whole,
   *   the rest is incomplete · `cut` nobody did: all are incomplete, because what parses may have gone on
   */
  endCalls(how: "told" | "length" | "cut"): void {
    for (const call of this.#calls.finish({ cut: how === "cut" })) {
      const isUnfinished = how === "length" && (call.invalid || call.argumentsText.trim() === "");
      this.#emitCall(isUnfinished ? { ...call, arguments: null, invalid: undefined, incomplete: true } : call);
    }
  }

  /** What a call gave, where the stream tells. A call is answered once. */
  toolResult(id: string, outcome: { result: JsonValue } | { error: string }): void {
    if (this.#answered.has(id)) return;
    this.#answered.add(id);
    this.#toRun.delete(id);
    // No format tells how long a tool ran.
    this.#context.emit({ type: "tool_result", id, name: this.#names.get(id) ?? "", ...outcome, ms: 0 });
  }

  /** A citation. `once` names it, where a format repeats its citations. */
  source(source: { id?: string | undefined; title?: unknown; url?: unknown; snippet?: unknown }, once?: string): void {
    const filled = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
    const url = filled(source.url);
    const title = filled(source.title) ?? url;
    if (!title || (once !== undefined && this.#cited.has(once))) return;
    if (once !== undefined) this.#cited.add(once);
    const snippet = filled(source.snippet);
    const id = filled(source.id) ?? String(++this.#sources);
    this.#context.emit({ type: "source", id, title, ...(url ? { url } : {}), ...(snippet ? { snippet } : {}) });
  }

  usage(figures: { [Key in keyof Usage]: unknown }): void {
    this.#usage = mergeUsage(this.#usage, figures);
  }

  /** @param told The provider's own word for the end. It ends the calls that are open, too. */
  done(told: string): void {
    if (this.#ended) return;
    this.endCalls(isLength(told) ? "length" : "told");
    this.#ended = true;
    if (this.#usage) this.#context.emit({ type: "usage", ...this.#usage });
    const reason = finishReason(told, { callToRun: this.#toRun.size > 0, refusal: this.#refused });
    this.#context.emit({ type: "done", reason, ...(this.#usage ? { usage: this.#usage } : {}) });
  }

  error(error: Parameters<typeof providerError>[0]): void {
    if (this.#ended) return;
    this.endCalls("cut");
    this.#ended = true;
    this.#context.emit(providerError(error));
  }

  /** Whether a payload that may hold anything holds an error. It is the end. */
  failed({ error }: UnknownRecord): boolean {
    if (error === undefined || error === null) return false;
    this.error(record(error) ?? { message: error });
    return true;
  }

  /** A payload without a `type`, in a format whose events all have one: a server or a proxy refused, and this is its answer. */
  refused({ error, detail, message }: UnknownRecord): void {
    this.failed({ error: error ?? detail ?? message });
  }

  cancelled(reason: CancelReason): void {
    if (this.#ended) return;
    this.endCalls("cut");
    this.#ended = true;
    this.#context.emit({ type: "cancelled", reason });
  }

  #emitCall(call: CompletedToolCall): void {
    const runsOn = this.#runsOn.get(call.index) ?? "server";
    this.#names.set(call.id, call.name);
    if (runsOn === "server" && !call.incomplete && !call.invalid) this.#toRun.add(call.id);
    this.#context.emit(toolCallChunk(call, runsOn));
  }
}
