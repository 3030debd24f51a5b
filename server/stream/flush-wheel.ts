/**
 * When held text is due, for all runs of a gateway: one timer that turns in quarters of the window, and stops when
 * nothing is held. A timer of its own for every run and window costs more than the tokens it holds.
 */

interface Held {
  /** Whatever it holds by then; nothing is no harm. */
  flush(now: number): void;
}

/** Turns in a window. Fewer would send everything in one burst, more are more timers. */
const TURNS = 4;

export class FlushWheel {
  readonly windowMs: number;
  readonly #turnMs: number;
  /** What is due in a turn, by the turn's number: not more than a window ahead, and the turn that runs. */
  readonly #due: Held[][] = Array.from({ length: TURNS + 2 }, () => []);
  #last = 0;
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param windowMs In ms, above 0. */
  constructor(windowMs: number) {
    this.windowMs = windowMs;
    this.#turnMs = windowMs / TURNS;
  }

  /** @param due On the clock of `performance.now`, at most a window from now. It is flushed up to a turn earlier, and then always at its turn. */
  hold(held: Held, due: number): void {
    if (!this.#timer) {
      const now = performance.now();
      this.#last = Math.floor(now / this.#turnMs);
      this.#wait(now);
    }
    const turn = Math.max(this.#last + 1, Math.floor(due / this.#turnMs));
    this.#due[turn % this.#due.length]?.push(held);
    this.#held++;
  }

  #wait(now: number): void {
    this.#timer = setTimeout(() => this.#turn(), Math.ceil((this.#last + 1) * this.#turnMs - now));
  }

  #turn(): void {
    const now = performance.now();
    const turn = Math.floor(now / this.#turnMs);
    // A late timer owes the turns it missed, each once.
    for (let missed = Math.min(turn - this.#last, this.#due.length); missed > 0 && this.#held > 0; missed--) {
      const due = this.#due[++this.#last % this.#due.length] ?? [];
      this.#held -= due.length;
      for (const held of due.splice(0)) held.flush(now);
    }
    this.#last = turn;
    this.#timer = undefined;
    if (this.#held > 0) this.#wait(now);
  }
}
