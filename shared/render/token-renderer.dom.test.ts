import { expect, test } from "vitest";

import { TokenRenderer } from "./token-renderer.ts";

// A smoke test outside a browser: that it draws, and draws the same from any pieces. What needs frames, layout or the
// clipboard is tested in Chromium.

const MARKDOWN = "# Title\n\nOne *two* `three` [four](https://example.com)\n\n- a\n- b\n\n```js\nconst x = 1;\n```\n";

function render(pieces: readonly string[]): string {
  const element = document.createElement("div");
  const renderer = new TokenRenderer(element, { headingBase: 3 });
  for (const piece of pieces) renderer.append(piece);
  renderer.end();
  renderer.flush();
  return element.innerHTML;
}

test("Markdown becomes elements, and markup stays text", () => {
  const html = render([`${MARKDOWN}\n<b>bold</b>`]);
  expect(html).toContain("<h3");
  expect(html).toContain("<em>two</em>");
  expect(html).toContain("&lt;b&gt;bold&lt;/b&gt;");
  expect(html).not.toContain("<b>");
});

test("the pieces do not matter", () => {
  expect(render(MARKDOWN.split(""))).toBe(render([MARKDOWN]));
});

test("after destroy nothing is drawn", () => {
  const element = document.createElement("div");
  const renderer = new TokenRenderer(element, { format: "text" });
  renderer.append("one");
  renderer.destroy();
  renderer.flush();
  expect(element.textContent).toBe("");
});
