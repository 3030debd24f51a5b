/** Providers number calls from 0 in every turn, and some reuse ids; in the stream both are unique. */
import type { ToolCallChunk, ToolCallDeltaChunk } from "../../shared/protocol/chunk.ts";

export class CallNumbering {
  readonly #ids = new Set<string>();
  #byIndex = new Map<number, { index: number; id: string }>();
  #count = 0;

  beginTurn(): void {
    this.#byIndex = new Map();
  }

  delta(chunk: ToolCallDeltaChunk): ToolCallDeltaChunk {
    const slot = this.#slot(chunk.index, chunk.id);
    return { ...chunk, index: slot.index, ...(chunk.id === undefined ? {} : { id: slot.id }) };
  }

  call(chunk: ToolCallChunk): ToolCallChunk {
    return { ...chunk, ...this.#slot(chunk.index, chunk.id) };
  }

  #slot(index: number, id: string | undefined): { index: number; id: string } {
    let slot = this.#byIndex.get(index);
    if (!slot) {
      slot = { index: this.#count++, id: "" };
      this.#byIndex.set(index, slot);
    }
    if (!slot.id && id !== undefined) {
      const base = id || `call_${slot.index}`;
      slot.id = this.#ids.has(base) ? `${base}_${slot.index}` : base;
      this.#ids.add(slot.id);
    }
    return slot;
  }
}
