import type { Fence, ListMarker, Opening } from "./block-starts.ts";
import type { Leaf } from "./leaf.ts";

/** What a block was opened as. */
export type Start = Opening | ListMarker | { readonly kind: "document" | "paragraph" };

/** One of the blocks that are open while a document is read: a chain from the document to the one that takes the text. */
export class OpenBlock<H> {
  readonly kind: Start["kind"];
  readonly start: Start;
  readonly fence: Fence | null;
  /** The document is its own parent. */
  readonly parent: OpenBlock<H>;
  readonly depth: number;
  readonly firstLine: number;
  child: OpenBlock<H> | null = null;
  /** Null while a paragraph is held back: it may become a definition, a table's header, or is still empty. */
  handle: H | null = null;
  /** Last line of its last closed child; its own once it is closed. */
  lastLine = 0;
  hasChild = false;
  /** A list with a blank line between its items, or between the blocks of one. */
  loose = false;
  /** Paragraph, heading: the text. Indented code: blank lines that are shown only when more code follows. */
  text = "";
  /** The paragraph begins like a definition or a row of a table, and may be taken back. */
  suspect = false;
  leaf: Leaf<H> | null = null;
  /** Empty cells added to short rows of a table. */
  padding = 0;

  constructor(start: Start, firstLine: number, parent?: OpenBlock<H>) {
    this.kind = start.kind;
    this.start = start;
    this.fence = "offset" in start ? start : null;
    this.firstLine = firstLine;
    this.parent = parent ?? this;
    this.depth = parent ? parent.depth + 1 : 1;
    if (!parent) return;
    parent.child = this;
    parent.hasChild = true;
  }
}
