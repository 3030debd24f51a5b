/**
 * JSON that stands in an event stream without `data:`. Some servers fall out of the format when they fail: Gemini ends a stream with
 * a pretty-printed error, proxies with a line of JSON. The event stream rules drop such lines, and the answer would
 * look whole. So lines are looked at before the decoder sees them: a line that begins with a bracket is no field of an event.
 */
import { ChatError } from "../errors.ts";

const LF = 10;
const QUOTE = 34;
const BACKSLASH = 92;
const OPENING = new Set([91, 123]);
const CLOSING = new Set([93, 125]);

export interface BareJsonOptions {
  /** The bytes that are none of it, in order. */
  onBytes: (bytes: Uint8Array) => void;
  onJson: (json: string) => void;
  /** Above it `push` throws `event_too_large`. */
  maxBytes: number;
}

export class BareJson {
  readonly #options: BareJsonOptions;
  #atLineStart = true;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  constructor(options: BareJsonOptions) {
    this.#options = options;
  }

  /** The body ended inside the JSON. */
  get isOpen(): boolean {
    return this.#depth > 0;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      const begins = this.#depth === 0 && this.#atLineStart && OPENING.has(bytes[at]!);
      if (begins && at > from) this.#options.onBytes(bytes.subarray(from, at));
      if (begins || this.#depth > 0) {
        at = from = this.#scan(bytes, at);
        continue;
      }
      const lineEnd = bytes.indexOf(LF, at);
      this.#atLineStart = lineEnd !== -1;
      at = lineEnd === -1 ? bytes.length : lineEnd + 1;
    }
    if (from < bytes.length) this.#options.onBytes(from === 0 ? bytes : bytes.subarray(from));
  }

  /** Reads on to the bracket that closes the first one. Returns where the rest begins. */
  #scan(bytes: Uint8Array, start: number): number {
    let at = start;
    do {
      const byte = bytes[at++]!;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = this.#inString;
      else if (byte === QUOTE) this.#inString = !this.#inString;
      else if (!this.#inString) this.#depth += OPENING.has(byte) ? 1 : CLOSING.has(byte) ? -1 : 0;
    } while (this.#depth > 0 && at < bytes.length);
    this.#length += at - start;
    if (this.#length > this.#options.maxBytes) {
      throw new ChatError("event_too_large", `An event is larger than ${this.#options.maxBytes} bytes.`);
    }
    this.#pieces.push(bytes.slice(start, at));
    if (this.#depth > 0) return at;
    this.#atLineStart = false;
    const decoder = new TextDecoder();
    const json = this.#pieces.map((piece) => decoder.decode(piece, { stream: true })).join("");
    this.#pieces = [];
    this.#length = 0;
    this.#options.onJson(json);
    return at;
  }
}
