/**
 * Frames for text that streams in while its reader types: the keys come first. While one types, the text is written in the frame
 * behind the one that shows a key, when the next key is furthest away, so on a slow machine hardly a key finds the page busy. Between
 * the two no frame is asked for: one that comes for nothing makes the next key wait for it. Nothing is lost: what waits is
 * written with the next piece.
 */
import type { FrameScheduler } from "../../shared/render/frame-scheduler.ts";

/** Longer than the time between two keys of somebody who types, in ms. */
const TYPING_MS = 300;
/** The least between two pieces of text while one types, in ms. */
const PIECE_MS = 100;
/** The most, in ms: keys that repeat leave no frame between them. */
const LATEST_MS = 200;

/** What it needs of time; a manual clock in tests. */
export interface TypingClock {
  /** In ms. */
  now(): number;
  /** Runs `callback` once. The returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}

const windowClock: TypingClock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export class TypingFrames implements FrameScheduler {
  readonly #frames: FrameScheduler;
  readonly #changed: (isTyping: boolean) => void;
  readonly #clock: TypingClock;
  readonly #waiting = new Set<() => void>();
  #isTyping = false;
  #typedAt = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #cancelFrame: (() => void) | null = null;
  #cancelTimer: (() => void) | null = null;

  /** @param changed somebody begins to type, or has stopped */
  constructor(frames: FrameScheduler, changed: (isTyping: boolean) => void = () => undefined, clock: TypingClock = windowClock) {
    this.#frames = frames;
    this.#changed = changed;
    this.#clock = clock;
  }

  /** A key was pressed. */
  typed(): void {
    this.#typedAt = this.#clock.now();
    this.#cancelFrame?.();
    this.#cancelFrame = this.#frames.schedule(() => {
      this.#cancelFrame = this.#frames.schedule(() => {
        if (this.#clock.now() - this.#writtenAt >= PIECE_MS) this.#write();
      });
    });
    if (this.#isTyping) return;
    this.#isTyping = true;
    this.#wait(TYPING_MS);
    this.#changed(true);
  }

  schedule(callback: () => void): () => void {
    if (!this.#isTyping)
      return this.#frames.schedule(() => {
        this.#writtenAt = this.#clock.now();
        callback();
      });
    // As a function of its own: the same callback may wait twice.
    const entry = (): void => callback();
    if (this.#waiting.size === 0) this.#wait(this.#writtenAt + LATEST_MS - this.#clock.now());
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  #wait(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(Math.max(0, ms), () => this.#onTime());
  }

  #onTime(): void {
    const now = this.#clock.now();
    const rest = this.#typedAt + TYPING_MS - now;
    if (rest <= 0) {
      this.#isTyping = false;
      this.#changed(false);
    }
    const late = this.#waiting.size === 0 ? Number.POSITIVE_INFINITY : this.#writtenAt + LATEST_MS - now;
    if (rest <= 0 || late <= 0) {
      this.#cancelFrame?.();
      this.#cancelFrame = this.#frames.schedule(() => this.#write());
    }
    if (rest > 0) this.#wait(late > 0 ? Math.min(rest, late) : rest);
  }

  #write(): void {
    if (this.#waiting.size === 0) return;
    this.#writtenAt = this.#clock.now();
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of due) callback();
  }
}
