/** What a line does to the open blocks: found out by looking only, so that a line that is still arriving can be looked at often. */
import {
  closesFence,
  INDENTED_CODE,
  type Opening,
  readFence,
  readHeading,
  readListMarker,
  readUnderline,
  RULE,
  START,
} from "./block-starts.ts";
import type { LineCursor } from "./line-cursor.ts";
import { skipDefinitions } from "./links.ts";
import type { OpenBlock } from "./open-block.ts";
import { endOfRun } from "./runs.ts";
import { headerOf, readDelimiterRow, splitRow } from "./tables.ts";

/** Open blocks at once. Deeper markers are text: each line looks at every open block, so depth is a factor of the cost. */
const MAX_DEPTH = 64;

export interface LinePlan<H> {
  /** The last of the open blocks that go on. */
  keep: OpenBlock<H>;
  readonly openings: Opening[];
  /** Where the rest of the line goes. */
  action: "text" | "lazy" | "code" | "row" | "closeFence" | "none" | "blank";
  rest: string;
}

/** The line lies in `cursor`. `tip` is the last of the open blocks, `document` the first. */
export function planLine<H>(cursor: LineCursor, document: OpenBlock<H>, tip: OpenBlock<H>, math: boolean): LinePlan<H> {
  const plan: LinePlan<H> = { keep: document, openings: [], action: "none", rest: "" };
  for (let block = document.child; block && continues(block, cursor); block = block.child) plan.keep = block;
  const { openings, keep } = plan;
  if (keep === tip && tip.kind === "code") {
    if (tip.fence) {
      if (cursor.indent < 4 && closesFence(cursor.text, tip.fence)) {
        plan.action = "closeFence";
        return plan;
      }
      cursor.skipColumns(tip.fence.offset);
    }
    plan.action = "code";
    plan.rest = cursor.rest();
    return plan;
  }
  if (planStarts(plan, cursor, tip, math)) return plan;
  plan.rest = cursor.text;
  if (cursor.text === "") plan.action = "blank";
  else if (openings.length > 0) plan.action = "text";
  else if (keep !== tip && tip.kind === "paragraph") plan.action = "lazy";
  else if (keep.kind === "table") plan.action = "row";
  else {
    plan.action = "text";
    // A paragraph in a list means that the list has ended: only items stand in it.
    if (keep.kind === "list") plan.keep = keep.parent;
  }
  return plan;
}

/** Whether an open block goes on in this line; moves the cursor behind its marker. */
function continues<H>({ start, fence, hasChild }: OpenBlock<H>, cursor: LineCursor): boolean {
  const blank = cursor.text === "";
  switch (start.kind) {
    case "quote":
      return skipQuoteMarker(cursor);
    case "item":
      // An item may begin with one blank line, not with two.
      if (blank ? !hasChild : cursor.indent < start.marker.width) return false;
      cursor.skipColumns(blank ? cursor.indent : start.marker.width);
      return true;
    case "code":
      if (fence) return true;
      if (cursor.indent < 4 && !blank) return false;
      cursor.skipColumns(4);
      return true;
    case "paragraph":
    case "table":
      return !blank;
    default:
      return true;
  }
}

function skipQuoteMarker(cursor: LineCursor): boolean {
  if (cursor.indent >= 4 || !cursor.text.startsWith(">")) return false;
  cursor.skipMarker(1);
  cursor.skipColumns(1);
  return true;
}

/** Collects what the line opens. True when that leaves nothing more to plan. */
function planStarts<H>(plan: LinePlan<H>, cursor: LineCursor, tip: OpenBlock<H>, math: boolean): boolean {
  const { openings } = plan;
  for (;;) {
    const { text, indent } = cursor;
    const first = openings.length === 0;
    const paragraph = first && plan.keep.kind === "paragraph" ? plan.keep.text : null;
    if (text === "") return false;
    if (indent >= 4) {
      if (first && tip.kind === "paragraph") return false;
      cursor.skipColumns(4);
      open(plan, INDENTED_CODE);
      plan.action = "code";
      plan.rest = cursor.rest();
      return true;
    }
    if (!START.test(text)) return false;
    const deep = tip.depth + openings.length >= MAX_DEPTH;
    if (!deep && skipQuoteMarker(cursor)) {
      open(plan, { kind: "quote" });
      continue;
    }
    const leaf = readHeading(text) ?? readFence(text, indent, math);
    if (leaf) {
      open(plan, leaf);
      return true;
    }
    const level = paragraph === null ? 0 : readUnderline(text);
    if (level > 0 && paragraph !== null && skipDefinitions(paragraph) < paragraph.length) {
      openings.push({ kind: "heading", level, text: null });
      return true;
    }
    if (RULE.test(text)) {
      open(plan, { kind: "rule" });
      return true;
    }
    const marker = deep ? null : readListMarker(cursor, paragraph !== null);
    if (marker) {
      open(plan, { kind: "item", marker });
      continue;
    }
    const align = paragraph === null ? null : readDelimiterRow(text);
    if (!align || paragraph === null) return false;
    const header = headerOf(paragraph);
    // The header is text: a definition above the row is none.
    if (splitRow(header).length !== align.length || skipDefinitions(paragraph) > paragraph.length - header.length) return false;
    openings.push({ kind: "table", align });
    return true;
  }
}

/** Adds an opening; the first one ends a block that cannot contain it. */
function open<H>(plan: LinePlan<H>, opening: Opening): void {
  if (plan.openings.length === 0) {
    const { kind, start, parent } = plan.keep;
    const ends =
      start.kind === "list" ? opening.kind !== "item" || opening.marker.char !== start.char : kind === "paragraph" || kind === "table";
    if (ends) plan.keep = parent;
  }
  plan.openings.push(opening);
}

/** What the beginning of a text may still become: see `isDecided`. */
const UNDECIDED = /^(?:[-=_*|:\t ]+|(?:\+|\d{1,9}[.)]?|#{1,6}|\$+)[ \t]*|``?|```+[^`]*|~~?|~~~.*)$/;

/**
 * Whether every continuation of the line has the same plan; "never" when only its end decides. True needs a visible
 * character of the leaf's text, and that what is there cannot grow into a marker, an underline, a delimiter row or a fence.
 */
export function isDecided<H>({ action, openings, rest }: LinePlan<H>, { fence }: OpenBlock<H>): boolean | "never" {
  const last = openings.at(-1);
  switch (action) {
    case "code": {
      if (rest.trim() === "") return false;
      // "-     -" may be an item with code or the beginning of a rule.
      if (last || !fence) return !/^[-_*\t ]+$/.test(rest);
      const text = rest.trimStart();
      const run = endOfRun(text, fence.char, 0);
      return run === 0 || text.slice(run).trim() !== "";
    }
    case "text":
    case "lazy":
      return !UNDECIDED.test(rest);
    case "row":
      return "never";
    default:
      return last?.kind === "heading" && !!last.text?.trim();
  }
}
