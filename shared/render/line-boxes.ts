/**
 * Text that only ever grows, in boxes of 32 lines.
 *
 * Never one growing node: appending to it copies its text and lays out the whole of its box again, which made 200 KB cost
 * 8.7 times as much as 50 KB. In boxes a code block of 1,200 lines took a quarter of the time.
 */
import { createElement, type Tag } from "./elements.ts";

const BOX_LINES = 32;
/** Longest text node, in characters. */
const NODE_LENGTH = 4_096;

export class LineBoxes {
  readonly #parent: HTMLElement;
  readonly #tag: Tag;
  readonly #dir: string | null;
  #box: HTMLElement | null = null;
  #node: Text | null = null;
  #lines = 0;
  #boxes = 0;
  #pending: string[] = [];

  /** The boxes are shown as blocks by the style sheet: the line end at the end of a block adds no line, so the text stays exact. */
  constructor(parent: HTMLElement, tag: Tag, dir: string | null = null) {
    this.#parent = parent;
    this.#tag = tag;
    this.#dir = dir;
  }

  /** Where the text ends. */
  get tail(): HTMLElement {
    return this.#box ?? this.#parent;
  }

  /** Lines written so far, without the one that has no end yet. */
  get lines(): number {
    return Math.max(0, this.#boxes - 1) * BOX_LINES + this.#lines;
  }

  /** Kept until `flush`: a replay brings thousands of lines per frame. */
  append(text: string): void {
    this.#pending.push(text);
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const text = this.#pending.join("");
    this.#pending = [];
    for (let at = 0; at < text.length;) {
      if (!this.#box || this.#lines >= BOX_LINES) this.#newBox();
      let end = at;
      while (this.#lines < BOX_LINES && end < text.length) {
        const lineEnd = text.indexOf("\n", end);
        end = lineEnd < 0 ? text.length : lineEnd + 1;
        if (lineEnd >= 0) this.#lines++;
      }
      this.#add(text.slice(at, end));
      at = end;
    }
  }

  #newBox(): void {
    this.#box = createElement(this.#parent.ownerDocument, this.#tag, { class: "lines", dir: this.#dir });
    this.#parent.append(this.#box);
    this.#boxes++;
    this.#node = null;
    this.#lines = 0;
  }

  #add(text: string): void {
    const node = this.#node;
    // Never between the two halves of a surrogate pair.
    if (node && (node.length < NODE_LENGTH || /[\uD800-\uDBFF]$/.test(node.data.slice(-1)))) {
      node.appendData(text);
      return;
    }
    const next = this.#parent.ownerDocument.createTextNode(text);
    // Before the caret, which may stand at the end of the box.
    if (node) node.after(next);
    else this.#box?.prepend(next);
    this.#node = next;
  }
}
