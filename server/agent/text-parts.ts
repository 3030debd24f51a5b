/**
 * Text that grows by small pieces and is read once. Put together piece by piece with `+=` a string keeps every piece and a node
 * for each alive, which the garbage collector copies: here they are joined in groups, and the pieces forgotten. The array stays:
 * with many texts at once a new one is memory that no cache holds.
 */
const GROUP = 16;

export class TextParts {
  #joined = "";
  #count = 0;
  readonly #parts: string[] = [];

  push(part: string): void {
    this.#parts[this.#count++] = part;
    if (this.#count === GROUP) this.#join();
  }

  toString(): string {
    this.#join();
    return this.#joined;
  }

  #join(): void {
    this.#joined += (this.#count === GROUP ? this.#parts : this.#parts.slice(0, this.#count)).join("");
    this.#count = 0;
  }
}
