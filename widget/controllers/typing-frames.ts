/**
 * Frames for text that streams in while its reader types: the keys come first. While one types the text is written about ten times
 * a second instead of sixty, never in the frame that paints a key, rather in the one behind it, and between two pieces no frame is
 * asked for: on a slow machine a key finds the page with nothing else to do. Nothing is lost by it: what waits is written with the
 * next piece.
 */
import type { FrameScheduler } from "../../shared/render/frame-scheduler.ts";

/** Longer than the time between two keys of somebody who types, in ms. */
const TYPING_MS = 300;
/** Between two pieces of text while one types, in ms. */
const PIECE_MS = 100;
/** Between two pieces where the frame behind a key is there for it, in ms: the next key is as far away as it can be. */
const BEHIND_KEY_MS = 50;
/** What is asked for within this time belongs to one frame, in ms: thinking and answer are written together. */
const FRAME_MS = 4;

export interface TypingClock {
  now(): number;
  setTimeout(callback: () => void, ms: number): number;
  clearTimeout(id: number): void;
}

const CLOCK: TypingClock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => window.setTimeout(callback, ms),
  clearTimeout: (id) => window.clearTimeout(id),
};

export class TypingFrames implements FrameScheduler {
  readonly #frames: FrameScheduler;
  readonly #clock: TypingClock;
  #typedAt = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;
  /** A key is not painted yet. */
  #isKeyWaiting = false;
  /** When a frame that paints a key began. */
  #keyFrameAt = Number.NEGATIVE_INFINITY;
  /** Asks for a frame for each text that waits for its time. */
  readonly #waiting = new Set<() => void>();

  constructor(frames: FrameScheduler, clock = CLOCK) {
    this.#frames = frames;
    this.#clock = clock;
  }

  /** A key was pressed. */
  typed(): void {
    this.#typedAt = this.#clock.now();
    if (this.#isKeyWaiting) return;
    this.#isKeyWaiting = true;
    this.#frames.schedule(() => {
      this.#isKeyWaiting = false;
      this.#keyFrameAt = this.#clock.now();
      if (this.#keyFrameAt - this.#writtenAt >= BEHIND_KEY_MS) for (const ask of this.#waiting) ask();
    });
  }

  schedule(callback: () => void): () => void {
    let cancel: () => void;
    /** Writes in the next frame that paints no key. Somebody whose keys are in every frame sees the text too. */
    const ask = (): void => {
      cancel();
      cancel = this.#frames.schedule(() => (this.#paintsKey() ? ask() : write()));
    };
    const write = (): void => {
      this.#writtenAt = this.#clock.now();
      callback();
    };
    const frame = (): void => {
      const now = this.#clock.now();
      const since = now - this.#writtenAt;
      if (since <= FRAME_MS || now - this.#typedAt >= TYPING_MS) return write();
      const timer = this.#clock.setTimeout(ask, Math.max(0, PIECE_MS - since));
      this.#waiting.add(ask);
      cancel = () => {
        this.#clock.clearTimeout(timer);
        this.#waiting.delete(ask);
      };
    };
    cancel = this.#frames.schedule(frame);
    return () => cancel();
  }

  #paintsKey(): boolean {
    const now = this.#clock.now();
    const since = now - this.#writtenAt;
    return (this.#isKeyWaiting || now - this.#keyFrameAt <= FRAME_MS) && since > FRAME_MS && since < 2 * PIECE_MS;
  }
}
