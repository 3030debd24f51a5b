/** What the beginning of a line may open (https://spec.commonmark.org/0.31.2/#leaf-blocks, #container-blocks). */
import { unescapeText } from "./entities.ts";
import type { LineCursor } from "./line-cursor.ts";
import { endOfRun } from "./runs.ts";
import type { Alignment } from "./tree.ts";

export interface ListMarker {
  readonly kind: "list";
  readonly ordered: boolean;
  /** The bullet, or the delimiter after the number: another one begins another list. */
  readonly char: string;
  readonly start: number;
  /** Columns from the marker's container to the item's content. */
  readonly width: number;
}

export interface Fence {
  readonly kind: "code";
  readonly char: string;
  readonly length: number;
  /** Indentation of the fence, taken off its lines. */
  readonly offset: number;
  readonly info: string;
}

/** A block that a line opens: what the sink is told of it, and what only the parser needs. */
export type Opening =
  | { readonly kind: "quote" | "rule" }
  | { readonly kind: "item"; readonly marker: ListMarker }
  /** Without a text of its own it is the underline of the paragraph before it. */
  | { readonly kind: "heading"; readonly level: number; readonly text: string | null }
  | Fence
  | { readonly kind: "code"; readonly info: "" }
  | { readonly kind: "table"; readonly align: readonly Alignment[] };

export const INDENTED_CODE: Opening = { kind: "code", info: "" };

/** Cheap test before the others: a line that begins otherwise is text. */
export const START = /^[!-:=>_`|~]/;
export const RULE = /^([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const HEADING = /^(#{1,6})(?:[ \t]+|$)/;
const FENCE = /^(`{3,}(?=[^`]*$)|~{3,}|\$\$(?=[ \t]*$))([^]*)/;
const UNDERLINE = /^(?:=+|-+)[ \t]*$/;
const MARKER = /^(?:[-+*]|(\d{1,9})([.)]))(?=[ \t]|$)/;
/** Only a list that starts at 1, and not with an empty item, may follow a paragraph without a blank line. */
const INTERRUPTING = /^(?:[-+*]|0*1[.)])[ \t]+[^ \t]/;

export function readHeading(text: string): Opening | null {
  const [all = "", { length: level } = ""] = HEADING.exec(text) ?? [];
  return level > 0 ? { kind: "heading", level, text: text.slice(all.length) } : null;
}

/** A heading's closing `###` is not part of its text. */
export function withoutClosingSequence(text: string): string {
  return text
    .trimEnd()
    .replace(/(?:^|[ \t])#+$/, "")
    .trimEnd();
}

/** 1 or 2 for the underline of a setext heading, else 0. */
export function readUnderline(text: string): number {
  if (!UNDERLINE.test(text)) return 0;
  return text.startsWith("=") ? 1 : 2;
}

/** A fence, or a line of `$$` where `math` is asked for. */
export function readFence(text: string, offset: number, math: boolean): Fence | null {
  const [, { 0: char, length } = "", info = ""] = FENCE.exec(text) ?? [];
  if (char === undefined || (char === "$" && !math)) return null;
  return { kind: "code", char, length, offset, info: char === "$" ? "math" : unescapeText(info.trim()) };
}

/** Whether `text` closes `fence`: the same character, at least as many, nothing after. */
export function closesFence(text: string, { char, length }: Fence): boolean {
  const end = endOfRun(text, char, 0);
  return end >= length && text.slice(end).trim() === "";
}

/** Reads a list marker and moves the cursor to the item's content. `interrupts` says that a paragraph is open. */
export function readListMarker(cursor: LineCursor, interrupts: boolean): ListMarker | null {
  const { indent, text } = cursor;
  const match = MARKER.exec(text);
  if (!match || (interrupts && !INTERRUPTING.test(text))) return null;
  const [marker, number, char = marker] = match;
  cursor.skipMarker(marker.length);
  // An empty item, or one that begins with indented code: the content starts after one space.
  const spaces = cursor.text === "" || cursor.indent > 4 ? 1 : cursor.indent;
  cursor.skipColumns(spaces);
  return { kind: "list", ordered: number !== undefined, char, start: Number(number ?? 1), width: indent + marker.length + spaces };
}
