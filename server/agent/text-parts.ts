/**
 * Text that grows by small pieces and is read once. Put together piece by piece with `+=` a string keeps every piece and a node
 * for each alive, which the garbage collector copies: here they are joined in groups, and the pieces forgotten.
 */
const GROUP = 64;

export class TextParts {
  #joined = "";
  #parts: string[] = [];

  push(part: string): void {
    if (this.#parts.push(part) >= GROUP) this.#join();
  }

  toString(): string {
    this.#join();
    return this.#joined;
  }

  #join(): void {
    this.#joined += this.#parts.join("");
    this.#parts = [];
  }
}
