/**
 * Merges tokens before they are stored, so that the log, the wire and every reader carry fewer events and `seq` has no holes.
 *
 * The first token goes out at once. After that, tokens (or reasoning) that arrive within `windowMs` of the last stored event
 * become one event. Where the next one follows within half of that, the model is fast, and the window begins with the token instead:
 * a fifth fewer events at 200 tok/s, and none that waits longer. A model slower than the window is never delayed. At 200 tok/s a
 * window of 16 ms costs half the CPU of one write per token.
 */
import type { ReasoningChunk, StreamChunk, TokenChunk } from "../../shared/protocol/chunk.ts";
import type { FlushWheel } from "./flush-wheel.ts";

type Mergeable = TokenChunk | ReasoningChunk;

export class Coalescer {
  readonly #emit: (chunk: StreamChunk) => void;
  readonly #wheel: FlushWheel;
  /** What the held text is; its text is put together apart, because an object per token costs more than the token. */
  #held: Mergeable | undefined;
  #text = "";
  #lastEmit = Number.NEGATIVE_INFINITY;

  constructor(wheel: FlushWheel, emit: (chunk: StreamChunk) => void) {
    this.#wheel = wheel;
    this.#emit = emit;
  }

  push(chunk: StreamChunk): void {
    if (chunk.type !== "token" && chunk.type !== "reasoning") {
      this.flush();
      this.#emit(chunk);
      return;
    }
    if (this.#held && sameKind(this.#held, chunk)) {
      this.#text += chunk.content;
      return;
    }
    this.flush();
    const now = performance.now();
    if (now - this.#lastEmit >= this.#wheel.windowMs) {
      this.#lastEmit = now;
      this.#emit(chunk);
      return;
    }
    this.#held = chunk;
    this.#text = chunk.content;
    const { windowMs } = this.#wheel;
    const isFast = now - this.#lastEmit <= windowMs / 2;
    this.#wheel.hold(this, (isFast ? now : this.#lastEmit) + windowMs);
  }

  /** Stores what is held back. */
  flush(now = performance.now()): void {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    this.#lastEmit = now;
    this.#emit(this.#text.length === held.content.length ? held : { ...held, content: this.#text });
  }
}

function sameKind(a: Mergeable, b: Mergeable): boolean {
  return a.type === b.type && (a.type !== "token" || b.type !== "token" || a.refusal === b.refusal);
}
