/** Work grows with the text and with nothing else: counted, not timed, except where only time can show it. */
import { describe, expect, test } from "vitest";

import { CONSTRUCTS, mixedReply } from "../testing/long-texts.ts";
import { MarkdownStream } from "./markdown-stream.ts";
import type { TreeSink } from "./tree.ts";

const NOTHING: TreeSink<object> = { open: () => ({}), append() {}, inline() {}, loosen() {}, remove() {}, close() {} };

/** The same constants for every size, construct and piece: that is the proof. */
const SCAN_PER_BYTE = 6;
const INLINE_PER_BYTE = 12;
const OPS_PER_BYTE = 2;
/** What arrives per animation frame at 4,000 tokens a second. */
const FRAME = 256;
/** The unsettled end of a leaf is read once per flush, and is at most this long on average: what a flush per byte adds. */
const INLINE_PER_FLUSH = 1_024;

/** Writes `text` in pieces, with a flush after every `every` characters. */
function countersOf(text: string, piece: number, every: number): MarkdownStream<object>["counters"] {
  const markdown = new MarkdownStream(NOTHING);
  for (let at = 0; at < text.length; at += piece) {
    markdown.write(text.slice(at, at + piece));
    if ((at + piece) % every === 0) markdown.flush();
  }
  markdown.end();
  return markdown.counters;
}

describe.each(Object.entries(CONSTRUCTS))("%s", (_, make) => {
  test("costs the same per byte at 50, 200 and 800 KB, in pieces of 1, 4 and 256", { timeout: 60_000 }, () => {
    for (const kilobytes of [50, 200, 800]) {
      const text = make(kilobytes * 1_024);
      for (const piece of [1, 4, 256]) {
        const { bytesScanned, inlineBytes, ops } = countersOf(text, piece, FRAME);
        const size = `${kilobytes} KB in pieces of ${piece}`;
        expect(bytesScanned / text.length, size).toBeLessThanOrEqual(SCAN_PER_BYTE);
        expect(inlineBytes / text.length, size).toBeLessThanOrEqual(INLINE_PER_BYTE);
        expect(ops / text.length, size).toBeLessThanOrEqual(OPS_PER_BYTE);
      }
    }
  });

  test("shown after every single byte, costs a constant per flush", { timeout: 60_000 }, () => {
    for (const kilobytes of [12, 50]) {
      const text = make(kilobytes * 1_024);
      const { bytesScanned, inlineBytes, ops } = countersOf(text, 1, 1);
      expect(bytesScanned / text.length).toBeLessThanOrEqual(SCAN_PER_BYTE);
      expect(inlineBytes / text.length).toBeLessThanOrEqual(INLINE_PER_BYTE + INLINE_PER_FLUSH);
      expect(ops / text.length).toBeLessThanOrEqual(OPS_PER_BYTE);
    }
  });
});

test("words shown one by one are not read again each time", () => {
  const { inlineBytes } = countersOf("words and more words, ".repeat(2_000), 1, 1);
  // Two readings of the text since the last checkpoint, of about 256 characters, for every 256 characters that came.
  expect(inlineBytes / 44_000).toBeLessThanOrEqual(6);
});

test("pieces without a flush between them cost one reading", () => {
  const text = mixedReply(100_000);
  const stream = new MarkdownStream(NOTHING);
  for (const character of text) stream.write(character);
  stream.end();
  expect(stream.counters.bytesScanned).toBeLessThanOrEqual(text.length);
  expect(stream.counters.inlineBytes).toBeLessThanOrEqual(text.length * 1.2);
});

test("a thousand definitions for one large paragraph do not read it a thousand times", () => {
  let text = "";
  for (let index = 0; index < 1_000; index++) text += `words before [label ${index}] and more words after it, `;
  text += "\n\n";
  const stream = new MarkdownStream(NOTHING);
  stream.write(text);
  for (let index = 0; index < 1_000; index++) {
    const definition = `[label ${index}]: https://example.com/${index}\n\n`;
    text += definition;
    stream.write(definition);
    stream.flush();
  }
  stream.end();
  expect(stream.counters.inlineBytes / text.length).toBeLessThan(20);
});

/** The inputs of cmark's test/pathological_tests.py, and more of tables and addresses: each was quadratic or worse in some parser. */
const PATHOLOGICAL: Readonly<Record<string, (n: number) => string>> = {
  "nested strong": (n) => "*a **a ".repeat(n) + "b" + " a** a*".repeat(n),
  "closers without openers": (n) => "a_ ".repeat(n),
  "openers without closers": (n) => "_a ".repeat(n),
  "brackets closed only": (n) => "a]".repeat(n),
  "brackets opened only": (n) => "[a".repeat(n),
  "mismatched openers and closers": (n) => "*a_ ".repeat(n),
  "brackets and closers": (n) => "[ a_".repeat(n),
  "brackets and parentheses": (n) => "[ (](".repeat(n),
  "images in images": (n) => "![[]()".repeat(n),
  "links without end, with a destination": (n) => "[a](b".repeat(n),
  "emphasis in deep quotes": (n) => ">".repeat(n) + "a*".repeat(n),
  "empty lines in deep lists": (n) => `${"- ".repeat(n)}x${"\n".repeat(n)}`,
  "empty lines in deep lists in a quote": (n) => `> ${"- ".repeat(n)}x\n${">\n".repeat(n)}`,
  "many definitions and uses": (n) => Array.from({ length: n }, (__, at) => `[${at}]: u\n`).join("") + "[0] ".repeat(n),
  "openers and closers, multiple of three": (n) => `a**b${"c* ".repeat(n)}`,
  "links without end": (n) => "[a](".repeat(n),
  "links with titles without end": (n) => '[a](b "'.repeat(n),
  "pointy destinations without end": (n) => "[a](<b".repeat(n),
  "nested brackets": (n) => "[".repeat(n) + "a" + "]".repeat(n),
  "nested images": (n) => "![".repeat(n) + "a" + "](u)".repeat(n),
  "nested quotes": (n) => `${"> ".repeat(n)}a`,
  "nested lists": (n) => `${"- ".repeat(n)}a`,
  "deeply indented list": (n) => Array.from({ length: Math.sqrt(n) }, (_, depth) => `${"  ".repeat(depth)}* a\n`).join(""),
  backslashes: (n) => "\\".repeat(n),
  "growing backtick runs": (n) => Array.from({ length: Math.sqrt(n) }, (_, index) => `e${"`".repeat(index)}`).join(""),
  "backticks without a partner": (n) => "`a``".repeat(n),
  "link labels with backslashes": (n) => `[${"\\".repeat(n)}`,
  "unclosed comments": (n) => `</${"<!--".repeat(n)}`,
  "angle brackets": (n) => "<a:".repeat(n),
  entities: (n) => "&".repeat(n),
  "e-mail without a host": (n) => `${"a".repeat(n)}@`,
  "at signs": (n) => "a@".repeat(n),
  "bare addresses with parentheses": (n) => `https://a.b/${"(".repeat(n)}${")".repeat(2 * n)}`,
  "bare addresses with entities": (n) => `https://a.b/${"&a;".repeat(n)}`,
  "empty lines in a list": (n) => `- a\n${"\n".repeat(n)}`,
  "rule of spaces": (n) => `*${" ".repeat(n)}x`,
  "heading with spaces": (n) => `# ${" ".repeat(n)}#x`,
  "wide table, short rows": (n) => `${"|a".repeat(Math.sqrt(n))}\n${"|-".repeat(Math.sqrt(n))}\n${"|\n".repeat(n)}`,
  "delimiter row without header": (n) => `a\n${"|-".repeat(n)}\n`,
  definitions: (n) => "[a]: u\n".repeat(n),
  "definition without end": (n) => `[a]: u "${"x\n".repeat(n)}`,
  strikethrough: (n) => "~~a ~b ".repeat(n),
};

describe("pathological input", () => {
  for (const [name, make] of Object.entries(PATHOLOGICAL)) {
    // 20,000 repetitions take well below a second when linear, and ten or more when quadratic.
    test(name, { timeout: 30_000 }, () => {
      const text = make(20_000);
      const whole = new MarkdownStream(NOTHING);
      whole.write(text);
      whole.end();
      const pieces = new MarkdownStream(NOTHING);
      for (let at = 0; at < text.length; at += 512) {
        pieces.write(text.slice(at, at + 512));
        pieces.flush();
      }
      pieces.end();
      expect(pieces.counters.inlineBytes).toBeLessThanOrEqual(12 * text.length + 512);
    });
  }
});
