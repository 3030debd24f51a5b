/** Two models as one provider: the second is asked when the first fails before it said anything. */
import type { ErrorChunk, StreamChunk, TokenChunk } from "../../shared/protocol/chunk.ts";
import type { ResolvedModel } from "./model-registry.ts";
import type { ModelTurn, Provider } from "./provider.ts";

export class FallbackProvider implements Provider {
  readonly name: string;
  readonly #first: ResolvedModel;
  readonly #second: ResolvedModel;
  readonly #onFallback: (error: ErrorChunk) => void;
  /** The first one failed in this run: its later turns go to the second at once. */
  #failed = false;

  constructor(first: ResolvedModel, second: ResolvedModel, onFallback: (error: ErrorChunk) => void) {
    this.name = first.provider.name;
    this.#first = first;
    this.#second = second;
    this.#onFallback = onFallback;
  }

  async *stream(turn: ModelTurn): AsyncGenerator<StreamChunk, void, undefined> {
    if (!this.#failed) {
      let hasSaid = false;
      const onToken =
        turn.onToken &&
        ((token: TokenChunk) => {
          hasSaid = true;
          return turn.onToken?.(token);
        });
      for await (const chunk of this.#first.provider.stream({ ...turn, model: this.#first.model, onToken })) {
        if (chunk.type === "error" && !hasSaid && !turn.signal.aborted) {
          this.#failed = true;
          this.#onFallback(chunk);
          break;
        }
        hasSaid ||= chunk.type !== "usage" && chunk.type !== "error";
        yield chunk;
      }
    }
    if (this.#failed) yield* this.#second.provider.stream({ ...turn, model: this.#second.model });
  }
}
