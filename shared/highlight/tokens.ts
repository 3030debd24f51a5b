/** The vocabulary between a highlighter and the renderer. */

/** What a token is shown as: the renderer's class is `hl-` and this word. A closed set. */
export type TokenKind = "keyword" | "string" | "number" | "comment" | "title" | "type" | "name" | "addition" | "deletion";

export interface CodeToken {
  text: string;
  /** Null is plain. */
  readonly kind: TokenKind | null;
}

export interface HighlightedSlice {
  /** Their texts, joined, are the code. */
  readonly tokens: readonly CodeToken[];
  /** The code ends inside of a string, comment or the like. */
  readonly open: boolean;
}

/** Contract: synchronous, pure, never throws for any code; null for a language it does not know. */
export type Highlight = (language: string, code: string) => HighlightedSlice | null;
