import { describe, expect, test } from "vitest";

import { createRandom } from "../testing/random.ts";
import { renderMarkdown } from "../testing/tree-html.ts";
import { MarkdownStream } from "../markdown/markdown-stream.ts";
import { scanMath } from "./scan.ts";

const html = (markdown: string, cuts?: () => number): string => renderMarkdown(markdown, { math: scanMath, cuts });

describe("mathematics in a line", () => {
  test.each([
    ["$a_1 * b_2 * c$", '<code class="math">a_1 * b_2 * c</code>'],
    ["so $x$, and $y$.", 'so <code class="math">x</code>, and <code class="math">y</code>.'],
    ["\\(a\\_b\\) x", '<code class="math">a\\_b</code> x'],
    ["\\[x\n= y\\]", '<code class="display math">x\n= y</code>'],
    ["$$x$$", '<code class="display math">x</code>'],
    ["**$x$**", '<strong><code class="math">x</code></strong>'],
    ["$5 and $6", "$5 and $6"],
    ["from $5 to 6$ or $ 7$", "from $5 to 6$ or $ 7$".replace("$5 to 6$", '<code class="math">5 to 6</code>')],
    ["costs $5, then $x$5", "costs $5, then $x$5"],
    ["`$x$`", "<code>$x$</code>"],
    ["\\$x$ y", "$x$ y"],
    ["$\\$$", '<code class="math">\\$</code>'],
    ["$$ $", "$$ $"],
    ["\\(open", "(open"],
    [`$x${"y".repeat(1_100)}$`, `$x${"y".repeat(1_100)}$`],
  ])("%s", (markdown, expected) => expect(html(markdown)).toBe(`<p>${expected}</p>\n`));

  test("is text for who did not ask", () => {
    expect(renderMarkdown("$x$ \\(y\\)\n\n$$\nz\n$$\n")).toBe("<p>$x$ (y)</p>\n<p>$$\nz\n$$</p>\n");
  });
});

describe("mathematics in a block", () => {
  test("stands between two lines of $$", () => {
    expect(html("a\n$$\nx\n= y\n- z\n\n$$\nb\n")).toBe(
      '<p>a</p>\n<pre><code class="language-math">x\n= y\n- z\n\n</code></pre>\n<p>b</p>\n',
    );
  });

  test("in a list is its item's", () => {
    expect(html("- $$\n  x\n  $$\n")).toBe('<ul>\n<li>\n<pre><code class="language-math">x\n</code></pre>\n</li>\n</ul>\n');
  });
});

test("2,000 random documents do not depend on the pieces", { timeout: 30_000 }, () => {
  const atoms = [
    "$",
    "$$",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "a",
    " ",
    "\n",
    "\n\n",
    "*",
    "`",
    "5",
    "[x](u)",
    "\\",
    "- ",
    "$$\n",
    "words and words ",
  ];
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = createRandom(seed);
    const markdown = Array.from({ length: 1 + random.below(30) }, () => random.pick(atoms)).join("");
    expect(
      html(markdown, () => 1 + random.below(6)),
      `seed ${seed}: ${JSON.stringify(markdown)}`,
    ).toBe(html(markdown));
  }
});

test.each(["$a ", "$", "\\(", "$$", "$a\\(", "price $5 and "])(
  "%s, many times, is read at a constant cost per character",
  { timeout: 20_000 },
  (atom) => {
    const text = atom.repeat(20_000 / atom.length);
    const stream = new MarkdownStream<object>(
      { open: () => ({}), append() {}, inline() {}, loosen() {}, remove() {}, close() {} },
      { math: scanMath },
    );
    for (let at = 0; at < text.length; at += 256) {
      stream.write(text.slice(at, at + 256));
      stream.flush();
    }
    stream.end();
    expect(stream.counters.inlineBytes).toBeLessThanOrEqual(12 * text.length + 512);
  },
);
