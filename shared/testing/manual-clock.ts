/** A clock that moves when it is told to. */
export class ManualClock {
  #ms: number;

  constructor(startMs = 0) {
    this.#ms = startMs;
  }

  /** Pass this where a `now` option is asked for. */
  readonly now = (): number => this.#ms;

  advance(ms: number): void {
    this.#ms += ms;
  }
}
