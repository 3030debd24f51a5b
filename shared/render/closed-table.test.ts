/** The gate of "nothing is ever parsed as HTML": the names of what would do so must not occur in the source. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

const FORBIDDEN =
  /innerHTML|outerHTML|insertAdjacentHTML|setHTML|DOMParser|createContextualFragment|document\.write|\beval\b|new Function|srcdoc|createElementNS|\.style\b|\.on[a-z]+ ?=/;

test("neither parser nor renderer knows a way to parse HTML, run text, or set a handler or style", () => {
  for (const folder of [import.meta.dirname, join(import.meta.dirname, "../markdown")]) {
    for (const file of readdirSync(folder)) {
      if (!file.endsWith(".ts") || file.includes(".test.")) continue;
      const code = readFileSync(join(folder, file), "utf8").replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
      expect(FORBIDDEN.exec(code)?.[0], file).toBeUndefined();
    }
  }
});

test("elements are made, and attributes set, in one place", () => {
  const makers = readdirSync(import.meta.dirname).filter(
    (file) =>
      !file.includes(".test.") && file.endsWith(".ts") && /\.createElement\(/.test(readFileSync(join(import.meta.dirname, file), "utf8")),
  );
  expect(makers).toEqual(["elements.ts"]);
});
