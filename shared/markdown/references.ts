/**
 * Link reference definitions, and the leaves that asked for one which had not been defined yet.
 * A definition may come long after its use; only the leaves that wait for its label are read again.
 */
import type { Definition, LinkTarget } from "./links.ts";

/** A finished leaf that looked up labels in vain. */
export interface WaitingLeaf {
  readonly length: number;
  /** Reads the leaf again with what is defined now; returns the labels that are still missing. */
  readAgain(): ReadonlySet<string>;
}

/** Leaves above this many characters are read again only after as much text as an eighth of them, or at the end. */
const LARGE_LEAF = 4_096;

export class References {
  // A Map, never a plain object: a label such as "__proto__" is only a key.
  readonly #targets = new Map<string, LinkTarget>();
  readonly #waiting = new Map<string, Set<WaitingLeaf>>();
  readonly #due = new Map<WaitingLeaf, number>();

  /** The first definition of a label wins. */
  define({ label, ...target }: Definition): void {
    if (this.#targets.has(label)) return;
    this.#targets.set(label, target);
    for (const leaf of this.#waiting.get(label) ?? []) this.#due.set(leaf, this.#due.get(leaf) ?? -1);
    this.#waiting.delete(label);
  }

  find(label: string): LinkTarget | undefined {
    return this.#targets.get(label);
  }

  wait(leaf: WaitingLeaf, missing: ReadonlySet<string>): void {
    for (const label of missing) {
      if (this.#targets.has(label)) continue;
      const leaves = this.#waiting.get(label);
      if (leaves) leaves.add(leaf);
      else this.#waiting.set(label, new Set([leaf]));
    }
  }

  /**
   * Reads the leaves again whose labels have been defined. `position` is the number of characters read so far.
   * A thousand definitions that arrive one by one for one large leaf must not cost a thousand readings of it:
   * such a leaf waits until the text has grown by an eighth of its length. `final` waits for nothing.
   */
  settle(position: number, final: boolean): void {
    if (this.#due.size === 0) return;
    for (const [leaf, due] of this.#due) {
      if (!final && leaf.length > LARGE_LEAF) {
        if (due < 0) {
          this.#due.set(leaf, position + leaf.length / 8);
          continue;
        }
        if (position < due) continue;
      }
      this.#due.delete(leaf);
      this.wait(leaf, leaf.readAgain());
    }
  }
}
