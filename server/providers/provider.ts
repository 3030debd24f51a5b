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
 */
import type { JsonObject, StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestMessage } from "../../shared/protocol/request.ts";

/** A tool as the model sees it. */
export interface ToolSpecification {
  name: string;
  description: string;
  /** JSON Schema of the arguments, an object schema. */
  parameters: JsonObject;
}

export interface ModelTurn {
  /** The provider's own id of the model, without our prefix. */
  model: string;
  /** The agent's instructions; `""` for none. */
  instructions: string;
  messages: readonly RequestMessage[];
  tools: readonly ToolSpecification[];
  /** Set on the last turn of a tool loop: the model has to answer with what it has. */
  toolChoice?: "none";
  signal: AbortSignal;
  /** What went wrong in the provider's own words, secrets removed. For a debug log, never for a person. */
  onDetail?: (detail: string) => void;
}

export interface Provider {
  readonly name: string;
  stream(turn: ModelTurn): AsyncIterable<StreamChunk>;
}
