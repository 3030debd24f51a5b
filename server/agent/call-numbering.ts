/** Providers number calls from 0 in every turn, and some reuse ids; in the stream both are unique. */
import type { ToolCallChunk, ToolCallDeltaChunk } from "../../shared/protocol/chunk.ts";

export class CallNumbering {
  #ids: Set<string> | undefined;
  #byIndex: Map<number, { index: number; id: string }> | undefined;
  #count = 0;

  beginTurn(): void {
    this.#byIndex = undefined;
  }

  delta(chunk: ToolCallDeltaChunk): ToolCallDeltaChunk {
    const slot = this.#slot(chunk.index, chunk.id);
    return { ...chunk, index: slot.index, ...(chunk.id === undefined ? {} : { id: slot.id }) };
  }

  call(chunk: ToolCallChunk): ToolCallChunk {
    return { ...chunk, ...this.#slot(chunk.index, chunk.id) };
  }

  #slot(index: number, id: string | undefined): { index: number; id: string } {
    const byIndex = (this.#byIndex ??= new Map());
    let slot = byIndex.get(index);
    if (!slot) {
      slot = { index: this.#count++, id: "" };
      byIndex.set(index, slot);
    }
    if (!slot.id && id !== undefined) {
      const base = id || `call_${slot.index}`;
      const ids = (this.#ids ??= new Set());
      slot.id = ids.has(base) ? `${base}_${slot.index}` : base;
      ids.add(slot.id);
    }
    return slot;
  }
}
