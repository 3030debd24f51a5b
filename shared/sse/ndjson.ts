/**
 * Bytes → events, for bodies of one JSON text per line (`application/x-ndjson`, `application/jsonl`): each line is one event.
 * The interface is that of `SseDecoder`, so that a reader need not know which of the two it feeds.
 *
 * A line ends with LF or CRLF. A CR elsewhere is white space of the JSON text and ends nothing. Lines of white space alone are
 * skipped. The last line needs no line end; whether it was cut is for its JSON to tell.
 * @see https://github.com/ndjson/ndjson-spec
 */
import { ChatError } from "../errors.ts";
import type { SseEvent } from "./event.ts";

const CARRIAGE_RETURN = 13;
const BOM = 0xfeff;

export interface NdjsonDecoderOptions {
  /** Gets `{ type: "message", data: line, lastEventId: "" }` for each line, without its line end. */
  onEvent: (event: SseEvent) => void;
  /**
   * Longest line, counted in UTF-16 units (bytes, for ASCII). Above it `push` throws `event_too_large`.
   * @defaultValue `4_194_304`
   */
  maxEventBytes?: number | undefined;
}

export class NdjsonDecoder {
  readonly #onEvent: (event: SseEvent) => void;
  readonly #maxEventBytes: number;
  readonly #text = new TextDecoder("utf-8", { ignoreBOM: true });

  #started = false;
  #ended = false;
  #failed: ChatError | null = null;
  /** The unfinished line. Joined once: adding to a string and splitting it again is quadratic in the line. */
  #fragments: string[] = [];
  #fragmentUnits = 0;

  constructor(options: NdjsonDecoderOptions) {
    this.#onEvent = options.onEvent;
    this.#maxEventBytes = options.maxEventBytes ?? 4_194_304;
  }

  /**
   * Takes the next piece of the body, of any size, cut anywhere.
   * @throws ChatError `event_too_large`; the decoder is then at its end and throws the same error again.
   */
  push(chunk: Uint8Array | string): void {
    if (this.#failed) throw this.#failed;
    this.#scan(typeof chunk === "string" ? chunk : this.#text.decode(chunk, { stream: true }));
  }

  /**
   * The body ended: a last line without a line end is an event too.
   * @throws ChatError `event_too_large`, when half a character at the end made the last line too long.
   */
  end(): void {
    if (this.#failed || this.#ended) return;
    this.#ended = true;
    this.#scan(this.#text.decode());
    this.#line(this.#takeFragments(""));
  }

  #scan(chunk: string): void {
    let text = chunk;
    if (text.length === 0) return;
    if (!this.#started) {
      this.#started = true;
      if (text.charCodeAt(0) === BOM) text = text.slice(1);
    }
    let position = 0;
    for (let lineFeed = text.indexOf("\n"); lineFeed !== -1; lineFeed = text.indexOf("\n", position)) {
      const tail = text.slice(position, lineFeed);
      position = lineFeed + 1;
      this.#line(this.#fragmentUnits > 0 ? this.#takeFragments(tail) : tail);
    }
    if (position === text.length) return;
    const rest = position === 0 ? text : text.slice(position);
    this.#fragments.push(rest);
    this.#fragmentUnits += rest.length;
    // A CR that the next piece may make a CRLF is not counted.
    this.#limit(rest.charCodeAt(rest.length - 1) === CARRIAGE_RETURN ? this.#fragmentUnits - 1 : this.#fragmentUnits);
  }

  #takeFragments(tail: string): string {
    this.#fragments.push(tail);
    const line = this.#fragments.length === 1 ? tail : this.#fragments.join("");
    this.#fragments = [];
    this.#fragmentUnits = 0;
    return line;
  }

  #limit(units: number): void {
    if (units <= this.#maxEventBytes) return;
    this.#failed = new ChatError("event_too_large", `An event is larger than ${this.#maxEventBytes} bytes.`);
    this.#fragments = [];
    throw this.#failed;
  }

  #line(line: string): void {
    const data = line.charCodeAt(line.length - 1) === CARRIAGE_RETURN ? line.slice(0, -1) : line;
    // Whole lines are held to the limit like fragments: where the network cut a line must not matter.
    this.#limit(data.length);
    // Stops at the first unit that is not white space, so its cost is not the line's length.
    if (/[^ \t\r]/.test(data)) this.#onEvent({ type: "message", data, lastEventId: "" });
  }
}
