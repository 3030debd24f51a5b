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

export class MarkdownStream<H> {
  readonly #blocks: BlockParser<H>;
  /** The line that has no end yet. */
  #partial = "";
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
    const fresh = this.#afterReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterReturn = text.endsWith("\r");
    // A NUL has no meaning in any document (spec: insecure characters).
    const safe = fresh.replaceAll("\0", "\u{FFFD}").replace(/\r\n?/g, "\n");
    let at = 0;
    for (let end = safe.indexOf("\n"); end >= 0; end = safe.indexOf("\n", at)) {
      this.#add(safe.slice(at, end));
      this.#lineEnd();
      at = end + 1;
    }
    this.#add(safe.slice(at));
  }

  /** More of a line. */
  #add(text: string): void {
    if (this.#blocks.inLine) this.#blocks.more(text);
    else this.#partial += text;
  }

  #lineEnd(): void {
    if (this.#blocks.inLine) this.#blocks.endLine();
    else {
      this.#blocks.line(this.#partial, true);
      this.#partial = "";
    }
    this.#nextLook = 1;
  }

  /** Shows the unfinished line as far as its meaning is certain, at most once per frame. */
  flush(): void {
    if (this.#ended) return;
    // A long one is looked at again only when it has grown by a quarter: a row of a table must not be read once per character.
    const { length } = this.#partial;
    if (length >= this.#nextLook) {
      const decided = this.#blocks.line(this.#partial, false);
      this.#nextLook = decided === "never" ? Number.POSITIVE_INFINITY : Math.max(length + 1, Math.ceil(length * 1.25 - 1));
      if (decided === true) this.#partial = "";
    }
    this.#blocks.show();
  }

  /** Finishes the last line and closes what is open. Later calls do nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#blocks.inLine || this.#partial !== "") this.#lineEnd();
    this.#blocks.end();
  }
}
