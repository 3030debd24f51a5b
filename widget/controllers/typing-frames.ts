/**
 * Frames for text that streams in while its reader types: the keys come first. While one types the text is written ten times a
 * second instead of sixty, so that on a slow machine most keys find the page with nothing else to do. Nothing is lost by it: what
 * waits is written with the next piece.
 */
import type { FrameScheduler } from "../../shared/render/frame-scheduler.ts";

/** Longer than the time between two keys of somebody who types, in ms. */
const TYPING_MS = 300;
/** Between two pieces of text while one types, in ms. */
const PIECE_MS = 100;
/** What is asked for within this time belongs to one frame, in ms: thinking and answer are written together. */
const FRAME_MS = 4;

export class TypingFrames implements FrameScheduler {
  readonly #frames: FrameScheduler;
  readonly #now: () => number;
  #typedAt = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(frames: FrameScheduler, now: () => number = () => performance.now()) {
    this.#frames = frames;
    this.#now = now;
  }

  /** A key was pressed. */
  typed(): void {
    this.#typedAt = this.#now();
  }

  schedule(callback: () => void): () => void {
    let cancel: () => void;
    const frame = (): void => {
      const now = this.#now();
      const since = now - this.#writtenAt;
      if (now - this.#typedAt < TYPING_MS && since > FRAME_MS && since < PIECE_MS) {
        cancel = this.#frames.schedule(frame);
        return;
      }
      this.#writtenAt = now;
      callback();
    };
    cancel = this.#frames.schedule(frame);
    return () => cancel();
  }
}
