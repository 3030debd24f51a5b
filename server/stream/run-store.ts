/**
 * Where runs and their events are kept while they can be resumed, and how instances of the gateway reach each other's runs.
 *
 * Contract (held by `run-store-conformance.ts` against every implementation):
 * - A log is the run's events in order: `seq` from 1, without holes, at most one terminal frame, which is the last.
 * - `follow` hands a reader what lies after its cursor and then what comes, each frame once and in order, and calls `end` after the
 *   terminal frame, or when the log is gone. A reader that returns a promise is given nothing more until it resolves; it costs a
 *   cursor, and slows nobody.
 * - A log that outgrows its bounds drops its oldest frames. A cursor before the oldest one left then gets a `snapshot` frame
 *   first, whose `seq` is the last dropped one: never a silent gap.
 * - `create` gives back the run that the same `requestKey` already began, on whatever instance, and then creates nothing.
 * - What a reader was given is in the log for every other reader, on every instance: a cursor is never beyond `head`.
 * - A run whose process died ends with `error {code: "producer_lost"}`, and is not begun again.
 * - A log that was never created or is gone is `undefined` in `head` and `find`, and its `follow` ends at once.
 */
import type { CancelReason } from "../../shared/protocol/chunk.ts";
import type { ApprovalRequest, ToolResultRequest } from "../../shared/protocol/request.ts";
import type { Frame } from "./frame.ts";

/** What is known of a run wherever it is found. */
export interface RunRecord {
  id: string;
  messageId: string;
  agentId: string;
  /** The model's name as clients see it. */
  model: string;
  requestId: string | undefined;
  /** Hash of who may resume and stop it. */
  owner: string;
  onDisconnect: "continue" | "cancel";
  /** Hash of what was asked: the same `requestId` with something else in it is a mistake, or somebody guessing. */
  fingerprint: string;
}

export interface LogHead {
  /** Seq of the newest event; 0 for an empty log. */
  seq: number;
  ended: boolean;
}

export interface FrameReader {
  /** Takes the next frames. A promise means: no more until it resolves. It never rejects. */
  take(frames: readonly Frame[]): Promise<void> | undefined;
  /** Nothing more comes: the terminal frame was taken, or the log is gone. */
  end(): void;
}

export interface FrameWriter {
  /** A promise where the store is behind: the producer waits for it. Frames of an ended or deleted log are dropped. */
  append(frame: Frame): Promise<void> | undefined;
}

export interface Follow {
  /** Last event handed to the reader. */
  readonly seq: number;
  /** Nothing more is handed over, and `end` is not called. */
  leave(): void;
}

/** What may be said to a run from outside its process. */
export type RunMessage =
  | { type: "cancel"; reason: CancelReason }
  | { type: "tool_result"; result: ToolResultRequest }
  | { type: "approval"; approval: ApprovalRequest }
  /** Readers at another instance: how far the fastest is, or that there is none any more. */
  | { type: "readers"; instance: string; seq: number | null };

/** `refused` tells why an answer cannot be taken; `undefined` where nobody answered: the process is gone, or cannot be reached. */
export type RunReply = "accepted" | "duplicate" | "unknown" | { refused: string } | undefined;

/** The runs of this process, for the store to reach them. */
export interface LocalRuns {
  deliver(id: string, message: RunMessage): RunReply;
  /** Its log was taken from it (it was believed dead) or cannot be written any more. */
  lost(id: string, error: Error): void;
}

export interface RunStore {
  /** Name of this process among the instances. */
  readonly instance: string;
  /** Whether other instances can go on with what is read here. */
  readonly shared: boolean;
  /** Called once, before the first run. */
  serve(runs: LocalRuns): void;
  create(run: RunRecord, requestKey: string | undefined): RunRecord | undefined | Promise<RunRecord | undefined>;
  find(id: string): RunRecord | undefined | Promise<RunRecord | undefined>;
  /** Where the producer of a run that was created here writes its frames; found once, not for every token. */
  writer(id: string): FrameWriter;
  head(id: string): LogHead | undefined | Promise<LogHead | undefined>;
  follow(id: string, afterSeq: number, reader: FrameReader): Follow;
  /** Says something to a run, wherever it is. */
  tell(id: string, message: RunMessage): Promise<RunReply>;
  delete(id: string): void | Promise<void>;
  /** Whether runs can be kept right now; `false` takes the instance out of the load balancer. */
  healthy(): boolean;
  /** Writes what is not written yet, and lets go of connections and timers. */
  close(): Promise<void>;
}
