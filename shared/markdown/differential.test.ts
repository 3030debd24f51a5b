/**
 * Random documents: against commonmark.js, against micromark with the extensions, and against ourselves in other pieces.
 * A failure names its seed; `CHANL_SEED=<seed>` begins there.
 */
import { HtmlRenderer, Parser } from "commonmark";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { expect, test } from "vitest";

import { createRandom, type Random } from "../testing/random.ts";
import { renderMarkdown } from "../testing/tree-html.ts";

const BLOCKS = [
  ..."a|b |foo| |  |\n|\n\n|    |\t|- |* |+ |1. |2. |1) |10. |> |>|# |## |#|```|~~~|---|===|***\n|- - -|-\n|   |\n   |\n  |  \n".split("|"),
  ..."`|``|*|**|_|__|***|[|]|(|)|](/u)|[foo]|[foo]: /url|[foo]: /url 't'\n|[r]: <x>\n|[bar][foo]|![|!|\\|\\*|&amp;|&|<|é|—|'|\"".split("|"),
];
const INLINES =
  "word |some text here |**bold text** |*em* |`code` |``a ` b`` |[link](/u 't') |[ref] |[x][ref] |a*b |_u_ |snake_case |\\* |&amp; |<http://a.b> |line end\n|hard  \n|![img](/i) |***both*** |[open |] |* |`` |**un |end** ".split(
    "|",
  );
const EXTENSIONS = "| a | b |\n§|---|---|\n§|-|\n§|§:-:§~§~~§- [ ] §- [x] §[ ] §\r§\r\n§ https://a.b/c §(www.x.y) § a@b.c ".split("§");
const ADDRESSES = "https://a.b/c§www.x.y §a@b.c§ftp://z §[https://a.b§http://localhost:3000/ ".split("§");

const FIRST_SEED = Number(process.env["CHANL_SEED"] ?? 1);

function forSeeds(count: number, check: (random: Random, seed: number) => void): void {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) check(createRandom(seed), seed);
}

function commonmarkJs(markdown: string): string {
  return new HtmlRenderer().render(new Parser().parse(markdown));
}

function compose(random: Random, atoms: readonly string[], count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += atoms[Math.floor(random.next() * atoms.length)] ?? "";
  return text;
}

/** What our tree deliberately does not share with commonmark.js. */
function isComparable(markdown: string, expected: string): boolean {
  return (
    !/<[a-z!/?]/i.test(markdown.replaceAll("<http://a.b>", "")) &&
    // Strikethrough; a tab behind a definition, which commonmark.js does not allow and the specification does; a paragraph of
    // nothing but definitions above a rule; links in links; hard breaks in descriptions.
    !/~/.test(markdown.replaceAll("~~~", "")) &&
    !/\]:.*\t/.test(markdown) &&
    !expected.includes("<p></p>") &&
    !/<a [^>]*>(?:(?!<\/a>)[^])*<a /.test(expected) &&
    !/alt="[^"]*\n/.test(expected)
  );
}

test("10,000 short documents of block and inline markers equal commonmark.js, and do not depend on the pieces", { timeout: 60_000 }, () => {
  let compared = 0;
  forSeeds(10_000, (random, seed) => {
    const markdown = compose(random, BLOCKS, 1 + random.below(14));
    const html = renderMarkdown(markdown, { bareAddresses: false });
    const pieces = renderMarkdown(markdown, { bareAddresses: false, cuts: () => 1 + random.below(4) });
    expect(pieces, `seed ${seed}: ${JSON.stringify(markdown)}`).toBe(html);
    const expected = commonmarkJs(markdown);
    if (!isComparable(markdown, expected)) return;
    compared++;
    expect(html, `seed ${seed}: ${JSON.stringify(markdown)}`).toBe(expected);
  });
  expect(compared).toBeGreaterThan(8_000);
});

/** The two write the same elements with other line ends and other attributes of a checkbox. */
function sameForm(html: string): string {
  return html
    .replace(/<input [^>]*>/g, (tag) => (tag.includes("checked") ? "<input checked>" : "<input>"))
    .replace(/\s*\r\n?\s*|\s*\n\s*/g, "\n")
    .replace(/<li>\n/g, "<li>")
    .replace(/\n<\/li>/g, "</li>")
    .trim();
}

/** Where micromark's extensions differ from cmark-gfm, whose examples we hold. */
function isMicromarksOwn(markdown: string): boolean {
  return (
    // It makes no link of an address behind an open bracket, …
    (markdown.includes("[") && /:\/\/|www|@/.test(markdown)) ||
    // a table's header of a definition, a task of a paragraph below an empty item, no header of a line that is indented like code, …
    /\]:[^]*[\r\n][ >]*\|?:?-/.test(markdown) ||
    /^[ >]*(?:[-+*]|\d+[.)])[ \t]*[\r\n]+[ >]*\[/m.test(markdown) ||
    /^(?: {4}|\t).*[\r\n]+[ >]*\|?:?-/m.test(markdown) ||
    // and a run of tildes is no punctuation to the emphasis beside it.
    /~[*_]|[*_]~/.test(markdown)
  );
}

test("10,000 documents with the extensions equal micromark, and do not depend on the pieces", { timeout: 60_000 }, () => {
  const options = { extensions: [gfm()], htmlExtensions: [gfmHtml()] };
  let compared = 0;
  forSeeds(10_000, (random, seed) => {
    const markdown = compose(random, [...BLOCKS, ...EXTENSIONS], 1 + random.below(14));
    const html = renderMarkdown(markdown);
    expect(renderMarkdown(markdown, { cuts: () => 1 + random.below(5) }), `seed ${seed}: ${JSON.stringify(markdown)}`).toBe(html);
    if (isMicromarksOwn(markdown) || /<[a-z!/?]/i.test(markdown)) return;
    compared++;
    const expected = micromark(markdown, options);
    if (sameForm(html) === sameForm(expected)) return;
    // No witness where it disagrees with commonmark.js about the same text already without extensions.
    if (sameForm(micromark(markdown)) !== sameForm(commonmarkJs(markdown))) return;
    expect(sameForm(html), `seed ${seed}: ${JSON.stringify(markdown)}`).toBe(sameForm(expected));
  });
  expect(compared).toBeGreaterThan(6_500);
});

test("100 long paragraphs equal commonmark.js in whatever pieces: what is settled was settled rightly", { timeout: 60_000 }, () => {
  forSeeds(100, (random, seed) => {
    // The rarer the markers, the more checkpoints.
    const plain = random.next();
    let markdown = "";
    for (let left = 100 + random.below(400); left > 0; left--)
      markdown += compose(random, random.chance(plain) ? INLINES.slice(0, 3) : INLINES, 1);
    markdown += random.chance(0.5) ? "\n\n[ref]: /r\n" : "\n";
    const pieces = renderMarkdown(markdown, { bareAddresses: false, cuts: () => 1 + random.below(60) });
    expect(pieces, `seed ${seed}`).toBe(commonmarkJs(markdown));
  });
});

test("5,000 documents with bare addresses in every place do not depend on the pieces", { timeout: 60_000 }, () => {
  forSeeds(5_000, (random, seed) => {
    const markdown = compose(random, [...BLOCKS, ...EXTENSIONS, ...ADDRESSES, ...ADDRESSES], 1 + random.below(20));
    const pieces = renderMarkdown(markdown, { cuts: () => 1 + random.below(5) });
    expect(pieces, `seed ${seed}: ${JSON.stringify(markdown)}`).toBe(renderMarkdown(markdown));
  });
});
