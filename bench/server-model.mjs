/**
 * The model that every contender streams: tokens at a fixed pace, from one timer for all streams, each with the time it was made.
 * A stream begins at its own place in the second, so that tokens are spread evenly and not sent in step.
 */

/** Microseconds of the machine's monotonic clock, the same in every process; 9 digits, so that a token is always as long. */
export function clock() {
  return Number(process.hrtime.bigint() / 1_000n) % 1_000_000_000;
}

export class Model {
  /** By the place in the period at which their tokens come: a turn looks at those that are due and at no other. */
  #phases;
  #count = 0;
  #next = 0;
  #tick = 0;
  #timer;
  #started;
  tokens = 0;

  /** @param tokensPerSecond of each stream */
  constructor(tokensPerSecond) {
    this.period = Math.round(1_000 / tokensPerSecond);
    this.#phases = Array.from({ length: this.period }, () => new Set());
  }

  /** Calls `onToken` with each token's text until the function it returns is called. */
  stream(onToken) {
    const entry = { onToken };
    const phase = this.#phases[this.#next++ % this.period];
    phase.add(entry);
    this.#count++;
    if (!this.#timer) {
      this.#started = performance.now();
      this.#timer = setInterval(() => this.#turn(), 1);
    }
    return () => {
      if (!phase.delete(entry) || --this.#count > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#tick = 0;
    };
  }

  /** The same for those who want to iterate: what a provider's SDK gives. */
  iterate(toItem) {
    const queue = [];
    let wake;
    let stop = () => undefined;
    const iterator = {
      [Symbol.asyncIterator]: () => iterator,
      next() {
        if (queue.length > 0) return Promise.resolve({ done: false, value: queue.shift() });
        return new Promise((resolve) => (wake = resolve));
      },
      return() {
        stop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    stop = this.stream((text) => {
      const value = toItem(text);
      if (!wake) return void queue.push(value);
      const resolve = wake;
      wake = undefined;
      resolve({ done: false, value });
    });
    return iterator;
  }

  #turn() {
    const due = performance.now() - this.#started;
    // A late timer owes the ticks it missed.
    while (this.#tick < due) {
      for (const { onToken } of this.#phases[this.#tick++ % this.period]) {
        this.tokens++;
        onToken(` word @${String(clock()).padStart(9, "0")}`);
      }
    }
  }
}
