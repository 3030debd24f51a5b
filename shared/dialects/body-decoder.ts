/** Bytes → events, in either framing, or in the one that the body itself shows. */
import { NdjsonDecoder } from "../sse/ndjson.ts";
import { SseDecoder } from "../sse/decoder.ts";
import type { SseEvent } from "../sse/event.ts";
import { BareJson } from "./bare-json.ts";
import type { Framing } from "./dialect.ts";
import { jsonOf } from "./payload.ts";

export interface BodyDecoderOptions {
  /** `undefined`: told from the first bytes. */
  framing: Framing | undefined;
  onEvent: (event: SseEvent) => void;
  maxEventBytes: number | undefined;
  flushAtEof: boolean;
}

/** White space before the first event that is waited through; more of it is no beginning of JSON. */
const MAX_LEADING_BYTES = 256;

export class BodyDecoder {
  readonly #options: BodyDecoderOptions;
  #decoder: { push(bytes: Uint8Array): void; end(): void } | undefined;
  #bare: BareJson | undefined;
  #held = new Uint8Array(0);
  #framing: Framing | undefined;

  constructor(options: BodyDecoderOptions) {
    this.#options = options;
    if (options.framing) this.#decoder = this.#create(options.framing);
  }

  /** @throws ChatError `event_too_large` */
  push(bytes: Uint8Array): void {
    if (this.#decoder) return this.#decoder.push(bytes);
    const held = new Uint8Array(this.#held.length + bytes.length);
    held.set(this.#held);
    held.set(bytes, this.#held.length);
    this.#held = held;
    const framing = framingOf(held);
    if (!framing) return;
    this.#decoder = this.#create(framing);
    this.#decoder.push(held);
  }

  /** As given, or as the body showed it. */
  get framing(): Framing | undefined {
    return this.#framing;
  }

  /** Returns whether the body ended inside something that is no event yet. */
  end(): boolean {
    // Bytes that are still held are no event: white space, or one bracket.
    this.#decoder?.end();
    return this.#bare?.isOpen ?? false;
  }

  #create(framing: Framing): { push(bytes: Uint8Array): void; end(): void } {
    const { onEvent, maxEventBytes, flushAtEof } = this.#options;
    this.#framing = framing;
    if (framing === "ndjson") return new NdjsonDecoder({ onEvent, maxEventBytes });
    const sse = new SseDecoder({ onEvent, maxEventBytes, flushAtEof });
    const bare = new BareJson({
      onBytes: (bytes) => sse.push(bytes),
      onJson: (json) => {
        // An event before it that had no blank line yet is over.
        sse.push("\n");
        // A list is Gemini's answer without `alt=sse`.
        const list = json.startsWith("[") ? jsonOf(json) : undefined;
        for (const data of Array.isArray(list) ? list.map((one) => JSON.stringify(one)) : [json]) {
          onEvent({ type: "message", data, lastEventId: sse.lastEventId });
        }
      },
      maxBytes: maxEventBytes ?? 4_194_304,
    });
    this.#bare = bare;
    return { push: (bytes) => bare.push(bytes), end: () => sse.end() };
  }
}

/**
 * The first character that is no white space tells: JSON on a line of its own is NDJSON. A bracket alone on its line begins a
 * pretty-printed value, which BareJson reads. `undefined` while it is open.
 */
function framingOf(bytes: Uint8Array): Framing | undefined {
  let at = bytes[0] === 0xef ? 3 : 0;
  while (at < bytes.length && bytes[at]! <= 32) at++;
  if (at >= MAX_LEADING_BYTES) return "sse";
  if (at >= bytes.length) return undefined;
  if (bytes[at] !== 123) return "sse";
  const next = bytes[at + 1];
  if (next === undefined) return undefined;
  return next === 10 || next === 13 ? "sse" : "ndjson";
}
