/** What the beginning of a line may open (https://spec.commonmark.org/0.31.2/#leaf-blocks, #container-blocks). */
import type { LineCursor } from "./line-cursor.ts";

export interface ListMarker {
  readonly ordered: boolean;
  /** The bullet, or the delimiter after the number: another one begins another list. */
  readonly char: string;
  readonly start: number;
  /** Columns from the marker's container to the item's content. */
  readonly width: number;
}

export interface Fence {
  readonly char: string;
  readonly length: number;
  /** Indentation of the fence, taken off its lines. */
  readonly offset: number;
  readonly info: string;
}

const RULE = /^(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$/;
const HEADING = /^(#{1,6})(?:[ \t]+|$)/;
const FENCE = /^(?:(`{3,})([^`]*)|(~{3,})(.*)|(\$\$)[ \t]*)$/;
const UNDERLINE = /^(?:=+|-+)[ \t]*$/;
const BULLET = /^[-+*]/;
const NUMBER = /^(\d{1,9})([.)])/;

/** Cheap test before the others: a line that begins otherwise is text. */
export function maybeStart(code: number): boolean {
  // Up to ":" lie # * + - and the digits, then = > _ ` | ~. Delimiter rows begin with "|", ":" or "-".
  return code <= 58 || code === 61 || code === 62 || code === 95 || code === 96 || code === 124 || code === 126;
}

export function isRule(text: string): boolean {
  return RULE.test(text);
}

export function readHeading(text: string): { level: number; length: number } | null {
  const match = HEADING.exec(text);
  return match?.[1] === undefined ? null : { level: match[1].length, length: match[0].length };
}

/** A heading's closing `###` is not part of its text. By hand: a pattern would go back over long runs of spaces. */
export function withoutClosingSequence(text: string): string {
  const trimmed = text.trimEnd();
  let end = trimmed.length;
  while (trimmed[end - 1] === "#") end--;
  if (end === trimmed.length) return trimmed;
  if (end === 0) return "";
  const before = trimmed[end - 1];
  return before === " " || before === "\t" ? trimmed.slice(0, end).trimEnd() : trimmed;
}

/** 1 or 2 for the underline of a setext heading, else 0. */
export function readUnderline(text: string): number {
  if (!UNDERLINE.test(text)) return 0;
  return text.startsWith("=") ? 1 : 2;
}

export function readFence(text: string, offset: number): Fence | null {
  const match = FENCE.exec(text);
  const run = match?.[1] ?? match?.[3] ?? match?.[5];
  if (!match || run === undefined) return null;
  return { char: run[0] ?? "", length: run.length, offset, info: match[5] ? "math" : (match[2] ?? match[4] ?? "").trim() };
}

/** Whether `text` closes `fence`: the same character, at least as many, nothing after. */
export function closesFence(text: string, fence: Fence): boolean {
  let length = 0;
  while (text[length] === fence.char) length++;
  return length >= fence.length && text.slice(length).trim() === "";
}

/**
 * Reads a list marker and moves the cursor to the item's content. `interrupts` says that a paragraph is open: then only
 * a list that starts at 1 and whose first line is not blank may begin.
 */
export function readListMarker(cursor: LineCursor, interrupts: boolean): ListMarker | null {
  if (cursor.indent >= 4) return null;
  const { indent, next } = cursor;
  const head = cursor.line.slice(next, next + 11);
  const number = NUMBER.exec(head);
  const bullet = BULLET.exec(head);
  const marker = (number ?? bullet)?.[0];
  if (marker === undefined) return null;
  const start = number ? Number(number[1]) : 1;
  if (interrupts && start !== 1) return null;
  const after = next + marker.length;
  if (after < cursor.line.length && !cursor.isSpaceAt(after)) return null;
  if (interrupts && !/[^ \t]/.test(cursor.line.slice(after))) return null;
  cursor.skipSpace();
  cursor.advance(marker.length);
  const behind = cursor.save();
  const spaces = cursor.indent;
  let width = indent + marker.length + spaces;
  if (cursor.blank || spaces > 4 || spaces < 1) {
    // An empty item, or one that begins with indented code: the content starts after one space.
    width = indent + marker.length + 1;
    cursor.restore(behind);
    if (cursor.isSpaceAt(cursor.offset)) cursor.advanceColumns(1);
  } else {
    cursor.advanceColumns(spaces);
  }
  return { ordered: number !== null, char: number?.[2] ?? marker, start, width };
}
