/**
 * Block structure, line by line (https://spec.commonmark.org/0.31.2/#phase-1-block-structure), after the architecture of
 * commonmark.js: a chain of open blocks, and each line continues some of them, closes the others and may open new ones.
 *
 * A line is handled in two steps. `planLine` only looks: it says which blocks go on, what is opened, and where the text
 * goes. `#apply` does it. Because looking changes nothing, a line that is still arriving can be looked at as often as
 * needed; it is applied as soon as no further character can change its plan, usually after one to four of them, and the
 * rest of the line then goes straight into its leaf. Nothing that was applied is ever undone.
 */
import { type Opening, withoutClosingSequence } from "./block-starts.ts";
import { Leaf, type LeafContext, type MarkdownOptions } from "./leaf.ts";
import { LineCursor } from "./line-cursor.ts";
import { isDecided, type LinePlan, planLine } from "./line-plan.ts";
import { mayBecomeDefinition, skipDefinitions } from "./links.ts";
import { OpenBlock, type Start } from "./open-block.ts";
import { References } from "./references.ts";
import { headerOf, splitRow } from "./tables.ts";
import type { Alignment, TreeSink } from "./tree.ts";

/** Empty cells added to short rows of one table. Without a limit n bytes could ask for n² / 4 cells. */
const MAX_PADDING = 10_000;

export interface BlockCounters {
  /** Characters looked at by the block structure, every look counted. */
  bytesScanned: number;
  /** Characters read by the inline parser, every reading counted. */
  inlineBytes: number;
  /** Operations sent to the sink. */
  ops: number;
}

export class BlockParser<H> {
  readonly counters: BlockCounters = { bytesScanned: 0, inlineBytes: 0, ops: 0 };
  readonly #sink: TreeSink<H>;
  readonly #options: MarkdownOptions;
  readonly #cursor = new LineCursor();
  readonly #references = new References();
  readonly #context: LeafContext<H>;
  readonly #document = new OpenBlock<H>({ kind: "document" }, 0);
  /** The last of the open blocks. */
  #tip = this.#document;
  #line = 0;
  /** Characters of the document so far. */
  #position = 0;
  /** The current line has been applied before its end, and what follows belongs to the last block. */
  #inLine = false;

  constructor(sink: TreeSink<H>, options: MarkdownOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#context = { options, references: this.#references, counters: this.counters, sink };
    this.#document.handle = this.#op().open(null, { kind: "document" });
  }

  /** The rest of the current line goes straight to a leaf. */
  get inLine(): boolean {
    return this.#inLine;
  }

  /**
   * One line, without its line end. One that is not `complete` is only looked at until it is decided.
   * @returns whether it was applied; "never" when it will be decided only by its end
   */
  line(line: string, complete: boolean): boolean | "never" {
    this.counters.bytesScanned += line.length;
    this.#cursor.reset(line);
    const plan = planLine(this.#cursor, this.#document, this.#tip, this.#options.math !== undefined);
    const decided = complete || isDecided(plan, this.#tip);
    if (decided !== true) return decided;
    this.#line++;
    this.#position += line.length;
    this.#apply(plan, complete);
    if (complete) this.#settle();
    else this.#inLine = true;
    return true;
  }

  /** More of a line that was applied before its end. */
  more(text: string): void {
    this.#position += text.length;
    this.counters.bytesScanned += text.length;
    if (this.#tip.kind === "code") this.#append(text);
    else this.#addText(text);
  }

  /** The end of such a line. */
  endLine(): void {
    this.#inLine = false;
    const tip = this.#tip;
    if (tip.fence) this.#append("\n");
    else if (tip.kind === "code") tip.text = "\n";
    else if (tip.kind === "heading") this.#close(this.#line);
    this.#settle();
  }

  /** Counts a line end. */
  #settle(): void {
    this.#references.settle(++this.#position, false);
  }

  /** Shows the unfinished leaf as far as it has come. */
  show(): void {
    const { kind, leaf, text, suspect } = this.#tip;
    if (kind !== "paragraph" && kind !== "heading") return;
    // Nothing but markers yet: what they mean is not known before the first character of text.
    if (!leaf && (!/[^*_~`\\\s[\]]/.test(text) || (suspect && isHeldBack(text)))) return;
    this.#leaf().show();
  }

  end(): void {
    while (this.#tip !== this.#document) this.#close(this.#line);
    this.#close(this.#line);
    this.#references.settle(this.#position, true);
  }

  #apply({ keep, openings, action, rest }: LinePlan<H>, complete: boolean): void {
    if (action !== "lazy") while (this.#tip !== keep) this.#close(this.#line - 1);
    for (const opening of openings) this.#open(opening, complete);
    const tip = this.#tip;
    switch (action) {
      case "text":
      case "lazy":
        if (tip.kind === "paragraph") {
          this.#addText(`\n${rest}`);
          tip.lastLine = this.#line;
        } else {
          const paragraph = this.#push({ kind: "paragraph" });
          paragraph.text = rest;
          paragraph.suspect = /^[[|]/.test(rest);
        }
        break;
      case "code":
        if (tip.fence) this.#append(complete ? `${rest}\n` : rest);
        // Blank lines belong to indented code only when more of it follows.
        else if (rest.trim() === "") tip.text += `${rest}\n`;
        else {
          this.#append(tip.text + rest);
          tip.text = complete ? "\n" : "";
          tip.lastLine = this.#line;
        }
        break;
      case "row":
        this.#row(rest, false);
        break;
      case "closeFence":
        this.#close(this.#line);
        break;
      default:
    }
  }

  #open(opening: Opening, complete: boolean): void {
    const { kind, text, firstLine, leaf } = this.#tip;
    switch (opening.kind) {
      case "item":
        if (kind !== "list") this.#push(opening.marker);
        this.#push(opening);
        break;
      case "heading": {
        const title = opening.text ?? this.#takeParagraph();
        this.#push(opening, opening.text === null ? firstLine : this.#line).text = title;
        if (complete) this.#close(this.#line);
        break;
      }
      case "rule":
        this.#push(opening);
        this.#close(this.#line);
        break;
      case "table": {
        const header = headerOf(text);
        // Only the last line is the header; what stands above it remains a paragraph.
        if (header.length < text.length) {
          const paragraph = this.#tip;
          paragraph.text = text.slice(0, text.length - header.length - 1);
          paragraph.lastLine = this.#line - 2;
          leaf?.restart(paragraph.text);
          this.#close(0);
        } else this.#takeParagraph();
        this.#push(opening, this.#line - 1);
        this.#row(header, true);
        break;
      }
      default:
        this.#push(opening);
    }
  }

  /** Opens a block in the last one. */
  #push(start: Start, firstLine = this.#line): OpenBlock<H> {
    const block = new OpenBlock(start, firstLine, this.#tip);
    this.#tip = block;
    // A paragraph opens at the sink only when it is known to be one.
    if (start.kind !== "paragraph") {
      this.#loosen(block);
      block.handle = this.#op().open(block.parent.handle, start);
    }
    return block;
  }

  /**
   * A list is loose when a blank line stands between two of its items, or between two blocks of one item. That is the
   * case exactly when the block before this one ended earlier than in the line above.
   */
  #loosen({ parent, firstLine }: OpenBlock<H>): void {
    const list = parent.kind === "item" ? parent.parent : parent;
    if (parent.lastLine === 0 || parent.lastLine >= firstLine - 1 || list.kind !== "list" || list.loose || list.handle === null) return;
    list.loose = true;
    this.#op().loosen(list.handle);
  }

  /** Closes the last block. */
  #close(line: number): void {
    const block = this.#tip;
    const { kind, parent } = block;
    const indented = kind === "code" && !block.fence;
    if (kind === "paragraph") this.#finishParagraph(block);
    else if (kind === "heading") this.#leaf().finish(block.text);
    // The line end of indented code; the blank lines that were waiting do not belong to it.
    else if (indented) this.#append("\n");
    this.#tip = parent;
    parent.child = null;
    if (indented || kind === "list" || kind === "item" || kind === "paragraph") block.lastLine ||= block.firstLine;
    else block.lastLine = line;
    parent.lastLine = block.lastLine;
    if (block.handle !== null) this.#op().close(block.handle);
  }

  /** Takes definitions off the beginning. */
  #finishParagraph(block: OpenBlock<H>): void {
    const skip = block.suspect ? skipDefinitions(block.text, this.#references) : 0;
    block.suspect = false;
    if (skip > 0) {
      block.text = block.text.slice(skip);
      if (block.text.trim() === "") {
        this.#remove(block);
        // Definitions show nothing, but whether a list is loose they decide like any other block.
        this.#loosen(block);
        return;
      }
      block.leaf?.restart(block.text);
    }
    this.#leaf().finish(block.text);
  }

  #remove(block: OpenBlock<H>): void {
    if (block.handle !== null) this.#op().remove(block.handle);
    block.handle = null;
  }

  /** Removes the open paragraph and returns its text without definitions. */
  #takeParagraph(): string {
    const block = this.#tip;
    this.#remove(block);
    this.#tip = block.parent;
    return block.text.slice(skipDefinitions(block.text, this.#references));
  }

  #addText(text: string): void {
    this.#tip.text += text;
    this.#tip.leaf?.add(text);
  }

  /** The leaf of the last block; opens a paragraph at the sink. */
  #leaf(): Leaf<H> {
    const block = this.#tip;
    const { kind, start, parent, text } = block;
    if (kind === "paragraph" && !block.suspect) this.#loosen(block);
    block.handle ??= this.#op().open(parent.handle, { kind: "paragraph" });
    if (!block.leaf) {
      block.leaf = new Leaf(
        this.#context,
        block.handle,
        kind === "paragraph" && parent.kind === "item" && parent.lastLine === 0,
        start.kind === "heading" && start.text !== null ? withoutClosingSequence : undefined,
      );
      block.leaf.add(text);
    }
    return block.leaf;
  }

  #row(line: string, header: boolean): void {
    const table = this.#tip;
    const row = this.#op().open(table.handle, { kind: "row", header });
    const cells = splitRow(line);
    const columns: readonly Alignment[] = table.start.kind === "table" ? table.start.align : [];
    for (const [column, align] of columns.entries()) {
      const text = cells[column];
      if (text === undefined && table.padding++ > MAX_PADDING) break;
      const cell = this.#op().open(row, { kind: "cell", header, align });
      if (text) {
        const leaf = new Leaf(this.#context, cell);
        leaf.add(text);
        leaf.finish(text);
      }
      this.#op().close(cell);
    }
    this.#op().close(row);
  }

  /** Adds to the code block that is open. */
  #append(text: string): void {
    if (this.#tip.handle !== null && text !== "") this.#op().append(this.#tip.handle, text);
  }

  /** The sink, for one operation. */
  #op(): TreeSink<H> {
    this.counters.ops++;
    return this.#sink;
  }
}

/** A paragraph that is not shown yet: it may be nothing but definitions, or the header of a table. */
function isHeldBack(text: string): boolean {
  return (text.startsWith("|") && !text.includes("\n")) || (text.length < 2_048 && mayBecomeDefinition(text));
}
