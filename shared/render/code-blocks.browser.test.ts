import { afterEach, describe, expect, test, vi } from "vitest";

import { highlight } from "../highlight/highlighter.ts";
import type { Highlight } from "../highlight/tokens.ts";
import { createCodeHighlighter, highlightCode, type HighlightOptions } from "./code-highlighter.ts";
import type { HighlightCode } from "./code-writer.ts";
import { TokenRenderer, type TokenRendererOptions } from "./token-renderer.ts";

const mounted: HTMLElement[] = [];

afterEach(() => {
  getSelection()?.removeAllRanges();
  for (const element of mounted.splice(0)) element.remove();
});

function render(text: string, options: TokenRendererOptions = {}, end = true): { root: HTMLElement; renderer: TokenRenderer } {
  const root = document.createElement("div");
  document.body.append(root);
  mounted.push(root);
  const renderer = new TokenRenderer(root, options);
  renderer.append(text);
  if (end) renderer.end();
  renderer.flush();
  return { root, renderer };
}

const colours = { highlighter: async (): Promise<HighlightCode> => highlightCode };
const coloursOf = (options: HighlightOptions): TokenRendererOptions => ({ highlighter: async () => createCodeHighlighter(options) });
const painted = (root: ParentNode): boolean => root.querySelector('[class^="hl-"]') !== null;
const idle = (): Promise<void> => new Promise((resolve) => requestIdleCallback(() => resolve()));

describe("the bar", () => {
  test.each([
    ["ts", "TypeScript"],
    ["C++", "C++"],
    ["yml", "YAML"],
    ["sh", "Bash"],
    ["css", "CSS"],
    ["swift", "Swift"],
    ["constructor", "Constructor"],
    ["", "Code"],
  ])("names %s as %s", (word, name) => {
    const { root } = render(`\`\`\`${word}\nx\n\`\`\`\n`);
    expect(root.querySelector(".lang")?.textContent).toBe(name);
    expect(root.querySelector("pre")?.getAttribute("aria-label")).toBe(word ? `Code, ${name}` : "Code");
  });

  test("wraps lines and unwraps them", () => {
    const { root } = render("```\nx\n```\n");
    const button = root.querySelector<HTMLElement>(".wrap");
    const state = (): unknown[] => [button?.getAttribute("aria-pressed"), root.querySelector("pre")?.className];
    button?.click();
    expect(state()).toEqual(["true", "wrapped"]);
    button?.click();
    expect(state()).toEqual(["false", ""]);
  });
});

test("the copy button that the pointer is on stays the same, and in its place, while its code grows and when it ends", async () => {
  const { root, renderer } = render("```ts\nlet a = 1;\n", colours, false);
  const button = root.querySelector<HTMLElement>(".copy")!;
  const { x, y } = button.getBoundingClientRect();
  for (let line = 0; line < 40; line++) {
    renderer.append(`let b${line} = "${"x".repeat(line)}";\n`);
    renderer.flush();
    expect(root.querySelector(".copy")).toBe(button);
  }
  renderer.append("```\n\nAnd on.\n");
  renderer.end();
  renderer.flush();
  await vi.waitFor(() => expect(painted(root)).toBe(true));
  expect(root.querySelectorAll(".copy")).toHaveLength(1);
  expect(root.querySelector(".copy")).toBe(button);
  expect([button.getBoundingClientRect().x, button.getBoundingClientRect().y]).toEqual([x, y]);
});

describe("a long block", () => {
  test("is folded when the answer is complete, not before, and unfolded by its button", () => {
    const { root, renderer } = render(`\`\`\`\n${"line\n".repeat(140)}\`\`\`\n\nmore`, {}, false);
    expect(root.querySelector(".folded")).toBeNull();
    renderer.end();
    renderer.flush();
    expect(root.querySelector("pre.folded")).not.toBeNull();
    const more = root.querySelector<HTMLElement>(".more");
    expect(more?.textContent).toBe("Show all 140 lines");
    more?.click();
    expect([root.querySelector(".folded"), root.querySelector(".more"), document.activeElement?.className]).toEqual([null, null, "copy"]);
  });

  test("of 24 lines is not folded", () => {
    expect(render(`\`\`\`\n${"line\n".repeat(24)}\`\`\`\n`).root.querySelector(".folded")).toBeNull();
    expect(render(`\`\`\`\n${"line\n".repeat(25)}\`\`\`\n`).root.querySelector(".folded")).not.toBeNull();
  });
});

describe("colours", () => {
  const CODE = "const a = 1; // why\n".repeat(70);

  test("come to complete blocks and change no character; the boxes stay", async () => {
    const { root } = render(`\`\`\`ts\n${CODE}\`\`\`\n\n\`\`\`ts\nconst open = 1;\n`, colours, false);
    const boxes = [...root.querySelectorAll(".lines")];
    await vi.waitFor(() => expect(boxes.slice(0, 3).every(painted)).toBe(true));
    expect([...root.querySelectorAll(".lines")]).toEqual(boxes);
    expect(root.querySelector("code")?.textContent).toBe(CODE);
    expect(root.querySelector(".hl-keyword")?.textContent).toBe("const");
    expect(painted(boxes[3]!)).toBe(false);
  });

  test("are given once", async () => {
    const calls: string[] = [];
    const counting: Highlight = (language, code) => {
      calls.push(code);
      return highlight(language, code);
    };
    const { root, renderer } = render(`\`\`\`ts\n${CODE}\`\`\`\n`, coloursOf({ highlight: counting }), false);
    await vi.waitFor(() => expect([...root.querySelectorAll(".lines")].every(painted)).toBe(true));
    const nodes = [...root.querySelectorAll(".lines *")];
    renderer.append("\nmore **text**\n\n```ts\nlet x = 1;\n```\n");
    renderer.end();
    renderer.flush();
    await vi.waitFor(() => expect(painted(root.querySelectorAll("pre")[1]!)).toBe(true));
    expect([...root.querySelectorAll(".lines *")].slice(0, nodes.length)).toEqual(nodes);
    expect(calls.join("")).toBe(`${CODE}let x = 1;\n`);
  });

  test("take turns with the page: at most 8 ms at a time", async () => {
    let time = 0;
    let slices = 0;
    let inSlice = 0;
    const longest: number[] = [];
    const slow: Highlight = (language, code) => {
      time += 5;
      inSlice += 5;
      longest.push(inSlice);
      return highlight(language, code);
    };
    const spy = vi.spyOn(window, "requestIdleCallback").mockImplementation((run) => {
      slices++;
      return setTimeout(() => {
        inSlice = 0;
        run({ didTimeout: false, timeRemaining: () => 50 });
      }) as unknown as number;
    });
    const { root } = render(`\`\`\`ts\n${CODE.repeat(4)}\`\`\`\n`, coloursOf({ highlight: slow, now: () => time }));
    await vi.waitFor(() => expect([...root.querySelectorAll(".lines")].every(painted)).toBe(true));
    spy.mockRestore();
    expect(slices).toBeGreaterThanOrEqual(4);
    expect(Math.max(...longest)).toBeLessThanOrEqual(10);
  });

  test("of a comment that spans boxes are its own, and code behind it has its colours", async () => {
    const code = `/*\n${"comment\n".repeat(70)}*/\nconst a = 1;\n`;
    const { root } = render(`\`\`\`ts\n${code}\`\`\`\n`, colours);
    await vi.waitFor(() => expect(root.querySelector(".hl-keyword")?.textContent).toBe("const"));
    expect([...root.querySelectorAll(".hl-comment")].map(({ textContent }) => textContent).join("")).toBe(
      `/*\n${"comment\n".repeat(70)}*/`,
    );
    expect(root.querySelector("code")?.textContent).toBe(code);
  });

  test("wait while text of the block is selected", async () => {
    const { root } = render("```ts\nconst a = 1;\n```\n\n```ts\nconst b = 1;\n```\n", colours, false);
    const [first, second] = root.querySelectorAll("code");
    getSelection()?.selectAllChildren(first!);
    await vi.waitFor(() => expect(painted(second!)).toBe(true));
    expect([painted(first!), String(getSelection())]).toEqual([false, "const a = 1;"]);
    getSelection()?.removeAllRanges();
    await vi.waitFor(() => expect(painted(first!)).toBe(true));
  });

  test.each([
    ["without a language", "", colours],
    ["in a language nobody knows", "klingon", colours],
    ["when the highlighter cannot be loaded", "ts", { highlighter: () => Promise.reject(new TypeError("Failed to fetch")) }],
  ])("%s the code stays plain, and no error is heard of", async (_, language, options) => {
    const errors: unknown[] = [];
    const listen = (event: Event): unknown => errors.push(event);
    addEventListener("unhandledrejection", listen);
    const { root } = render(`\`\`\`${language}\nconst a = 1;\n\`\`\`\n`, options);
    await idle();
    await idle();
    removeEventListener("unhandledrejection", listen);
    expect([painted(root), root.querySelector("code")?.textContent, errors]).toEqual([false, "const a = 1;\n", []]);
  });

  test("are not loaded before a block with a language is complete", async () => {
    const highlighter = vi.fn<() => Promise<HighlightCode>>(async () => highlightCode);
    const { renderer } = render("text\n\n```\nplain\n```\n\n```ts\nopen\n", { highlighter }, false);
    expect(highlighter).not.toHaveBeenCalled();
    renderer.append("```\n\n```ts\nb\n```\n");
    renderer.flush();
    expect(highlighter).toHaveBeenCalledOnce();
  });

  test("do not come after destroy", async () => {
    const { root, renderer } = render("```ts\nconst a = 1;\n```\n", colours, false);
    renderer.destroy();
    await idle();
    await idle();
    expect(painted(root)).toBe(false);
  });
});

test("code and tables of an answer that still streams can be reached by keyboard, complete or not", () => {
  const { root } = render("```\nx\n```\n\n| a |\n|---|\n| b |\n\n```\ngrow", {}, false);
  expect([...root.querySelectorAll<HTMLElement>("pre, .tw")].map(({ tabIndex }) => tabIndex)).toEqual([0, 0, 0]);
});

test("what scrolls sideways is reachable by keyboard while it does", async () => {
  const { root } = render(`\`\`\`\n${"wide ".repeat(100)}\n\`\`\`\n\n\`\`\`\nx\n\`\`\`\n\n| ${"a".repeat(300)} |\n|---|\n`);
  root.style.width = "300px";
  for (const box of root.querySelectorAll<HTMLElement>("pre, .tw")) box.style.overflowX = "auto";
  const reachable = (): number[] => [...root.querySelectorAll<HTMLElement>("pre, .tw")].map(({ tabIndex }) => tabIndex);
  await vi.waitFor(() => expect(reachable()).toEqual([0, -1, 0]));
  root.style.width = "10000px";
  await vi.waitFor(() => expect(reachable()).toEqual([-1, -1, -1]));
});
