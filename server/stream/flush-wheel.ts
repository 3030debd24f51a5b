/**
 * When held text is due, for all runs of a gateway: one timer, set to the next turn in which something is. A timer of its own for
 * every run and window costs more than the tokens it holds.
 */

interface Held {
  /** Whatever it holds by then; nothing is no harm. */
  flush(now: number): void;
}

/** Timers are no finer, so what is due within one goes together. */
const TURN_MS = 1;

export class FlushWheel {
  readonly windowMs: number;
  /** What is due in a turn, by the turn's number: a window ahead of now, and the last turn that ran may be a window behind. */
  readonly #due: Held[][];
  #last = 0;
  #held = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The turn the timer is set to. */
  #next = 0;

  /** @param windowMs In ms, above 0. */
  constructor(windowMs: number) {
    this.windowMs = windowMs;
    this.#due = Array.from({ length: Math.ceil((2 * windowMs) / TURN_MS) + 2 }, () => []);
  }

  /** @param due On the clock of `performance.now`, at most a window from now. It is flushed less than a turn later. */
  hold(held: Held, due: number): void {
    if (this.#held === 0) this.#last = Math.floor(performance.now() / TURN_MS);
    const turn = Math.max(this.#last + 1, Math.ceil(due / TURN_MS));
    this.#due[turn % this.#due.length]?.push(held);
    this.#held++;
    if (this.#timer && this.#next <= turn) return;
    clearTimeout(this.#timer);
    this.#wait(turn, performance.now());
  }

  #wait(turn: number, now: number): void {
    this.#next = turn;
    this.#timer = setTimeout(() => this.#turn(), Math.ceil(turn * TURN_MS - now));
  }

  #turn(): void {
    const now = performance.now();
    const turn = Math.floor(now / TURN_MS);
    // A late timer owes the turns it missed, each once.
    for (let missed = Math.min(turn - this.#last, this.#due.length); missed > 0 && this.#held > 0; missed--) {
      const due = this.#due[++this.#last % this.#due.length] ?? [];
      this.#held -= due.length;
      for (const held of due.splice(0)) held.flush(now);
    }
    this.#last = turn;
    this.#timer = undefined;
    if (this.#held === 0) return;
    let next = turn + 1;
    while (this.#due[next % this.#due.length]?.length === 0) next++;
    this.#wait(next, now);
  }
}
