/**
 * Block structure, line by line (https://spec.commonmark.org/0.31.2/#phase-1-block-structure), after the architecture of
 * commonmark.js: a stack of open blocks, and each line continues some of them, closes the others and may open new ones.
 *
 * A line is handled in two steps. `plan` only looks: it says which blocks go on, what is opened, and where the text
 * goes. `apply` does it. Because looking changes nothing, a line that is still arriving can be looked at as often as
 * needed; it is applied as soon as no further character can change its plan, usually after one to four of them, and the
 * rest of the line then goes straight into its leaf. Nothing that was applied is ever undone.
 */
import {
  closesFence,
  type Fence,
  isRule,
  type ListMarker,
  maybeStart,
  readFence,
  readHeading,
  readListMarker,
  readUnderline,
  withoutClosingSequence,
} from "./block-starts.ts";
import { unescapeText } from "./entities.ts";
import { Leaf, type MarkdownOptions } from "./leaf.ts";
import { LineCursor } from "./line-cursor.ts";
import { mayBecomeDefinition, scanDefinition } from "./links.ts";
import { References } from "./references.ts";
import { readDelimiterRow, splitRow } from "./tables.ts";
import type { Alignment, BlockStart, TreeSink } from "./tree.ts";

/** Open blocks at once. Deeper markers are text: each line looks at every open block, so depth is a factor of the cost. */
const MAX_DEPTH = 64;
/** Empty cells added to short rows of one table. Without a limit n bytes could ask for n² / 4 cells. */
const MAX_PADDING = 10_000;

type Kind = "document" | "quote" | "list" | "item" | "paragraph" | "heading" | "code" | "table";

interface Block<H> {
  readonly kind: Kind;
  /** Null while a paragraph is held back: it may become a definition, a table's header, or is still empty. */
  handle: H | null;
  readonly firstLine: number;
  /** Last line of its last closed child; its own once it is closed. */
  lastLine: number;
  hasChild: boolean;
  /** List and item. */
  readonly marker: ListMarker | null;
  loose: boolean;
  /** Fenced code. */
  readonly fence: Fence | null;
  /** Paragraph, heading: the text. Indented code: blank lines that are shown only when more code follows. */
  text: string;
  /** The paragraph begins like a definition or a row of a table. */
  suspect: boolean;
  /** The heading is a setext one, which has no closing sequence. */
  underlined: boolean;
  leaf: Leaf | null;
  /** Table. */
  readonly align: readonly Alignment[];
  padding: number;
}

type Opening =
  | { readonly kind: "quote" }
  | { readonly kind: "item"; readonly marker: ListMarker }
  | { readonly kind: "heading"; readonly level: number; readonly text: string }
  | { readonly kind: "underline"; readonly level: number }
  | { readonly kind: "fence"; readonly fence: Fence }
  | { readonly kind: "indented" }
  | { readonly kind: "rule" }
  | { readonly kind: "table"; readonly align: readonly Alignment[] };

interface Plan {
  /** How many blocks of the stack go on. */
  keep: number;
  readonly openings: Opening[];
  /** Where the rest of the line goes. */
  action: "text" | "lazy" | "code" | "row" | "closeFence" | "none" | "blank";
  rest: string;
}

/** What the beginning of a text may still become: see `#isDecided`. */
const UNDECIDED = /^(?:[-=_*|:\t ]+|\+[ \t]*|\d{1,9}[.)]?[ \t]*|#{1,6}[ \t]*|`{1,2}|`{3,}[^`]*|~{1,2}|~{3,}.*|\$+[ \t]*)$/;

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
  readonly #stack: Block<H>[];
  #line = 0;
  /** Characters of the document so far. */
  #position = 0;
  /** The current line has been applied before its end, and what follows belongs to the last block. */
  #inLine = false;

  constructor(sink: TreeSink<H>, options: MarkdownOptions) {
    this.#sink = sink;
    this.#options = options;
    const document = newBlock<H>("document", 0, {});
    document.handle = this.#emitOpen(null, { kind: "document" });
    this.#stack = [document];
  }

  get #tip(): Block<H> {
    return this.#at(this.#stack.length - 1);
  }

  #at(index: number): Block<H> {
    const block = this.#stack[index];
    if (!block) throw new RangeError(`no open block ${index}`);
    return block;
  }

  /** The rest of the current line goes straight to a leaf. */
  get inLine(): boolean {
    return this.#inLine;
  }

  /** One complete line, without its line end. */
  line(line: string): void {
    this.#line++;
    this.#position += line.length + 1;
    const plan = this.#plan(line);
    this.#apply(plan, true);
    this.#references.settle(this.#position, false);
  }

  /**
   * Looks at a line that has no end yet. Applies it when it is decided, and says whether it did; "never" when it will be
   * decided only by its end.
   */
  partialLine(line: string): boolean | "never" {
    const plan = this.#plan(line);
    const decided = this.#isDecided(plan);
    if (decided !== true) return decided;
    this.#line++;
    this.#position += line.length;
    this.#apply(plan, false);
    this.#inLine = true;
    return true;
  }

  /** More of a line that was applied before its end. */
  more(text: string): void {
    this.#position += text.length;
    this.counters.bytesScanned += text.length;
    const tip = this.#tip;
    if (tip.kind === "code") this.#emitAppend(tip, text);
    else addText(tip, text);
  }

  /** The end of such a line. */
  endLine(): void {
    this.#position++;
    this.#inLine = false;
    const tip = this.#tip;
    if (tip.kind === "code") {
      if (tip.fence) this.#emitAppend(tip, "\n");
      else tip.text = "\n";
    } else if (tip.kind === "heading") this.#close(this.#line);
    this.#references.settle(this.#position, false);
  }

  /** Shows the unfinished leaf as far as it has come. */
  show(): void {
    const tip = this.#tip;
    if (tip.kind !== "paragraph" && tip.kind !== "heading") return;
    if (!tip.leaf) {
      // Nothing but markers yet: what they mean is not known before the first character of text.
      if (!/[^*_~`\\\s[\]]/.test(tip.text)) return;
      if (tip.suspect && isHeldBack(tip.text)) return;
    }
    this.#leaf(tip, !tip.suspect).show();
  }

  end(): void {
    while (this.#stack.length > 0) this.#close(this.#line);
    this.#references.settle(this.#position, true);
  }

  // ---- Looking --------------------------------------------------------------------------------------------------

  #plan(line: string): Plan {
    const cursor = this.#cursor;
    cursor.reset(line);
    this.counters.bytesScanned += line.length;
    const plan: Plan = { keep: 1, openings: [], action: "none", rest: "" };
    for (; plan.keep < this.#stack.length; plan.keep++) {
      if (!continues(this.#at(plan.keep), cursor)) break;
    }
    const all = plan.keep === this.#stack.length;
    const tip = this.#tip;
    if (all && tip.kind === "code") return this.#planCode(plan, tip);
    if (this.#planStarts(plan)) return plan;
    if (cursor.blank) {
      plan.action = "blank";
      return plan;
    }
    const last = this.#at(plan.keep - 1);
    const lazy = plan.openings.length === 0 && !all && tip.kind === "paragraph";
    plan.action = lazy ? "lazy" : plan.openings.length === 0 && last.kind === "table" ? "row" : "text";
    // A paragraph in a list means that the list has ended: only items stand in it.
    if (plan.action === "text" && plan.openings.length === 0 && last.kind === "list") plan.keep--;
    plan.rest = cursor.line.slice(cursor.next);
    return plan;
  }

  #planCode(plan: Plan, block: Block<H>): Plan {
    const cursor = this.#cursor;
    const { fence } = block;
    if (fence) {
      if (cursor.indent < 4 && closesFence(cursor.line.slice(cursor.next), fence)) {
        plan.action = "closeFence";
        return plan;
      }
      for (let count = fence.offset; count > 0 && cursor.isSpaceAt(cursor.offset); count--) cursor.advanceColumns(1);
    }
    plan.action = "code";
    plan.rest = cursor.rest();
    return plan;
  }

  /** Collects what the line opens. True when that leaves nothing more to plan. */
  #planStarts(plan: Plan): boolean {
    const cursor = this.#cursor;
    const { openings } = plan;
    const tip = this.#tip;
    for (;;) {
      if (cursor.blank) return false;
      const first = openings.length === 0;
      // The block that would receive the text: only before anything has been opened can that be an open paragraph or list.
      const container = first ? this.#at(plan.keep - 1) : null;
      const paragraph = container?.kind === "paragraph" ? container : null;
      if (cursor.indent >= 4) {
        if (first && tip.kind === "paragraph") return false;
        cursor.advanceColumns(4);
        this.#open(plan, { kind: "indented" });
        plan.action = "code";
        plan.rest = cursor.rest();
        return true;
      }
      const code = cursor.peek();
      if (!maybeStart(code)) return false;
      const text = cursor.line.slice(cursor.next);
      if (code === 62) {
        if (this.#stack.length + openings.length >= MAX_DEPTH) return false;
        cursor.skipSpace();
        cursor.advance(1);
        if (cursor.isSpaceAt(cursor.offset)) cursor.advanceColumns(1);
        this.#open(plan, { kind: "quote" });
        continue;
      }
      const heading = code === 35 ? readHeading(text) : null;
      if (heading) {
        this.#open(plan, { kind: "heading", level: heading.level, text: text.slice(heading.length) });
        return true;
      }
      const fence = code === 96 || code === 126 || (code === 36 && this.#options.math) ? readFence(text, cursor.indent) : null;
      if (fence) {
        this.#open(plan, { kind: "fence", fence });
        return true;
      }
      const level = paragraph ? readUnderline(text) : 0;
      if (level > 0 && paragraph && skipDefinitions(paragraph.text) < paragraph.text.length) {
        openings.push({ kind: "underline", level });
        return true;
      }
      if (isRule(text)) {
        this.#open(plan, { kind: "rule" });
        return true;
      }
      const marker = this.#stack.length + openings.length >= MAX_DEPTH ? null : readListMarker(cursor, paragraph !== null);
      if (marker) {
        this.#open(plan, { kind: "item", marker });
        continue;
      }
      const align = paragraph ? readDelimiterRow(text) : null;
      if (!align || !paragraph) return false;
      const header = lastLineOf(paragraph.text);
      // The header is text: a definition above the row is none.
      if (splitRow(header).length !== align.length) return false;
      if (skipDefinitions(paragraph.text) > paragraph.text.length - header.length) return false;
      openings.push({ kind: "table", align });
      return true;
    }
  }

  /** Adds an opening; the first one ends a block that cannot contain it. */
  #open(plan: Plan, opening: Opening): void {
    if (plan.openings.length === 0) {
      const last = this.#at(plan.keep - 1);
      const sameList = last.kind === "list" && opening.kind === "item" && last.marker !== null && isSameList(last.marker, opening.marker);
      if (last.kind === "paragraph" || last.kind === "table" || (last.kind === "list" && !sameList)) plan.keep--;
    }
    plan.openings.push(opening);
  }

  /**
   * Whether every continuation of this line has the same plan. True needs a visible character of the leaf's text, and
   * that what is there cannot grow into a marker, an underline, a delimiter row or a fence.
   */
  #isDecided(plan: Plan): boolean | "never" {
    const last = plan.openings.at(-1);
    switch (plan.action) {
      case "code": {
        if (plan.rest.trim() === "") return false;
        const fence = last ? null : this.#tip.fence;
        // "-     -" may be an item with code or the beginning of a rule.
        if (!fence) return !/^[-_*\t ]+$/.test(plan.rest);
        const text = plan.rest.trimStart();
        let run = 0;
        while (text[run] === fence.char) run++;
        return run === 0 || text.slice(run).trim() !== "";
      }
      case "text":
      case "lazy":
        return !UNDECIDED.test(plan.rest);
      case "row":
        return "never";
      case "none":
        return last?.kind === "heading" && last.text.trim() !== "";
      default:
        return false;
    }
  }

  // ---- Doing ----------------------------------------------------------------------------------------------------

  #apply(plan: Plan, complete: boolean): void {
    const { openings, action } = plan;
    if (action === "lazy") {
      this.#continueParagraph(plan.rest);
      return;
    }
    while (this.#stack.length > plan.keep) this.#close(this.#line - 1);
    for (const opening of openings) this.#applyOpening(opening, complete);
    const tip = this.#tip;
    switch (action) {
      case "text":
        if (tip.kind === "paragraph") this.#continueParagraph(plan.rest);
        else {
          const paragraph = this.#push("paragraph", {});
          paragraph.text = plan.rest;
          paragraph.suspect = /^[[|]/.test(plan.rest);
        }
        break;
      case "code":
        this.#applyCode(tip, plan.rest, complete);
        break;
      case "row":
        this.#row(tip, splitRow(plan.rest), false);
        break;
      case "closeFence":
        this.#close(this.#line);
        break;
      default:
        break;
    }
  }

  #continueParagraph(text: string): void {
    addText(this.#tip, `\n${text}`);
    this.#tip.lastLine = this.#line;
  }

  #applyCode(block: Block<H>, rest: string, complete: boolean): void {
    if (block.fence) {
      this.#emitAppend(block, complete ? `${rest}\n` : rest);
      return;
    }
    // Blank lines belong to indented code only when more of it follows.
    if (rest.trim() === "") {
      block.text += `${rest}\n`;
      return;
    }
    this.#emitAppend(block, block.text + rest);
    block.text = complete ? "\n" : "";
    block.lastLine = this.#line;
  }

  #applyOpening(opening: Opening, complete: boolean): void {
    switch (opening.kind) {
      case "quote":
        this.#push("quote", {});
        return;
      case "item":
        if (this.#tip.kind !== "list") this.#push("list", { marker: opening.marker });
        this.#push("item", { marker: opening.marker });
        return;
      case "heading": {
        const block = this.#push("heading", { start: { kind: "heading", level: opening.level } });
        block.text = opening.text;
        if (complete) this.#close(this.#line);
        return;
      }
      case "fence":
        this.#push("code", { fence: opening.fence });
        return;
      case "indented":
        this.#push("code", {});
        return;
      case "rule": {
        const parent = this.#tip;
        parent.hasChild = true;
        this.#beforeChild(parent, this.#line);
        this.#emitClose(this.#emitOpen(parent.handle, { kind: "rule" }));
        parent.lastLine = this.#line;
        return;
      }
      case "underline": {
        const { firstLine } = this.#tip;
        const text = this.#takeParagraph();
        const block = this.#push("heading", { start: { kind: "heading", level: opening.level }, firstLine });
        block.text = text;
        block.underlined = true;
        this.#close(this.#line);
        return;
      }
      case "table": {
        const text = this.#tip.text;
        const header = lastLineOf(text);
        // Only the last line is the header; what stands above it remains a paragraph.
        if (header.length < text.length) {
          const paragraph = this.#tip;
          paragraph.text = text.slice(0, text.length - header.length - 1);
          paragraph.leaf?.restart(paragraph.text);
          paragraph.lastLine = this.#line - 2;
          this.#close(this.#line - 2);
        } else this.#takeParagraph();
        const table = this.#push("table", { align: opening.align, firstLine: this.#line - 1 });
        this.#row(table, splitRow(header), true);
      }
    }
  }

  /** Opens a block in the last one of the stack. */
  #push(kind: Kind, options: BlockOptions): Block<H> {
    const parent = this.#tip;
    const block = newBlock<H>(kind, options.firstLine ?? this.#line, options);
    parent.hasChild = true;
    this.#stack.push(block);
    // A paragraph opens at the sink only when it is known to be one.
    if (kind === "paragraph") return block;
    this.#beforeChild(parent, block.firstLine);
    block.handle = this.#emitOpen(parent.handle, options.start ?? startOf(block));
    return block;
  }

  /**
   * A list is loose when a blank line stands between two of its items, or between two blocks of one item. That is the
   * case exactly when the block before this one ended earlier than in the line above.
   */
  #beforeChild(parent: Block<H>, firstLine: number): void {
    if (parent.lastLine === 0 || parent.lastLine >= firstLine - 1) return;
    const list = parent.kind === "list" ? parent : parent.kind === "item" ? this.#listOf(parent) : null;
    if (!list || list.loose || list.handle === null) return;
    list.loose = true;
    this.counters.ops++;
    this.#sink.loosen(list.handle);
  }

  #listOf(item: Block<H>): Block<H> | null {
    const index = this.#stack.lastIndexOf(item);
    return index > 0 ? this.#at(index - 1) : null;
  }

  /** Closes the last block. */
  #close(line: number): void {
    const block = this.#tip;
    if (block.kind === "paragraph" && !this.#finishParagraph(block)) {
      this.#stack.pop();
      // Definitions show nothing, but whether a list is loose they decide like any other block.
      const parent = this.#tip;
      this.#beforeChild(parent, block.firstLine);
      parent.lastLine = block.lastLine;
      return;
    }
    if (block.kind === "heading") this.#leaf(block, true).finish(block.text);
    // The line end of indented code; the blank lines that were waiting do not belong to it.
    if (block.kind === "code" && !block.fence) this.#emitAppend(block, "\n");
    this.#stack.pop();
    if (block.kind === "list" || block.kind === "item") block.lastLine ||= block.firstLine;
    else if (block.kind === "code" && !block.fence) block.lastLine ||= line;
    else if (block.kind !== "paragraph") block.lastLine = line;
    const parent = this.#stack.at(-1);
    if (parent) parent.lastLine = block.lastLine;
    if (block.handle !== null) this.#emitClose(block.handle);
  }

  /** Takes definitions off the beginning; false when nothing is left. */
  #finishParagraph(block: Block<H>): boolean {
    const skip = block.suspect ? skipDefinitions(block.text, this.#references) : 0;
    if (skip > 0) {
      block.text = block.text.slice(skip);
      if (block.text.trim() === "") {
        if (block.handle !== null) this.#emitRemove(block.handle);
        return false;
      }
      block.leaf?.restart(block.text);
    }
    this.#leaf(block, true).finish(block.text);
    return true;
  }

  /** Removes the open paragraph and returns its text without definitions. */
  #takeParagraph(): string {
    const block = this.#tip;
    const skip = skipDefinitions(block.text, this.#references);
    this.#stack.pop();
    if (block.handle !== null) this.#emitRemove(block.handle);
    return block.text.slice(skip);
  }

  /** The leaf of the last block; opens a paragraph at the sink. `certain`: it will not be taken back as a definition. */
  #leaf(block: Block<H>, certain: boolean): Leaf {
    const parent = this.#at(this.#stack.length - 2);
    if (block.kind === "paragraph" && certain) this.#beforeChild(parent, block.firstLine);
    block.handle ??= this.#emitOpen(parent.handle, { kind: "paragraph" });
    if (!block.leaf) {
      const task = block.kind === "paragraph" && parent.kind === "item" && parent.lastLine === 0;
      const trim = block.kind === "heading" && !block.underlined ? withoutClosingSequence : undefined;
      block.leaf = this.#newLeaf(block.handle, task, trim);
      block.leaf.add(block.text);
    }
    return block.leaf;
  }

  #newLeaf(handle: H, task: boolean, trim?: (text: string) => string): Leaf {
    return new Leaf({
      ...this.#options,
      references: this.#references,
      inline: (from, content) => {
        this.counters.ops++;
        this.#sink.inline(handle, from, content);
      },
      count: (characters) => {
        this.counters.inlineBytes += characters;
      },
      task,
      trim,
    });
  }

  #row(table: Block<H>, cells: readonly string[], header: boolean): void {
    const row = this.#emitOpen(table.handle, { kind: "row", header });
    for (let column = 0; column < table.align.length; column++) {
      const text = cells[column];
      if (text === undefined && table.padding++ > MAX_PADDING) break;
      const cell = this.#emitOpen(row, { kind: "cell", header, align: table.align[column] ?? null });
      if (text) {
        const leaf = this.#newLeaf(cell, false);
        leaf.add(text);
        leaf.finish(text);
      }
      this.#emitClose(cell);
    }
    this.#emitClose(row);
  }

  #emitOpen(parent: H | null, start: BlockStart): H {
    this.counters.ops++;
    return this.#sink.open(parent, start);
  }

  #emitClose(handle: H): void {
    this.counters.ops++;
    this.#sink.close(handle);
  }

  #emitRemove(handle: H): void {
    this.counters.ops++;
    this.#sink.remove(handle);
  }

  #emitAppend(block: Block<H>, text: string): void {
    if (block.handle === null || text === "") return;
    this.counters.ops++;
    this.#sink.append(block.handle, text);
  }
}

interface BlockOptions {
  marker?: ListMarker;
  fence?: Fence;
  align?: readonly Alignment[];
  start?: BlockStart;
  firstLine?: number;
}

function newBlock<H>(kind: Kind, firstLine: number, options: BlockOptions): Block<H> {
  const { marker = null, fence = null, align = [] } = options;
  return {
    kind,
    handle: null,
    firstLine,
    lastLine: kind === "paragraph" ? firstLine : 0,
    hasChild: false,
    marker,
    loose: false,
    fence,
    text: "",
    suspect: false,
    underlined: false,
    leaf: null,
    align,
    padding: 0,
  };
}

function addText<H>(block: Block<H>, text: string): void {
  block.text += text;
  block.leaf?.add(text);
}

function startOf<H>(block: Block<H>): BlockStart {
  switch (block.kind) {
    case "list":
      return { kind: "list", ordered: block.marker?.ordered ?? false, start: block.marker?.start ?? 1 };
    case "code":
      return { kind: "code", info: unescapeText(block.fence?.info ?? "") };
    case "table":
      return { kind: "table", align: block.align };
    case "heading":
      return { kind: "heading", level: 1 };
    default:
      return { kind: block.kind };
  }
}

/** Whether an open block goes on in this line; moves the cursor behind its marker. */
function continues<H>(block: Block<H>, cursor: LineCursor): boolean {
  switch (block.kind) {
    case "quote":
      if (cursor.indent >= 4 || cursor.peek() !== 62) return false;
      cursor.skipSpace();
      cursor.advance(1);
      if (cursor.isSpaceAt(cursor.offset)) cursor.advanceColumns(1);
      return true;
    case "item":
      if (cursor.blank) {
        // An item may begin with one blank line, not with two.
        if (!block.hasChild) return false;
        cursor.skipSpace();
        return true;
      }
      if (cursor.indent < (block.marker?.width ?? 0)) return false;
      cursor.advanceColumns(block.marker?.width ?? 0);
      return true;
    case "code":
      if (block.fence) return true;
      if (cursor.indent >= 4) cursor.advanceColumns(4);
      else if (cursor.blank) cursor.skipSpace();
      else return false;
      return true;
    case "paragraph":
    case "table":
      return !cursor.blank;
    default:
      return true;
  }
}

function isSameList(a: ListMarker, b: ListMarker): boolean {
  return a.ordered === b.ordered && a.char === b.char;
}

function lastLineOf(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}

/** Offset after the definitions at the beginning of a paragraph. */
function skipDefinitions(text: string, references?: References): number {
  let at = 0;
  while (text[at] === "[") {
    const definition = scanDefinition(text, at);
    if (!definition) break;
    const { label, href, title } = definition.value;
    references?.define(label, { href, title });
    at = definition.end;
  }
  return at;
}

/** A paragraph that is not shown yet: it may be nothing but definitions, or the header of a table. */
function isHeldBack(text: string): boolean {
  return (text.startsWith("|") && !text.includes("\n")) || (text.length < 2_048 && mayBecomeDefinition(text));
}
