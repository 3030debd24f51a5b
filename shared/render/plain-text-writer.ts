/**
 * Text as it is, for the person's own messages and for output that is no Markdown. Line ends are kept by the style sheet
 * (`white-space: pre-wrap`).
 *
 * Never one growing node: appending to it copies its text and lays out the whole of it again, which made 200 KB cost
 * 8.7 times as much as 50 KB.
 */
import { createElement } from "./elements.ts";

/** Lines per box: a box is laid out as a whole. */
const BOX_LINES = 32;
/** Longest text node, in characters. */
const NODE_LENGTH = 2_048;

export class PlainTextWriter {
  readonly #root: HTMLElement;
  readonly #document: Document;
  #box: HTMLElement | null = null;
  #node: Text | null = null;
  #lines = 0;
  #pending: string[] = [];

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#document = root.ownerDocument;
  }

  write(text: string): void {
    this.#pending.push(text);
  }

  flush(caret: HTMLElement | null): void {
    const text = this.#pending.join("");
    this.#pending = [];
    for (let at = 0; at < text.length; ) {
      if (!this.#box || this.#lines >= BOX_LINES) this.#newBox();
      let end = at;
      while (this.#lines < BOX_LINES) {
        const lineEnd = text.indexOf("\n", end);
        end = lineEnd < 0 ? text.length : lineEnd + 1;
        if (lineEnd < 0) break;
        this.#lines++;
      }
      this.#append(text.slice(at, end));
      at = end;
    }
    const tail = this.#box ?? this.#root;
    if (caret && tail.lastChild !== caret) tail.append(caret);
  }

  #newBox(): void {
    this.#box = createElement(this.#document, "div", { class: "lines", dir: "auto" });
    this.#root.append(this.#box);
    this.#node = null;
    this.#lines = 0;
  }

  #append(text: string): void {
    const node = this.#node;
    // Never between the two halves of a surrogate pair.
    if (node && (node.length < NODE_LENGTH || /[\uD800-\uDBFF]$/.test(node.data.slice(-1)))) {
      node.appendData(text);
      return;
    }
    const next = this.#document.createTextNode(text);
    if (node) node.after(next);
    else this.#box?.prepend(next);
    this.#node = next;
  }
}
