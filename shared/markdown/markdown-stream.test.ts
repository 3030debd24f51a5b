import { describe, expect, test } from "vitest";

import { forSeeds } from "../testing/random.ts";
import { renderMarkdown, TreeRecorder } from "../testing/tree-html.ts";
import { MarkdownStream } from "./markdown-stream.ts";

/** What is shown after each character. */
function prefixes(markdown: string): string[] {
  const recorder = new TreeRecorder();
  const stream = new MarkdownStream(recorder);
  return Array.from(markdown, (character) => {
    stream.write(character);
    stream.flush();
    return recorder.html();
  });
}

/** What is shown of a text that goes on. */
function unfinished(markdown: string): string {
  const recorder = new TreeRecorder();
  const stream = new MarkdownStream(recorder);
  stream.write(markdown);
  stream.flush();
  return recorder.html().trim();
}

describe("lines", () => {
  test("LF, CRLF and CR end lines, also when the two halves of CRLF come apart", () => {
    for (const lineEnd of ["\n", "\r\n", "\r"]) {
      const text = "a\n\n```\nx\n\ny\n```\n- b\n".replaceAll("\n", lineEnd);
      expect(renderMarkdown(text)).toBe("<p>a</p>\n<pre><code>x\n\ny\n</code></pre>\n<ul>\n<li>b</li>\n</ul>\n");
      expect(renderMarkdown(text, { cuts: () => 1 })).toBe(renderMarkdown(text));
    }
  });

  test("NUL becomes U+FFFD, in code too", () => {
    expect(renderMarkdown("a\0\n\n    b\0")).toBe("<p>a\uFFFD</p>\n<pre><code>b\uFFFD\n</code></pre>\n");
  });

  test("a surrogate pair may be cut", () => {
    expect(renderMarkdown("**\u{1F600}**", { cuts: () => 1 })).toBe("<p><strong>\u{1F600}</strong></p>\n");
  });

  test("end finishes the last line, and does so once", () => {
    const recorder = new TreeRecorder();
    const stream = new MarkdownStream(recorder);
    stream.write("```\nopen");
    stream.end();
    stream.end();
    stream.flush();
    expect(recorder.html()).toBe("<pre><code>open\n</code></pre>\n");
    expect(recorder.root?.closed).toBe(true);
    expect(() => stream.write("x")).toThrow(TypeError);
  });

  test("nothing is nothing", () => {
    expect(renderMarkdown("")).toBe("");
    expect(renderMarkdown("\n \n\t\n")).toBe("");
  });
});

describe("what is shown of an unfinished line", () => {
  test.each([
    ["a marker that may become anything", "-", ""],
    ["a number", "1", ""],
    ["a hash", "##", ""],
    ["a fence with its language", "```py", ""],
    ["a row of a table", "| a | b", ""],
    ["the first row and half a delimiter row", "| a | b |\n|--", ""],
    ["a definition", "[docs]: https://exa", ""],
    ["an item", "- a", "<ul>\n<li>a</li>\n</ul>"],
    ["a heading", "## Ti", "<h2>Ti</h2>"],
    ["a heading that may be closed", "## Ti ##", "<h2>Ti</h2>"],
    ["code", "```\nab", "<pre><code>ab</code></pre>"],
    ["code that may be closed", "```\nab\n``", "<pre><code>ab\n</code></pre>"],
    ["a paragraph that may be a heading", "a\n--", "<p>a</p>"],
    ["a paragraph that goes on", "a\nb", "<p>a\nb</p>"],
    ["a quote", "> a", "<blockquote>\n<p>a</p>\n</blockquote>"],
  ])("%s", (_, markdown, html) => {
    expect(unfinished(markdown)).toBe(html);
  });

  test.each([
    ["strong", "a **b", "a <strong>b</strong>"],
    ["half a closing marker", "a **b*", "a <strong>b</strong>"],
    ["both", "***b", "<em><strong>b</strong></em>"],
    ["an opening marker", "a **", "a"],
    ["strikethrough", "a ~~b", "a <del>b</del>"],
    ["code", "a `b", "a <code>b</code>"],
    ["a label", "a [b", "a b"],
    ["a label that may get a target", "a [b]", "a b"],
    ["a target", "a [b](https://exa", "a b"],
    ["a title", 'a [b](https://example.com "t', "a b"],
    ["a reference", "a [b][c", "a b"],
    ["an image", "a ![b](https://exa", "a b"],
    ["a bare address", "a https://exa", "a https://exa"],
    ["half an entity", "a &am", "a"],
    ["a backslash", "a \\", "a"],
    ["brackets that are none", "a [b] c", "a [b] c"],
    ["an asterisk that is none", "2 * 3 * ", "2 * 3"],
  ])("%s", (_, markdown, html) => {
    expect(unfinished(markdown).replace(" </p>", "</p>")).toBe(`<p>${html}</p>`);
  });

  test("markup that stays open for long is shown as it was written", () => {
    expect(unfinished(`**${"word ".repeat(20)}`)).toMatch(/^<p><strong>/);
    expect(unfinished(`**${"word ".repeat(200)}`)).toMatch(/^<p>\*\*word/);
  });

  test("a task's box does not flash up as brackets", () => {
    for (const html of prefixes("- [x] done")) expect(html).not.toContain("[");
    expect(renderMarkdown("- [x] done\n- [ ] open\n- [y] no")).toContain('<li><input checked="" disabled="" type="checkbox"> done</li>');
  });

  test("a table is never shown as text when its rows begin with a pipe", () => {
    for (const html of prefixes("| a | b |\n| --- | --- |\n| 1 | 2 |\n")) expect(html).not.toContain("|");
  });

  test("a quiet reply only grows: what was shown is a prefix of what follows", () => {
    let before = "";
    for (const html of prefixes("# Title\n\nWords and **bold words** here.\n\n- one\n- two\n\n```js\nlet a = 1;\n```\n")) {
      const text = html.replace(/<[^>]*>|\n/g, "");
      expect(text.startsWith(before), `${before} → ${text}`).toBe(true);
      before = text;
    }
  });
});

describe("definitions", () => {
  test("may come after their use, and the first one wins", () => {
    expect(renderMarkdown("[a] ![a]\n\n[A]: /first 't'\n\n[a]: /second\n", { cuts: () => 3 })).toBe(
      '<p><a href="/first" title="t">a</a> <img src="/first" alt="a" title="t" /></p>\n',
    );
  });

  test("reach leaves in closed lists, tables and headings, and nothing else is read again", () => {
    const recorder = new TreeRecorder();
    const stream = new MarkdownStream(recorder);
    stream.write(`# [a]\n\n- [a]\n\n| [a] |\n|---|\n| [a] |\n\n${"other words\n\n".repeat(100)}`);
    const { inlineBytes } = stream.counters;
    stream.write("[a]: /u\n\n");
    expect(recorder.html().match(/<a href="\/u">a<\/a>/g)).toHaveLength(4);
    expect(stream.counters.inlineBytes - inlineBytes).toBe(12);
    stream.end();
  });

  test("labels are keys and nothing more", () => {
    expect(renderMarkdown("[__proto__] [constructor] [toString][hasOwnProperty]")).toBe(
      "<p>[<strong>proto</strong>] [constructor] [toString][hasOwnProperty]</p>\n",
    );
    expect(renderMarkdown("[constructor]\n\n[constructor]: /c")).toBe('<p><a href="/c">constructor</a></p>\n');
  });

  test("one that was shown as text is taken back", () => {
    const text = `[a]: ${"u".repeat(3_000)}\n\nx\n`;
    expect(renderMarkdown(text, { cuts: () => 100 })).toBe("<p>x</p>\n");
  });
});

describe("what differential tests found", () => {
  test("an item that begins with a rule goes on after a blank line", () => {
    expect(renderMarkdown("- ***\n\n  a\n")).toBe("<ul>\n<li>\n<hr />\n<p>a</p>\n</li>\n</ul>\n");
  });

  test("a definition of several lines does not loosen its list, one behind a blank line does", () => {
    expect(renderMarkdown("- [r]:\n  /u\n- a\n")).toBe("<ul>\n<li></li>\n<li>a</li>\n</ul>\n");
    expect(renderMarkdown("- a\n\n  [r]: /u\n")).toBe("<ul>\n<li>\n<p>a</p>\n</li>\n</ul>\n");
  });
});

describe("GFM", () => {
  test.each([
    ["https://a.example/b?c=d.", '<a href="https://a.example/b?c=d">https://a.example/b?c=d</a>.'],
    ["(see http://localhost:3000/x)", '(see <a href="http://localhost:3000/x">http://localhost:3000/x</a>)'],
    ["**https://a.example**", '<strong><a href="https://a.example">https://a.example</a></strong>'],
    ["xhttps://a.example", "xhttps://a.example"],
    ["[see https://a.example](/u)", '<a href="/u">see https://a.example</a>'],
    ["[https://a.example] b", '[<a href="https://a.example">https://a.example</a>] b'],
    ["mail me@a.example, now", 'mail <a href="mailto:me@a.example">me@a.example</a>, now'],
    ["[mail me@a.example](/u)", '<a href="/u">mail me@a.example</a>'],
    ["~one~ ~~two~~ ~~~three~~~", "<del>one</del> <del>two</del> ~~~three~~~"],
    ["~one~~", "~one~~"],
  ])("%s", (markdown, html) => {
    expect(renderMarkdown(markdown)).toBe(`<p>${html}</p>\n`);
  });

  test("bare addresses can be switched off", () => {
    expect(renderMarkdown("https://a.example me@b.example", { bareAddresses: false })).toBe("<p>https://a.example me@b.example</p>\n");
  });

  test("only the last line of a paragraph is a table's header", () => {
    expect(renderMarkdown("text\n| a |\n| --- |\n")).toBe("<p>text</p>\n<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n</table>\n");
  });

  test("short rows are filled, up to a limit", () => {
    const columns = 500;
    const recorder = new TreeRecorder();
    const stream = new MarkdownStream(recorder);
    stream.write(`${"|a".repeat(columns)}|\n${"|-".repeat(columns)}|\n${"|x|\n".repeat(1_000)}`);
    stream.end();
    const rows = recorder.root?.children[0]?.children ?? [];
    expect([rows.length, rows[1]?.children.length, rows.at(-1)?.children.length]).toEqual([1_001, columns, 1]);
  });
});

describe("limits", () => {
  test("blocks nest 64 deep, and what would be deeper is text", () => {
    const html = renderMarkdown(`${"> ".repeat(200)}a`);
    expect(html.match(/<blockquote>/g)).toHaveLength(63);
    expect(html).toContain("&gt; a");
  });

  test("wrappers nest 32 deep, and deeper ones keep their text", () => {
    const html = renderMarkdown(`${"*a **b ".repeat(100)}c${" b** a*".repeat(100)}`);
    expect(html.match(/<(?:em|strong)>/g)).toHaveLength(32);
    expect(html.match(/[abc]/g)?.length).toBeGreaterThan(400);
  });
});

test("raw HTML is text", () => {
  expect(renderMarkdown("<b onclick=x>*a*</b>\n\n<script>\nx\n</script>\n")).toBe(
    "<p>&lt;b onclick=x&gt;<em>a</em>&lt;/b&gt;</p>\n<p>&lt;script&gt;\nx\n&lt;/script&gt;</p>\n",
  );
});

const PIECES = "a|word |é, |x; |  |1|*|**|_|~~|`|[|](|]|(|)|![|<|>|&amp;|&|\\|\n|\n |https://|www.|x.org |@|a@b.cd|.|!|$|: ".split("|");

test("the first character of an indented line is shown at once", () => {
  for (const spaces of [0, 1, 2, 3]) expect(prefixes(`a\n${" ".repeat(spaces)}x`).at(-1)).toBe("<p>a\nx</p>\n");
});

test("a letter behind an entity at the end of an address belongs to the address", () => {
  // The e-mail address in the middle is shown as one meanwhile, so that the text behind it looks like no address.
  const text = "www.a@b.cd&amp;h";
  expect(prefixes(text).at(-1)).toBe(`${unfinished(text)}\n`);
});

test("what is shown of a paragraph is the same after every character as if it had come at once", () => {
  forSeeds(400, (random, seed) => {
    let markdown = "a ";
    for (let count = random.below(14); count > 0; count--) markdown += random.pick(PIECES);
    // An empty line ends the paragraph, and a line that begins with a marker something else.
    markdown = markdown.replaceAll(/\n(?! *[a-z])/g, "");
    const shown = prefixes(markdown).map((html) => html.trim());
    const characters = Array.from(markdown);
    shown.forEach((html, index) => {
      const text = characters.slice(0, index + 1).join("");
      expect(html, `seed ${seed}: ${JSON.stringify(text)}`).toBe(unfinished(text));
    });
  });
});
