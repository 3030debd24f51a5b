import { expect, test } from "vitest";

import { minifyCss, minifyHtml } from "./minify-templates.mjs";

test.each([
  ["a b { color : red ; }", "a b{color :red}"],
  ["/* why */ .a > .b,\n  .c { margin: 0 -2px; }", ".a>.b,.c{margin:0 -2px}"],
  [".x { width: calc(100% - 2 * var(--a)); }", ".x{width:calc(100% - 2 * var(--a))}"],
  [".a :is(.b, .c) .d { all: unset }", ".a :is(.b,.c) .d{all:unset}"],
  ["@media (a) and (b) { .c { d: e } }", "@media (a) and (b){.c{d:e}}"],
])("css: %j is %j", (text, short) => expect(minifyCss(text).trim()).toBe(short));

test.each([
  ["\n  <p>\n    one <b>two</b> three\n  </p>\n", "<p>one <b>two</b> three</p>"],
  ['<a\n  class="x"\n  href=', '<a class="x" href='],
  // Between two attributes that are expressions only this space stands.
  ["\n    ", " "],
  ["</span\n  ><b>", "</span><b>"],
])("html: %j is %j", (text, short) => expect(minifyHtml(text)).toBe(short));
