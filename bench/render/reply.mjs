/** The replies of the render benchmark: made from a fixed seed, and shaped like what models write. */
import { createRandom } from "../corpus.mjs";

const WORDS =
  "the stream of tokens comes in small pieces and is shown as it arrives while the page stays calm so that a reader can follow every line without waiting for the end of what a model has to say about queues caches sockets".split(
    " ",
  );

function writer(random) {
  const word = () => WORDS[Math.floor(random() * WORDS.length)];
  const words = (count) => Array.from({ length: count }, word).join(" ");
  const sentence = () => {
    const pieces = Array.from({ length: 8 + Math.floor(random() * 10) }, () => {
      const draw = random();
      if (draw < 0.05) return `**${words(2)}**`;
      if (draw < 0.08) return `*${word()}*`;
      if (draw < 0.14) return `\`${word()}()\``;
      if (draw < 0.16) return `[${words(2)}](https://example.com/${word()}/${word()})`;
      return word();
    });
    const text = pieces.join(" ");
    return `${text[0].toUpperCase()}${text.slice(1)}.`;
  };
  const paragraph = (sentences) => Array.from({ length: sentences }, sentence).join(" ");
  const codeLine = (at) => `${"  ".repeat(at % 3)}const ${word()}${at} = await ${word()}(${Math.floor(random() * 100)}, "${word()}");`;
  const code = (lines) => `\`\`\`ts\n${Array.from({ length: lines }, (_, at) => codeLine(at)).join("\n")}\n\`\`\``;
  const row = (columns) => `| ${Array.from({ length: columns }, () => words(2)).join(" | ")} |`;
  return { word, words, sentence, paragraph, code, codeLine, row };
}

const BLOCKS = [
  ({ words }) => `## ${words(4)}`,
  ({ paragraph }) => paragraph(3),
  ({ paragraph }) => paragraph(5),
  ({ sentence }) => Array.from({ length: 5 }, () => `- ${sentence()}`).join("\n"),
  ({ paragraph }) => paragraph(4),
  ({ sentence, words }) => `1. ${sentence()}\n   - ${words(6)}\n   - ${sentence()}\n2. ${sentence()}\n3. **${words(2)}**: ${sentence()}`,
  ({ code }) => code(14),
  ({ paragraph }) => paragraph(3),
  ({ sentence }) => `> ${sentence()}\n> ${sentence()}`,
  ({ words }) => `### ${words(3)}`,
  ({ paragraph }) => paragraph(6),
  ({ row }) => `${row(3)}\n| --- | :-: | --: |\n${Array.from({ length: 6 }, () => row(3)).join("\n")}`,
];

/**
 * A long answer: headings, paragraphs, lists, quotes, tables, links, a code block per round of blocks and one of 300 lines.
 * @returns the text, cut at `length` characters
 */
export function reply(length) {
  const write = writer(createRandom(7));
  const blocks = [];
  for (let total = 0, at = 0; total < length; at++) {
    const block = at === 30 ? write.code(300) : BLOCKS[at % BLOCKS.length](write);
    blocks.push(block);
    total += block.length + 2;
  }
  return blocks.join("\n\n").slice(0, length);
}

/** One construct as large as an answer: what a parser that reads its last block again is quadratic in. */
export const GIANTS = {
  "paragraph, 100 KB": () => fill(100_000, ({ sentence }) => `${sentence()} `),
  "list, 100 KB": () => fill(100_000, ({ sentence }) => `- ${sentence()}\n`),
  "table, 100 KB": () => `| a | b | c |\n|---|---|---|\n${fill(100_000, ({ row }) => `${row(3)}\n`)}`,
  "code, 140 KB": () => `\`\`\`ts\n${fill(140_000, ({ codeLine }) => `${codeLine(1)}\n`)}`,
};

function fill(length, make) {
  const write = writer(createRandom(11));
  let text = "";
  while (text.length < length) text += make(write);
  return text;
}
