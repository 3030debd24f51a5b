/**
 * Markdown that arrives in pieces, as operations on a tree: CommonMark 0.31.2, tables, strikethrough, task lists and bare
 * addresses of GFM; raw HTML is text.
 *
 * Each character is read once for the block structure. The final tree depends only on the text, never on how it was cut
 * into pieces. Between two calls of `flush` nothing of an unfinished paragraph is read, so a caller that flushes once
 * per frame pays for one frame, whatever the number of pieces.
 */
import { type BlockCounters, BlockParser } from "./block-parser.ts";
import type { MarkdownOptions } from "./leaf.ts";
import type { TreeSink } from "./tree.ts";

const LINE_END = /\r\n|\n|\r/g;

export class MarkdownStream<H> {
  readonly #blocks: BlockParser<H>;
  /** The line that has no end yet, in the pieces it came in: joined once, not per piece. */
  #pieces: string[] = [];
  #partialLength = 0;
  /** Length at which the partial line is looked at again. */
  #nextLook = 1;
  /** The last character was a CR: an LF that follows belongs to it. */
  #afterReturn = false;
  #ended = false;

  constructor(sink: TreeSink<H>, options: MarkdownOptions = {}) {
    this.#blocks = new BlockParser(sink, options);
  }

  /** Work done so far; every entry grows linearly with the text. */
  get counters(): Readonly<BlockCounters> {
    return this.#blocks.counters;
  }

  /** Reads more text. Finished lines reach the sink; call `flush` to see the unfinished one. */
  write(text: string): void {
    if (this.#ended) throw new TypeError("write after end");
    if (text === "") return;
    let at = this.#afterReturn && text.startsWith("\n") ? 1 : 0;
    this.#afterReturn = text.endsWith("\r");
    // A NUL has no meaning in any document (spec: insecure characters).
    const safe = text.replaceAll("\0", "\u{FFFD}");
    for (;;) {
      LINE_END.lastIndex = at;
      const match = LINE_END.exec(safe);
      const end = match ? match.index : safe.length;
      // Read before anything else runs: the pattern's position is shared by all streams.
      const next = LINE_END.lastIndex;
      if (end > at) this.#piece(safe.slice(at, end));
      if (!match) break;
      this.#lineEnd();
      at = next;
    }
  }

  #piece(text: string): void {
    if (this.#blocks.inLine) {
      this.#blocks.more(text);
      return;
    }
    this.#pieces.push(text);
    this.#partialLength += text.length;
  }

  #takePartial(): string {
    const line = this.#pieces.length === 1 ? (this.#pieces[0] ?? "") : this.#pieces.join("");
    this.#pieces = [];
    this.#partialLength = 0;
    this.#nextLook = 1;
    return line;
  }

  #lineEnd(): void {
    if (this.#blocks.inLine) this.#blocks.endLine();
    else this.#blocks.line(this.#takePartial(), true);
  }

  /** Shows the unfinished line as far as its meaning is certain, at most once per frame. */
  flush(): void {
    if (this.#ended) return;
    // Looked at again only when it has grown by a quarter: a long row of a table must not be read once per character.
    if (!this.#blocks.inLine && this.#partialLength >= this.#nextLook) {
      const line = this.#pieces.join("");
      const decided = this.#blocks.line(line, false);
      this.#pieces = [line];
      if (decided === true) this.#takePartial();
      else this.#nextLook = decided === "never" ? Number.POSITIVE_INFINITY : Math.ceil(line.length * 1.25 + 0.5);
    }
    this.#blocks.show();
  }

  /** Finishes the last line and closes what is open. Later calls do nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#blocks.inLine) this.#blocks.endLine();
    else if (this.#partialLength > 0) this.#blocks.line(this.#takePartial(), true);
    this.#blocks.end();
  }
}
