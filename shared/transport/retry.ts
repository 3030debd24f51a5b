/** When to try again: exponential backoff with jitter, woken early when the browser is back online. */
import type { RetryOptions } from "./transport.ts";

export class Backoff {
  readonly maxAttempts: number;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor({ maxAttempts = 5, baseMs = 300, maxMs = 10_000, random = Math.random }: RetryOptions = {}) {
    this.maxAttempts = maxAttempts;
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Attempts since the last progress. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Something new arrived: the budget is whole again. */
  progress(): void {
    this.#attempt = 0;
  }

  /**
   * The wait before the next attempt in ms, or `null` when the budget is spent. Jitter takes up to half of the wait away,
   * so that clients cut at the same moment do not come back at the same moment. `Retry-After` is a floor.
   */
  next(retryAfterMs = 0): number | null {
    if (this.#attempt >= this.maxAttempts) return null;
    const full = Math.min(this.#maxMs, this.#baseMs * 2 ** this.#attempt);
    this.#attempt++;
    return Math.max(retryAfterMs, Math.round(full * (1 - this.#random() / 2)));
  }
}

/** Waits, but no longer than until the browser says it is online again. Ends early, without error, when `signal` aborts. */
export function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Node has no such events.
    const events: Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">> = globalThis;
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      events.removeEventListener?.("online", finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    signal.addEventListener("abort", finish);
    events.addEventListener?.("online", finish);
    if (signal.aborted) finish();
  });
}

/** `Retry-After` in ms: seconds or an HTTP date. */
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
