/** What is folded out. A part opens and closes by itself until the visitor decides; from then on that decision holds. */
export class Disclosures {
  readonly #chosen = new Map<string, boolean>();
  readonly #changed: () => void;
  /** Changes whenever a choice does: lets a view see that it is out of date. */
  version = 0;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  isOpen(key: string, byItself: boolean): boolean {
    return this.#chosen.get(key) ?? byItself;
  }

  toggle(key: string, open: boolean): void {
    this.#chosen.set(key, open);
    this.version += 1;
    this.#changed();
  }

  clear(): void {
    this.#chosen.clear();
  }
}
