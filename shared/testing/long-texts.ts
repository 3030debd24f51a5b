/** Long Markdown of any length: what a linear renderer must draw at the same cost per byte. */

const SENTENCE = "A sentence with **bold**, `code` and [links](https://example.com/c), then more words to read. ";

/** A bit of everything. */
export function mixedReply(bytes: number): string {
  const section = [
    `## Heading\n\n${SENTENCE.repeat(4)}\n\n- one ${SENTENCE}\n- two\n  - nested ${SENTENCE}\n\n1. first\n\n2. second\n\n`,
    `> quoted ${SENTENCE}\n> more\n\n\`\`\`ts\n${"const value = compute(1, 2);\n".repeat(12)}\`\`\`\n\n`,
    "| a | b |\n| --- | ---: |\n| cell | 12 |\n| other | 7 |\n\nSee [docs][d].\n\n[d]: https://example.com\n\n",
  ].join("");
  return section.repeat(Math.ceil(bytes / section.length)).slice(0, bytes);
}

/** One construct of about so many bytes: what is quadratic shows in one of them. */
export const CONSTRUCTS: Readonly<Record<string, (bytes: number) => string>> = {
  mixed: mixedReply,
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
