/** The gate of "nothing is ever parsed as HTML": the names of what would do so must not occur in what ships to a page. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

const FORBIDDEN =
  /innerHTML|outerHTML|insertAdjacentHTML|setHTML|unsafeHTML|unsafeSVG|dangerouslySet|DOMParser|createContextualFragment|document\.write|\beval\b|\bFunction\(|srcdoc|\.cssText|\sstyle="|setAttribute\(\s*["'`](?:style|on)|["' ]on[a-z]+="|javascript:/;
/** The renderer does without these too. The widget sets single properties of styles, which no policy forbids. */
const FORBIDDEN_IN_RENDERER = /createElementNS|\.style\b|\.on[a-z]+ ?=/;

/** A property of that name in place of the platform's, which takes nodes for markup: Readability would set it. */
const REPLACED = /Object\.defineProperty\(\w+, "innerHTML"/g;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(?:tsx?|html)$/.test(file) && !/\.test\.|(?:^|\/)testing\//.test(file))
    .map((file) => join(folder, file));
}

function findIn(file: string, pattern: RegExp): string | undefined {
  const code = readFileSync(join(root, file), "utf8")
    .replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "")
    .replace(REPLACED, "");
  return pattern.exec(code)?.[0];
}

test("nothing that ships to a page parses HTML, runs text, or writes a handler or style into markup", () => {
  const files = ["shared", "widget", "react", "extension", "demo"].flatMap(sources);
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) expect(findIn(file, FORBIDDEN), file).toBeUndefined();
});

test("the renderer and the parser set no style and no handler at all", () => {
  for (const file of [...sources("shared/render"), ...sources("shared/markdown")])
    expect(findIn(file, FORBIDDEN_IN_RENDERER), file).toBeUndefined();
});

test("elements are made, and attributes set, in one place", () => {
  const makers = sources("shared/render").filter((file) => findIn(file, /\.createElement\(/));
  expect(makers).toEqual(["shared/render/elements.ts"]);
});

test.each([
  'element.innerHTML = "x"',
  'html`<div style="x">`',
  'new Function("x")',
  'element.setAttribute("onclick", x)',
  '<a onclick="x">',
])("the gate finds %s", (code) => expect(FORBIDDEN.test(code)).toBe(true));
