/**
 * The vocabulary between the parser and whoever shows the tree: what a block is, what inline content is, and the few
 * operations that build a tree while text arrives.
 */

export type Alignment = "start" | "center" | "end" | null;

/** What `TreeSink.open` is told about a block. Nothing in it changes later, except that a list can be loosened. */
export type BlockStart =
  | { readonly kind: "document" }
  | { readonly kind: "paragraph" }
  | { readonly kind: "heading"; readonly level: number }
  | { readonly kind: "quote" }
  /** Tight until `loosen`: the paragraphs directly in its items are shown without a paragraph of their own. */
  | { readonly kind: "list"; readonly ordered: boolean; readonly start: number }
  | { readonly kind: "item" }
  /** `info` is the whole info string, empty for indented code; its first word is the language. */
  | { readonly kind: "code"; readonly info: string }
  | { readonly kind: "rule" }
  | { readonly kind: "table"; readonly align: readonly Alignment[] }
  | { readonly kind: "row"; readonly header: boolean }
  | { readonly kind: "cell"; readonly header: boolean; readonly align: Alignment };

/** A soft line break is a "\n" in a text. Two neighbouring texts mean the same as one. Raw HTML does not exist: it is text. */
export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  /** `text` is TeX. Only where the caller asked for mathematics. */
  | { readonly kind: "math"; readonly text: string; readonly display: boolean }
  | { readonly kind: "break" }
  | { readonly kind: "checkbox"; readonly checked: boolean }
  | { readonly kind: "emphasis" | "strong" | "strikethrough"; readonly children: readonly Inline[] }
  /** `href` is what was written, with escapes and entities resolved: unchecked. Whoever makes a link of it checks it. */
  | { readonly kind: "link"; readonly href: string; readonly title: string; readonly children: readonly Inline[] }
  | { readonly kind: "image"; readonly src: string; readonly title: string; readonly alt: string };

/**
 * Receives the operations that build the tree. `H` is the sink's own handle of a block, which the parser only hands back.
 *
 * Contract of the parser:
 * - `open` appends to the end of `parent` (null for the document). A block's parent is open.
 * - `append` adds to the text of an open `code` block. It is never taken back.
 * - `inline` says: the children of this paragraph, heading or cell from index `from` on are now `content`. What lies
 *   before `from` stays. On a closed leaf a call means that a reference definition arrived, and `from` is 0.
 * - `remove` takes back an open paragraph that became the title of a heading or the header of a table, or that was a
 *   definition. Nothing else is ever removed.
 * - `loosen` comes at most once per list, at any time before the list closes.
 * - `close` ends a block after all of its children.
 */
export interface TreeSink<H> {
  open(parent: H | null, block: BlockStart): H;
  append(code: H, text: string): void;
  inline(leaf: H, from: number, content: readonly Inline[]): void;
  loosen(list: H): void;
  remove(block: H): void;
  close(block: H): void;
}
