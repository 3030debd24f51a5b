/** Events that come from beside the model's stream, such as a person's decision, on their way into the run's one sequence. */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";

export class Outbox {
  #chunks: StreamChunk[] = [];
  #wake: (() => void) | undefined;
  #filled: Promise<void> | undefined;

  push(chunk: StreamChunk): void {
    this.#chunks.push(chunk);
    this.#wake?.();
    this.#filled = undefined;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Everything since the last call. */
  take(): StreamChunk[] {
    if (this.#chunks.length === 0) return this.#chunks;
    const taken = this.#chunks;
    this.#chunks = [];
    return taken;
  }

  /** Resolves when there is something to take. The same promise while there is not: a race adds no listener per round. */
  filled(): Promise<void> {
    if (this.#chunks.length > 0) return Promise.resolve();
    return (this.#filled ??= new Promise((resolve) => (this.#wake = resolve)));
  }
}
