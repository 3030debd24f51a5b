/**
 * A provider runs one turn of a model.
 *
 * Contract (held by `providers.test.ts` and `docs-guide.test.ts`):
 * - `stream` yields the turn's chunks and ends with exactly one terminal chunk: `done`, `error` or `cancelled`.
 * - It never throws for what a network or a provider does; the failure is the `error` chunk, with what came before it kept.
 * - Its `error` messages come from the catalogue in `errors.ts`. What the provider said goes to `onDetail`, for the debug log.
 * - Aborting `signal` closes the connection to the provider at once, also before its first byte, and ends the iteration.
 * - It reads as fast as it is pulled: a consumer that stops pulling stops the provider through TCP.
 * - `tool_call` chunks are complete; running them is the tool loop's business.
 * - Tokens may be handed to the turn's `onToken`, where there is one, instead of being yielded.
 */
import type { JsonObject, StreamChunk, TokenChunk } from "../../shared/protocol/chunk.ts";
import type { RequestMessage } from "../../shared/protocol/request.ts";

/** A tool as the model sees it. */
export interface ToolSpecification {
  name: string;
  description: string;
  /** JSON Schema of the arguments, an object schema. */
  parameters: JsonObject;
}

/**
 * A turn's answer in the provider's own form, with what only the provider understands: signatures of its thinking, encrypted
 * reasoning. Some models refuse a later turn, or forget why they called a tool, when it does not come back as it was.
 */
export interface NativeContent {
  /** Who can read it: the `name` of the provider. */
  provider: string;
  content: unknown;
}

/** A message as a provider gets it: those of this run's earlier turns also in its own form. */
export interface TurnMessage extends RequestMessage {
  native?: NativeContent;
}

export type ReasoningEffort = "low" | "medium" | "high";

export interface ModelTurn {
  /** The provider's own id of the model, without our prefix. */
  model: string;
  /** The agent's instructions; `""` for none. */
  instructions: string;
  messages: readonly TurnMessage[];
  tools: readonly ToolSpecification[];
  /** Set on the last turn of a tool loop: the model has to answer with what it has. */
  toolChoice?: "none";
  /** Most output tokens. @defaultValue the provider's own */
  maxOutputTokens?: number | undefined;
  /** How much a model that can think is to think. @defaultValue the provider's own */
  reasoning?: ReasoningEffort | undefined;
  signal: AbortSignal;
  /**
   * Takes a token at once, in its place among the chunks that are yielded; iteration costs several promises for each. A promise
   * says that no more can be taken until it resolves; with `false` nobody wants more, and the iteration ends.
   */
  onToken?: ((token: TokenChunk) => Promise<boolean> | undefined) | undefined;
  /** Called before the terminal chunk of a turn that calls tools; the last call counts. */
  onNative?: ((native: NativeContent) => void) | undefined;
  /** What went wrong in the provider's own words, secrets removed. For a debug log, never for a person. */
  onDetail?: ((detail: string) => void) | undefined;
}

export interface Provider {
  readonly name: string;
  stream(turn: ModelTurn): AsyncIterable<StreamChunk>;
  /**
   * Asked at the start: what is wrong with the key or the model, as a sentence that names the setting and never the key.
   * `undefined` when nothing is known to be wrong, also when nobody answered. Never rejects.
   */
  check?(model: string, signal: AbortSignal): Promise<string | undefined>;
}
