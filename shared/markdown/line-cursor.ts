/**
 * A position in one line, in characters and in columns: tabs count to the next multiple of four, and a marker may use
 * up part of a tab (https://spec.commonmark.org/0.31.2/#tabs).
 */
export class LineCursor {
  line = "";
  offset = 0;
  column = 0;
  /** First character after `offset` that is neither space nor tab; the line's length when there is none. */
  next = 0;
  nextColumn = 0;
  /** Columns of white space between `offset` and `next`. */
  indent = 0;
  /** Nothing but white space is left. */
  blank = false;
  #partialTab = false;

  reset(line: string): void {
    this.line = line;
    this.offset = 0;
    this.column = 0;
    this.#partialTab = false;
    this.find();
  }

  /** Looks for the next character that is not white space. */
  find(): void {
    let at = this.offset;
    let column = this.column;
    for (;;) {
      const code = this.line.charCodeAt(at);
      if (code === 32) column++;
      else if (code === 9) column += 4 - (column % 4);
      else break;
      at++;
    }
    this.next = at;
    this.nextColumn = column;
    this.indent = column - this.column;
    this.blank = at >= this.line.length;
  }

  /** Code of the next visible character, NaN at the end. */
  peek(): number {
    return this.line.charCodeAt(this.next);
  }

  isSpaceAt(offset: number): boolean {
    const code = this.line.charCodeAt(offset);
    return code === 32 || code === 9;
  }

  skipSpace(): void {
    this.offset = this.next;
    this.column = this.nextColumn;
    this.#partialTab = false;
    this.indent = 0;
  }

  /** Skips `count` characters. */
  advance(count: number): void {
    while (count-- > 0 && this.offset < this.line.length) {
      this.column += this.line.charCodeAt(this.offset) === 9 ? 4 - (this.column % 4) : 1;
      this.offset++;
      this.#partialTab = false;
    }
    this.find();
  }

  /** Skips `count` columns, maybe ending inside a tab. */
  advanceColumns(count: number): void {
    while (count > 0 && this.offset < this.line.length) {
      if (this.line.charCodeAt(this.offset) === 9) {
        const width = 4 - (this.column % 4);
        this.#partialTab = width > count;
        const used = Math.min(width, count);
        this.column += used;
        count -= used;
        if (!this.#partialTab) this.offset++;
      } else {
        this.#partialTab = false;
        this.offset++;
        this.column++;
        count--;
      }
    }
    this.find();
  }

  /** What is left of the line; the rest of a partly used tab becomes spaces. */
  rest(): string {
    if (!this.#partialTab) return this.line.slice(this.offset);
    return " ".repeat(4 - (this.column % 4)) + this.line.slice(this.offset + 1);
  }

  save(): readonly [offset: number, column: number, partialTab: boolean] {
    return [this.offset, this.column, this.#partialTab];
  }

  restore([offset, column, partialTab]: readonly [number, number, boolean]): void {
    this.offset = offset;
    this.column = column;
    this.#partialTab = partialTab;
    this.find();
  }
}
