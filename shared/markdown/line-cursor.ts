/**
 * A position in one line, in characters and in columns: tabs count to the next multiple of four, and a marker may use
 * up part of a tab (https://spec.commonmark.org/0.31.2/#tabs).
 */
export class LineCursor {
  /** The rest of the line from its next character that is neither space nor tab; empty when there is none. */
  text = "";
  /** Columns of white space before it. */
  indent = 0;
  #line = "";
  #offset = 0;
  #column = 0;
  #partialTab = false;

  reset(line: string): void {
    this.#line = line;
    this.#moveTo(0, 0);
  }

  #moveTo(offset: number, column: number, partialTab = false): void {
    this.#offset = offset;
    this.#column = column;
    this.#partialTab = partialTab;
    for (; this.#isSpace(offset); offset++) column += this.#width(offset, column);
    this.indent = column - this.#column;
    this.text = this.#line.slice(offset);
  }

  #isSpace(offset: number): boolean {
    const code = this.#line.charCodeAt(offset);
    return code === 32 || code === 9;
  }

  #width(offset: number, column: number): number {
    return this.#line.charCodeAt(offset) === 9 ? 4 - (column % 4) : 1;
  }

  /** Skips the white space and a marker of `length` characters behind it. */
  skipMarker(length: number): void {
    this.#moveTo(this.#line.length - this.text.length + length, this.#column + this.indent + length);
  }

  /** Skips at most `count` columns of white space, maybe ending inside a tab. */
  skipColumns(count: number): void {
    let offset = this.#offset;
    let column = this.#column;
    const end = column + Math.min(count, this.indent);
    let partialTab = this.#partialTab && column === end;
    while (column < end) {
      const next = column + this.#width(offset, column);
      partialTab = next > end;
      if (partialTab) column = end;
      else {
        column = next;
        offset++;
      }
    }
    this.#moveTo(offset, column, partialTab);
  }

  /** What is left of the line, white space included; the rest of a partly used tab becomes spaces. */
  rest(): string {
    const rest = this.#line.slice(this.#offset);
    return this.#partialTab ? " ".repeat(4 - (this.#column % 4)) + rest.slice(1) : rest;
  }
}
