/**
 * The tree of a Markdown text as elements: a `TreeSink` whose handles are views of blocks. The only code, with its
 * `inline-writer.ts`, that makes DOM from model text, all of it through the closed table of `elements.ts`.
 *
 * A block is written once. What is finished keeps its nodes, except for the four events the language has: an underline
 * or a delimiter row turns the open paragraph into a heading or table, a blank line loosens a list, a definition arrives.
 */
import type { BlockStart, Inline, TreeSink } from "../markdown/tree.ts";
import { type CodeWriter, createCode, type HighlightCode } from "./code-writer.ts";
import { createElement, type Tag } from "./elements.ts";
import { type InlineContext, type InlineView, LARGE_LEAF, patchInlines } from "./inline-writer.ts";
import { ENGLISH_LABELS } from "./labels.ts";
import type { WriteMath } from "./math-support.ts";
import { OverflowWatch } from "./overflow-watch.ts";
import type { TokenRendererOptions } from "./token-renderer.ts";

/**
 * Top-level blocks per section. Layout of one frame then costs the same late in a reply as early (measured: 1.0 times
 * from 40 KB to 180 KB, against 3.5 times for one flat list of blocks).
 */
const SECTION_BLOCKS = 32;
/** Whatever is below them is an `h6`. */
const HEADINGS = ["h1", "h2", "h3", "h4", "h5"] as const;

export interface BlockView {
  readonly kind: BlockStart["kind"];
  /** What holds the block's children or inline content. */
  element: HTMLElement;
  /** The block's own outermost element. Null for a paragraph shown directly in its tight item, and for the document. */
  outer: HTMLElement | null;
  readonly parent: BlockView | null;
  readonly inlines: InlineView[];
  readonly code: CodeWriter | null;
  /** Of a list: its items' paragraphs that have no element, until it is loosened. */
  bare: BlockView[] | null;
}

export class DomWriter implements TreeSink<BlockView> {
  readonly #root: HTMLElement;
  readonly #document: Document;
  readonly #context: InlineContext;
  readonly #overflow: OverflowWatch;
  readonly #options: TokenRendererOptions;
  #writeMath: Promise<WriteMath> | undefined;
  #highlighter: Promise<HighlightCode> | undefined;
  /** Called by `stop`. */
  readonly #stops: (() => void)[] = [];
  #stopped = false;
  readonly #codes: CodeWriter[] = [];
  /** What may be wider than the text: code and tables. */
  readonly #boxes: HTMLElement[] = [];
  #section: HTMLElement | null = null;
  #sectionBlocks = 0;
  /** Sections that were filled in this frame, and those that have been on screen for a frame since. */
  #full: HTMLElement[] = [];
  #laidOut: HTMLElement[] = [];
  #code: CodeWriter | null = null;
  #leaf: BlockView | null = null;
  #caret: Node | null = null;

  constructor(root: HTMLElement, options: TokenRendererOptions) {
    this.#root = root;
    this.#document = root.ownerDocument;
    this.#options = options;
    this.#context = {
      document: this.#document,
      labels: { ...ENGLISH_LABELS, ...options.labels },
      base: () => options.base ?? root.baseURI,
      imageOrigins: new Set(options.imagePolicy?.origins),
      setMath: (holder, tex, display) => void this.#setMath(holder, tex, display),
    };
    this.#overflow = new OverflowWatch(this.#document);
  }

  open(parent: BlockView | null, block: BlockStart): BlockView {
    const view = this.#create(parent, block);
    if (view.outer && parent) this.#place(parent, view.outer);
    if (isLeaf(view)) this.#leaf = view;
    return view;
  }

  append(code: BlockView, text: string): void {
    if (this.#code !== code.code) this.#code?.text.flush();
    this.#code = code.code;
    code.code?.text.append(text);
  }

  inline(leaf: BlockView, from: number, content: readonly Inline[]): void {
    const caret = this.#caret?.parentNode === leaf.element ? this.#caret : null;
    patchInlines(this.#context, leaf.element, leaf.inlines, from, content, caret);
    if (leaf.inlines.length > LARGE_LEAF) settleDirection(leaf);
  }

  loosen(list: BlockView): void {
    for (const view of list.bare ?? []) {
      const paragraph = createElement(this.#document, "p");
      const first = view.inlines[0]?.node;
      if (first) first.before(paragraph);
      else view.element.append(paragraph);
      for (const { node } of view.inlines) paragraph.append(node);
      view.element = paragraph;
      view.outer = paragraph;
    }
    list.bare = null;
  }

  remove(block: BlockView): void {
    if (block.outer) block.outer.remove();
    else for (const { node } of block.inlines) node.remove();
    if (block.parent?.kind === "document") this.#sectionBlocks--;
    const paragraphs = block.parent?.parent?.bare;
    if (paragraphs?.at(-1) === block) paragraphs.pop();
    if (this.#leaf === block) this.#leaf = null;
  }

  close(block: BlockView): void {
    if (block.code) {
      block.code.text.flush();
      if (block.code.language === "math" && this.#options.math) {
        void this.#setMath(block.code.element, block.code.code.textContent ?? "", true);
      } else {
        this.#codes.push(block.code);
        this.#boxes.push(block.code.pre);
        if (block.code.language) void this.#colour(block.code);
      }
    }
    // From here on a blank line cannot come: the paragraphs need not be remembered.
    if (block.kind === "list") block.bare = null;
  }

  /** Writes what is kept for the end of the frame, and moves the caret behind it. */
  flush(caret: HTMLElement | null): void {
    this.#code?.text.flush();
    this.#skipFull();
    this.#caret = caret;
    if (!caret) return;
    placeCaret(caret, this.#leaf?.code?.text.tail ?? this.#leaf?.element ?? this.#root);
  }

  /**
   * The text is complete: long code is folded, not before, because what one is reading must not shrink. What overflows is
   * watched from here on: while the text streams each observation would cost a layout, and every box is in the tab order.
   */
  end(): void {
    for (const code of this.#codes) code.fold();
    for (const box of this.#boxes) this.#overflow.add(box);
  }

  /** Nothing runs afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#overflow.stop();
    for (const stop of this.#stops) stop();
  }

  /** The TeX stays where the typesetter cannot be loaded or does not understand it. */
  async #setMath(holder: HTMLElement, tex: string, display: boolean): Promise<void> {
    try {
      const write = await (this.#writeMath ??= this.#options.math?.load());
      const formula = write?.(this.#document, tex, display);
      if (!formula || this.#stopped) return;
      holder.replaceChildren(formula);
      holder.setAttribute("class", display ? "math display set" : "math set");
    } catch {
      // As above.
    }
  }

  async #colour({ code, language }: CodeWriter): Promise<void> {
    try {
      const highlight = await (this.#highlighter ??= this.#options.highlighter?.());
      if (highlight && !this.#stopped) this.#stops.push(highlight(code, language));
    } catch {
      // Code without colours is code: nothing to tell the reader.
    }
  }

  /**
   * Full sections get a class with which the style sheet spares the browser those that are out of sight: painting is most of
   * a frame's cost late in a reply. Only after a frame, so that the browser knows their heights.
   */
  #skipFull(): void {
    for (const section of this.#laidOut) section.setAttribute("class", "blocks full");
    this.#laidOut = this.#full;
    this.#full = [];
  }

  #place(parent: BlockView, element: HTMLElement): void {
    if (parent.kind !== "document") {
      parent.element.append(element);
      return;
    }
    if (!this.#section || this.#sectionBlocks >= SECTION_BLOCKS) {
      if (this.#section) this.#full.push(this.#section);
      this.#section = createElement(this.#document, "div", { class: "blocks" });
      this.#root.append(this.#section);
      this.#sectionBlocks = 0;
    }
    this.#sectionBlocks++;
    this.#section.append(element);
  }

  #create(parent: BlockView | null, block: BlockStart): BlockView {
    const { kind } = block;
    // Direction is found per top-level block: a nested `dir` would hide its text from the search of the outer one.
    const dir = parent?.kind === "document" ? "auto" : null;
    const make = (tag: Tag, start: string | null = null): HTMLElement => createElement(this.#document, tag, { dir, start });
    const view = (element: HTMLElement, outer: HTMLElement | null = element, code: CodeWriter | null = null): BlockView => ({
      kind,
      element,
      outer,
      parent,
      inlines: [],
      code,
      bare: kind === "list" ? [] : null,
    });
    switch (block.kind) {
      case "document":
        return view(this.#root, null);
      case "paragraph": {
        const bare = parent?.kind === "item" ? parent.parent?.bare : null;
        if (!parent || !bare) return view(make("p"));
        const paragraph = view(parent.element, null);
        bare.push(paragraph);
        return paragraph;
      }
      case "heading":
        return view(make(HEADINGS[Math.trunc(Math.max(1, this.#options.headingBase ?? 3)) + block.level - 2] ?? "h6"));
      case "quote":
        return view(make("blockquote"));
      case "list":
        return view(block.ordered ? make("ol", block.start === 1 ? null : String(block.start)) : make("ul"));
      case "item":
        return view(make("li"));
      case "rule":
        return view(createElement(this.#document, "hr"));
      case "code": {
        const code = createCode(this.#document, block.info, this.#context.labels);
        return view(code.element, code.element, code);
      }
      case "table": {
        const wrapper = createElement(this.#document, "div", {
          class: "tw",
          part: "table",
          role: "group",
          tabindex: "0",
          "aria-label": this.#context.labels.table,
        });
        const table = make("table");
        wrapper.append(table);
        this.#boxes.push(wrapper);
        return view(table, wrapper);
      }
      case "row":
        return this.#createRow(parent, block.header, view);
      default: {
        const { header, align } = block;
        return view(
          createElement(this.#document, header ? "th" : "td", {
            class: align === "start" ? null : align,
            scope: header ? "col" : null,
          }),
        );
      }
    }
  }

  /** A row stands in the table's head or body, which is made with its first row. */
  #createRow(table: BlockView | null, header: boolean, view: (element: HTMLElement, outer: null) => BlockView): BlockView {
    const row = createElement(this.#document, "tr");
    const tag = header ? "thead" : "tbody";
    let group = table?.element.lastElementChild;
    if (group?.localName !== tag) {
      group = createElement(this.#document, tag);
      table?.element.append(group);
    }
    group.append(row);
    return view(row, null);
  }
}

/**
 * Writes down the direction that `dir="auto"` has found. Chromium looks for it again at every node that is added, through
 * all of them: 40,000 nodes in one paragraph took 14 times as long as 10,000, with the direction written down 4 times.
 */
function settleDirection(leaf: BlockView): void {
  let top = leaf;
  while (top.parent && top.parent.kind !== "document") top = top.parent;
  const { outer } = top;
  // Before the first letter nothing has been found.
  if (outer?.dir === "auto" && /\p{L}/u.test(leaf.element.lastChild?.textContent ?? ""))
    outer.dir = outer.matches(":dir(rtl)") ? "rtl" : "ltr";
}

/** A node of its own at the end of the text: a class on a container would make the browser style all of it again. */
export function placeCaret(caret: HTMLElement, tail: HTMLElement): void {
  if (tail.lastChild !== caret) tail.append(caret);
}

function isLeaf({ kind }: BlockView): boolean {
  return /paragraph|heading|code|cell/.test(kind);
}
