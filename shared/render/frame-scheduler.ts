/**
 * Runs a callback in the next animation frame. A hidden document has no frames, so there a timer takes their place: the
 * text must be complete when the reader comes back, and what waits on the last frame must not wait for ever.
 */

export interface FrameScheduler {
  /** Runs `callback` once, before the next paint. The returned function cancels it; cancelling twice is harmless. */
  schedule(callback: () => void): () => void;
}

/** What a scheduler needs from a window; a manual clock in tests. */
export interface FrameClock {
  requestAnimationFrame(callback: () => void): number;
  cancelAnimationFrame(id: number): void;
  setTimeout(callback: () => void, ms: number): number;
  clearTimeout(id: number): void;
  readonly document: { readonly hidden: boolean };
}

/** Wait in a hidden document, in ms. Browsers throttle its timers to about one per second anyway. */
const HIDDEN_MS = 250;

export function createFrameScheduler(clock: FrameClock): FrameScheduler {
  return {
    schedule(callback) {
      let done = false;
      let timer = 0;
      const cancel = (): void => {
        done = true;
        clock.cancelAnimationFrame(frame);
        clock.clearTimeout(timer);
      };
      const run = (): void => {
        if (done) return;
        cancel();
        callback();
      };
      // The document may be hidden after the frame was asked for, and then the frame never comes: both are always set.
      // In a visible document that is merely slow the timer only waits again, so that there is one run per frame.
      const wait = (): void => {
        timer = clock.setTimeout(() => (clock.document.hidden ? run() : wait()), HIDDEN_MS);
      };
      const frame = clock.requestAnimationFrame(run);
      wait();
      return cancel;
    },
  };
}

/** The frames of a document's window; of this one where it has none (a document made by script). */
export function documentFrames(document: Document): FrameScheduler {
  return createFrameScheduler(document.defaultView ?? window);
}
