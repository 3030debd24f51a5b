/**
 * A tool that runs at the gateway.
 *
 * Contract:
 * - `run` gets arguments that were complete, parsed, and checked against `parameters`.
 * - It stops when `signal` aborts (Stop, or the timeout). The loop does not wait for one that does not.
 * - What it throws is told to the model as a failure without its text; throw `ToolError` to choose the words.
 */
import type { JsonObject, JsonValue, SourceChunk } from "../../shared/protocol/chunk.ts";

export interface ToolContext {
  callId: string;
  /** Aborts on Stop and at the timeout. */
  signal: AbortSignal;
  /** Numbers for `count` citations, unique in the run: the first of them. */
  reserveCitations: (count: number) => number;
  /** Tells the person how far it is. Told at most four times a second; the latest one counts. */
  onProgress: (progress: { progress: number; total?: number; message?: string }) => void;
}

export interface ToolOutcome {
  /** Shown to the person, and to the model unless `modelText` is set. */
  result: JsonValue;
  /** What the model reads instead, where that is longer than what a person wants to see. */
  modelText?: string;
  /** Citations, sent after the result. */
  sources?: SourceChunk[];
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object schema. */
  readonly parameters: JsonObject;
  /** Where the schema comes from: one of our own code is trusted with patterns and references. @defaultValue `false` */
  readonly hasForeignSchema?: boolean | undefined;
  /** Longest run in ms. @defaultValue `30_000` */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a person has to approve a call before it runs: always, never, or by a rule on its arguments. A rule that throws
   * means yes. @defaultValue `false`
   */
  readonly needsApproval?: boolean | ((input: JsonValue) => boolean) | undefined;
  /** Whether calls of one turn may run at the same time as others. @defaultValue `true` */
  readonly parallel?: boolean | undefined;
  run(input: JsonValue, context: ToolContext): Promise<ToolOutcome> | ToolOutcome;
}

/** A failure whose message may be shown to the person and the model. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}
