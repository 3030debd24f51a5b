/** Rows of a table (https://github.github.com/gfm/#tables-extension-). */
import type { Alignment } from "./tree.ts";

const DELIMITER_ROW = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** The alignments of a delimiter row such as `| :-- | --: |`, or null when the line is none. */
export function readDelimiterRow(line: string): Alignment[] | null {
  if (!DELIMITER_ROW.test(line)) return null;
  return splitRow(line).map((cell) => {
    const start = cell.startsWith(":");
    if (cell.endsWith(":")) return start ? "center" : "end";
    return start ? "start" : null;
  });
}

/** The line above a delimiter row. */
export function headerOf(paragraph: string): string {
  return paragraph.slice(paragraph.lastIndexOf("\n") + 1);
}

/** The cells of a row, trimmed. `\|` is a pipe inside a cell, whatever else stands around it, code spans included. */
export function splitRow(line: string): string[] {
  const row = line.trim();
  const cells: string[] = [];
  let cell = "";
  let start = row.startsWith("|") ? 1 : 0;
  for (let at = row.indexOf("|", start); at >= 0; at = row.indexOf("|", at + 1)) {
    if (row[at - 1] === "\\" && at > start) {
      cell += row.slice(start, at - 1);
      // The pipe itself begins the next piece.
      start = at;
      continue;
    }
    cells.push((cell + row.slice(start, at)).trim());
    cell = "";
    start = at + 1;
  }
  if (start < row.length || cell !== "") cells.push((cell + row.slice(start)).trim());
  return cells;
}
