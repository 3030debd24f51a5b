/** Work grows with the text and with nothing else: counted, not timed, except where only time can show it. */
import { describe, expect, test } from "vitest";

import { MarkdownStream } from "./markdown-stream.ts";
import type { TreeSink } from "./tree.ts";

const NOTHING: TreeSink<object> = { open: () => ({}), append() {}, inline() {}, loosen() {}, remove() {}, close() {} };

const SENTENCE = "A sentence with **bold**, `code` and [links](https://example.com/c), then more words to read. ";

function mixed(bytes: number): string {
  const section = [
    `## Heading\n\n${SENTENCE.repeat(4)}\n\n- one ${SENTENCE}\n- two\n  - nested ${SENTENCE}\n\n1. first\n\n2. second\n\n`,
    `> quoted ${SENTENCE}\n> more\n\n\`\`\`ts\n${"const value = compute(1, 2);\n".repeat(12)}\`\`\`\n\n`,
    "| a | b |\n| --- | ---: |\n| cell | 12 |\n| other | 7 |\n\nSee [docs][d].\n\n[d]: https://example.com\n\n",
  ].join("");
  return section.repeat(Math.ceil(bytes / section.length)).slice(0, bytes);
}

const CONSTRUCTS: Readonly<Record<string, (bytes: number) => string>> = {
  mixed,
  paragraph: (bytes) => SENTENCE.repeat(bytes / SENTENCE.length),
  "paragraph of lines": (bytes) => `${SENTENCE}\n`.repeat(bytes / SENTENCE.length),
  "paragraph with an emphasis that never ends": (bytes) => `**${"word * x ".repeat(bytes / 9)}`,
  list: (bytes) => `- ${SENTENCE}\n`.repeat(bytes / SENTENCE.length),
  "loose list": (bytes) => `- ${SENTENCE}\n\n`.repeat(bytes / SENTENCE.length),
  table: (bytes) => `| a | b |\n|---|---|\n${`| ${SENTENCE} | x |\n`.repeat(bytes / SENTENCE.length)}`,
  "one row": (bytes) => `| a | b |\n|---|---|\n| ${SENTENCE.repeat(bytes / SENTENCE.length)}`,
  code: (bytes) => `\`\`\`js\n${`${SENTENCE}\n`.repeat(bytes / SENTENCE.length)}`,
  "indented code": (bytes) => `    ${SENTENCE}\n\n`.repeat(bytes / SENTENCE.length),
  quote: (bytes) => `> ${SENTENCE}\n`.repeat(bytes / SENTENCE.length),
};

/** The same constants for every size, construct and piece: that is the proof. */
const SCAN_PER_BYTE = 6;
const INLINE_PER_BYTE = 11;
/** The unsettled end of a leaf is read once per flush, and is at most this long on average. */
const INLINE_PER_FLUSH = 1_024;
const OPS_PER_BYTE = 2;

for (const [name, make] of Object.entries(CONSTRUCTS)) {
  describe(name, () => {
    for (const [kilobytes, piece] of [
      [50, 1],
      [50, 4],
      [50, 256],
      [200, 256],
      [800, 256],
    ] as const) {
      test(`${kilobytes} KB in pieces of ${piece}`, () => {
        const text = make(kilobytes * 1_024);
        const stream = new MarkdownStream(NOTHING);
        let flushes = 0;
        for (let at = 0; at < text.length; at += piece) {
          stream.write(text.slice(at, at + piece));
          stream.flush();
          flushes++;
        }
        stream.end();
        const { bytesScanned, inlineBytes, ops } = stream.counters;
        expect(bytesScanned / text.length).toBeLessThanOrEqual(SCAN_PER_BYTE);
        expect(inlineBytes).toBeLessThanOrEqual(INLINE_PER_BYTE * text.length + INLINE_PER_FLUSH * (piece < 256 ? flushes : 0));
        expect(ops / text.length).toBeLessThanOrEqual(OPS_PER_BYTE);
      });
    }
  });
}

test("pieces without a flush between them cost one reading", () => {
  const text = mixed(100_000);
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

/** The inputs cmark is tested with, and a few of tables: each was quadratic or worse in some parser. */
const PATHOLOGICAL: Readonly<Record<string, (n: number) => string>> = {
  "nested strong": (n) => "*a **a ".repeat(n) + "b" + " a** a*".repeat(n),
  "closers without openers": (n) => "a_ ".repeat(n),
  "openers without closers": (n) => "_a ".repeat(n),
  "brackets closed only": (n) => "a]".repeat(n),
  "brackets opened only": (n) => "[a".repeat(n),
  "mismatched openers and closers": (n) => "*a_ ".repeat(n),
  "openers and closers, multiple of three": (n) => `a**b${"c* ".repeat(n)}`,
  "links without end": (n) => "[a](".repeat(n),
  "links with titles without end": (n) => '[a](b "'.repeat(n),
  "pointy destinations without end": (n) => "[a](<b".repeat(n),
  "images without end": (n) => "![[]()".repeat(n),
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
    test(name, { timeout: 10_000 }, () => {
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
