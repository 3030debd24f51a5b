import { afterEach, expect, test } from "vitest";

import { TokenRenderer } from "./token-renderer.ts";

const REPLY = [
  "# Title\n\nA *first* paragraph with `code`, **bold** and a [link](https://example.com/a).\n\n",
  "- one\n- two\n  - nested\n- [x] done\n\n1. first\n\n2. second\n\n> quoted\n> text\n\n",
  "```ts\nconst a = 1;\nconst b = `x`;\n```\n\n| a | b |\n| :-- | --: |\n| 1 | 2 |\n\n---\n\nSetext\n======\n\nEnd [ref].\n\n[ref]: /x\n",
].join("");

const mounted: HTMLElement[] = [];
function mount(): HTMLElement {
  const element = document.createElement("div");
  document.body.append(element);
  mounted.push(element);
  return element;
}
afterEach(() => {
  for (const element of mounted.splice(0)) element.remove();
});

function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}

test("a reply becomes elements", () => {
  const element = mount();
  const renderer = new TokenRenderer(element);
  for (const char of REPLY) renderer.append(char);
  renderer.end();
  renderer.flush();
  expect(element.innerHTML).toBe("");
});
