/**
 * Where the events of runs are kept while they can be resumed.
 *
 * Contract (held by `run-store-conformance.ts` against every implementation):
 * - A log is the run's events in order: `seq` from 1, without holes, at most one terminal frame, which is the last.
 * - `follow` gives what lies after the cursor and then what comes, each frame once and in order, and returns after the terminal
 *   frame, when `signal` aborts, or when the log is deleted. It copies nothing: a slow reader costs a cursor.
 * - A log that outgrows its bounds drops its oldest frames. A cursor before the oldest one left then gets a `snapshot` frame
 *   first, whose `seq` is the last dropped one: never a silent gap.
 * - A log that was never created or is gone is `undefined` in `head` and an empty `follow`.
 */
import type { Frame } from "./frame.ts";

export interface LogHead {
  /** Seq of the newest event; 0 for an empty log. */
  seq: number;
  ended: boolean;
}

export interface RunStore {
  create(id: string, messageId: string): void | Promise<void>;
  append(id: string, frame: Frame): void | Promise<void>;
  head(id: string): LogHead | undefined | Promise<LogHead | undefined>;
  follow(id: string, afterSeq: number, signal: AbortSignal): AsyncIterable<readonly Frame[]>;
  delete(id: string): void | Promise<void>;
}
