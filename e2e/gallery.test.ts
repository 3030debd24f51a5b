/** Every state of the gallery, looked at the way tools and people do: axe, sizes of targets, overflow, names and roles, forced colours. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright";
import { describe, expect, test } from "vitest";

import { until } from "./testing/browser.ts";
import { root as repository } from "./testing/gateway-process.ts";
import { servedPages } from "./testing/served-pages.ts";

/** The gallery's own list; one that nobody added here is looked at all the same. */
const source = readFileSync(join(repository, "demo", "states.ts"), "utf8");
const STATES = [...source.slice(source.indexOf("export const STATES")).matchAll(/^ {2}"?([\w-]+)"?: \{/gm)].map(([, name]) => name!);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const served = servedPages();

const path = (state: string, more = ""): string => `${served.gateway.origin}/?state=${state}${more}`;

/** The widget has drawn, and what it fades in has come. */
async function open(page: Page, state: string, more = ""): Promise<void> {
  await page.goto(path(state, more));
  await page.locator('chanl-chat [part~="composer"]').first().waitFor();
  if (state === "attachments") await page.locator('chanl-chat [part~="attachment-error"]').first().waitFor();
  else if (state === "dictation") await page.locator('chanl-chat [part~="speech-error"]').first().waitFor();
  else if (state !== "empty") await page.locator('chanl-chat [part~="message"]').first().waitFor();
  // A line of code that is just growing past its box may be looked at before it is in the tab order: its words are waited for.
  if (state === "streaming") await page.locator("chanl-chat").first().getByText("stay free for 60 days.").waitFor();
  await page.waitForTimeout(700);
  await still(page);
}

type Look = [width: number, theme: "light" | "dark", media: "normal" | "more contrast" | "less motion"];

// Every two of width, theme and medium together once; CHANL_FULL=1 takes all.
const PAIRS: Look[] = [
  [320, "light", "normal"],
  [320, "dark", "more contrast"],
  [400, "dark", "less motion"],
  [400, "light", "more contrast"],
  [1024, "dark", "normal"],
  [1024, "light", "less motion"],
];
const ALL = ([320, 400, 1024] as const).flatMap((width) =>
  (["light", "dark"] as const).flatMap((theme) =>
    (["normal", "more contrast", "less motion"] as const).map((media): Look => [width, theme, media]),
  ),
);
/** Half of them for each state, in turn. */
const looksOf = (index: number): Look[] => (process.env["CHANL_FULL"] ? ALL : PAIRS.filter((_, at) => at % 2 === index % 2));

async function look(page: Page, [width, theme, media]: Look): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({
    contrast: media === "more contrast" ? "more" : "no-preference",
    reducedMotion: media === "less motion" ? "reduce" : "no-preference",
  });
  await page.evaluate((chosen) => (document.documentElement.dataset["theme"] = chosen), theme);
  await page.waitForTimeout(250);
  await still(page);
}

/** On a slow machine what fades in takes longer than it was given. What moves for ever, as a caret does, is not waited for. */
function still(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const isMoving = (): boolean =>
      document.getAnimations().some(({ playState, effect }) => playState === "running" && effect?.getComputedTiming().endTime !== Infinity);
    for (let frames = 0; frames < 4; frames = isMoving() ? 0 : frames + 1)
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  });
}

/**
 * What axe finds, and what it could not decide. It cannot where it sees no ground or no word: one thing over another, a single
 * character, or text that is out of the scroller's sight. The colours of all that are those of places it could decide.
 */
const UNDECIDED = new Set([
  "bgOverlap",
  "elmPartiallyObscured",
  "elmPartiallyObscuring",
  "outsideViewport",
  "shortTextContent",
  "pseudoContent",
]);

async function violations(page: Page): Promise<string[]> {
  const { found, undecided } = await page.evaluate(async () => {
    interface Result {
      id: string;
      nodes: { html: string; any: { data?: { messageKey?: string } | null }[] }[];
    }
    const { axe } = globalThis as unknown as {
      axe: { run(context: object, options: object): Promise<{ violations: Result[]; incomplete: Result[] }> };
    };
    const results = await axe.run(
      { include: "chanl-chat" },
      {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
        resultTypes: ["violations", "incomplete"],
        // Of the page around it.
        rules: { "heading-order": { enabled: false }, "page-has-heading-one": { enabled: false }, region: { enabled: false } },
      },
    );
    return {
      found: results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" ")}`),
      undecided: results.incomplete.flatMap(({ id, nodes }) =>
        nodes.map(({ html, any }) => ({
          why: any[0]?.data?.messageKey ?? "",
          what: `${id}: ${html.includes('class="caret"') ? "<caret>" : ""}${html.slice(0, 160)}`,
        })),
      ),
    };
  });
  // The word "Thinking" is painted in a gradient, of two colours of text that are each looked at elsewhere.
  const isShimmer = (what: string): boolean => what.startsWith('color-contrast: <span class="shim">');
  // A table of which only the header has come, the caret in it, has no cells yet.
  const isGrowing = (what: string): boolean => what.startsWith("th-has-data-cells: ") && what.includes("<caret>");
  return [
    ...found,
    ...undecided
      .filter(({ why, what }) => !UNDECIDED.has(why) && !(why === "bgGradient" && isShimmer(what)) && !isGrowing(what))
      .map(({ why, what }) => `undecided (${why}): ${what}`),
  ];
}

/** What sticks out of the panel sideways, and what is smaller than a finger or a pointer needs. */
function misfits(page: Page, least: number): Promise<string[]> {
  return page.evaluate((size) => {
    const bad: string[] = [];
    for (const chat of document.querySelectorAll("chanl-chat")) {
      const root = chat.shadowRoot!;
      const panel = root.querySelector(".panel")!;
      if (panel.scrollWidth > panel.clientWidth) bad.push(`the panel scrolls sideways: ${panel.scrollWidth} > ${panel.clientWidth}`);
      const edge = panel.getBoundingClientRect();
      for (const control of root.querySelectorAll<HTMLElement>("button, a[href], textarea")) {
        // Links in running text are as high as their line; what is in a scrolling box may be cut by it.
        if (control.closest(".md, [inert]")) continue;
        const { width, height, left, right } = control.getBoundingClientRect();
        if (width === 0 || getComputedStyle(control).visibility === "hidden") continue;
        const name = control.getAttribute("aria-label") ?? control.textContent?.trim().slice(0, 30);
        if (Math.min(width, height) < size - 0.5) bad.push(`${name}: ${width.toFixed(0)}×${height.toFixed(0)}`);
        if (left < edge.left - 1 || right > edge.right + 1) bad.push(`${name} sticks out`);
      }
    }
    return [...new Set(bad)];
  }, least);
}

/** Every part that any state showed. */
const parts = new Set<string>();
const visited = new Set<string>();

async function collectParts(page: Page, state: string): Promise<void> {
  visited.add(state);
  const shown = await page.evaluate(() =>
    [...document.querySelectorAll("chanl-chat")].flatMap((chat) =>
      [...chat.shadowRoot!.querySelectorAll("[part]")].flatMap((element) => [...element.part]),
    ),
  );
  for (const part of shown) parts.add(part);
}

describe.each(STATES.filter((name) => name !== "long").map((name, index) => [name, index] as const))("%s", (state, index) => {
  test("has no violation at any width, theme and medium, and everything fits and can be hit", async () => {
    const page = await served.browser.newPage({ viewport: { width: 1024, height: 900 } });
    await open(page, state);
    await collectParts(page, state);
    await page.evaluate(AXE);
    for (const each of looksOf(index)) {
      await look(page, each);
      expect(await violations(page), each.join(", ")).toEqual([]);
      expect(await misfits(page, 32), each.join(", ")).toEqual([]);
    }
    await page.close();
  });
});

test("every part that is documented is shown in some state, and no other", async () => {
  const page = await served.browser.newPage({ viewport: { width: 900, height: 700 } });
  await open(page, "complete", "&mode=floating");
  const chat = page.locator("chanl-chat");
  await chat.evaluate(async (element) => {
    const it = element as unknown as { hide(): Promise<void>; send(text: string): Promise<unknown> };
    await it.hide();
    await it.send("Once more");
  });
  await page.locator('chanl-chat [part~="badge"]').waitFor();
  await collectParts(page, "complete");
  await open(page, "long", "&mode=inline");
  await chat.evaluate((element) => element.setAttribute("maxlength", "10"));
  await page.locator('chanl-chat [part~="input"]').fill("Nine char");
  await page.locator('chanl-chat [part~="counter"]').waitFor();
  await page.locator('chanl-chat [part~="log"]').hover();
  await page.mouse.wheel(0, -400);
  await page.locator('chanl-chat [part~="scroll-button"]').waitFor();
  await collectParts(page, "long");
  await open(page, "attachments", "&mode=inline");
  await chat.evaluate((element) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["x"], "x.txt", { type: "text/plain" }));
    element.shadowRoot!.querySelector(".panel")!.dispatchEvent(new DragEvent("dragenter", { dataTransfer, bubbles: true }));
  });
  await page.locator('chanl-chat [part~="drop-veil"]').waitFor();
  await collectParts(page, "attachments");
  // When this test runs alone.
  for (const state of STATES.filter((name) => !visited.has(name))) {
    await open(page, state);
    await collectParts(page, state);
  }
  await page.close();
  const manifest = JSON.parse(readFileSync(join(repository, "dist", "custom-elements.json"), "utf8")) as {
    modules: { declarations: { cssParts: { name: string }[] }[] }[];
  };
  const documented = manifest.modules[0]!.declarations[0]!.cssParts.map(({ name }) => name);
  // The kinds of a tool and of a banner are told with their part.
  const shown = [...parts].filter((name) => !/^(?:tool|banner)-/.test(name) || documented.includes(name));
  // Nothing is sent along in the gallery.
  expect([...shown, "context"].toSorted()).toEqual(documented.toSorted());
});

test.each(["complete", "tools", "attachments", "dictation"])("%s: from right to left it has no violation either", async (state) => {
  const page = await served.browser.newPage({ viewport: { width: 400, height: 900 } });
  await open(page, state, "&mode=panel&dir=rtl");
  await page.evaluate(AXE);
  expect(await violations(page)).toEqual([]);
  await page.close();
});

test.each([
  "complete",
  "tools",
  "versions",
  "rate-limited",
  "empty",
  "attachments",
  "dictation",
  "editing",
  "queued",
  "error",
  "interrupted",
  "folded",
  "old",
])("%s: with a finger every target is at least 44 px", async (state) => {
  const context = await served.browser.newContext({ viewport: { width: 320, height: 800 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await open(page, state, "&mode=panel");
  expect(await page.evaluate(() => matchMedia("(pointer: coarse)").matches)).toBe(true);
  expect(await misfits(page, 44)).toEqual([]);
  const fontSize = await page
    .locator('chanl-chat [part~="input"]')
    .evaluate((input) => Number.parseFloat(getComputedStyle(input).fontSize));
  expect(fontSize).toBeGreaterThanOrEqual(16);
  await context.close();
});

test.each(["complete", "tools", "empty"])(
  "%s: nothing sticks out from 280 to 2560 px, at text of 200 %, and from right to left",
  async (state) => {
    const page = await served.browser.newPage();
    for (const direction of ["", "&dir=rtl"]) {
      await open(page, state, `&mode=inline${direction}`);
      for (const [width, fontSize] of [
        [280, ""],
        [2_560, ""],
        [400, "30px"],
      ] as const) {
        await page.setViewportSize({ width, height: 800 });
        await page
          .locator("chanl-chat")
          .evaluate((chat, size) => (chat as HTMLElement).style.setProperty("--chanl-font-size", size), fontSize);
        await page.waitForTimeout(100);
        expect(await misfits(page, 24), `${width} px ${fontSize} ${direction}`).toEqual([]);
      }
    }
    await page.close();
  },
);

/** What assistive technology is told, without the time of day. */
const names = async (page: Page): Promise<string> =>
  (await page.locator("chanl-chat").ariaSnapshot())
    .replace(/time: .*/g, "time: …")
    // What the announcer has said by now.
    .replace(/\n {2}- text: .*$/, "");

test.each(["empty", "pending", "streaming", "tools", "error"])("%s: names and roles are as they were reviewed", async (state) => {
  const page = await served.browser.newPage({ viewport: { width: 900, height: 900 } });
  await open(page, state, "&mode=inline");
  await expect(await names(page)).toMatchFileSnapshot(join("snapshots", `${state}.aria.txt`));
  await page.close();
});

test("closed launcher: names and roles are as they were reviewed", async () => {
  const page = await served.browser.newPage({ viewport: { width: 900, height: 900 } });
  await open(page, "complete", "&mode=floating");
  await page.locator("chanl-chat").evaluate((chat) => (chat as unknown as { hide(): Promise<void> }).hide());
  await page.locator('chanl-chat [part~="composer"]').waitFor({ state: "hidden" });
  // The element has no box of its own when it floats, so its inside is asked.
  const told = await page.locator("chanl-chat").evaluate((chat) =>
    [...chat.shadowRoot!.querySelectorAll<HTMLElement>("button, [role], dialog, textarea")]
      .filter((element) => element.checkVisibility())
      .map((element) => {
        const { ariaLabel, ariaHasPopup, ariaExpanded } = element;
        return `- ${element.role ?? element.localName} "${ariaLabel}" popup=${ariaHasPopup} expanded=${ariaExpanded}`;
      })
      .join("\n"),
  );
  await expect(`${told}\n`).toMatchFileSnapshot(join("snapshots", "launcher.aria.txt"));
  await page.close();
});

/**
 * Controls that are not seen under forced colours: in pixels, because what axe reads there are the author's colours. A control is seen
 * when something in it, or its border, stands out of the ground by 4.5 to 1.
 */
async function unseen(page: Page): Promise<string[]> {
  const shot = await page.screenshot();
  return page.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
    canvas.drawImage(bitmap, 0, 0);
    const linear = (channel: number): number => (channel <= 10.314 ? channel / 3_294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4);
    const bad: string[] = [];
    let looked = 0;
    const root = document.querySelector("chanl-chat")!.shadowRoot!;
    const log = root.querySelector('[part~="log"]')!.getBoundingClientRect();
    for (const control of root.querySelectorAll<HTMLElement>("button, textarea, a[href]")) {
      const { x, y, width, height, top, bottom } = control.getBoundingClientRect();
      const isCut = control.closest('[part~="log"]') !== null && (top < log.top || bottom > log.bottom);
      // What cannot be used may be grey.
      if (
        isCut ||
        width === 0 ||
        !control.checkVisibility({ visibilityProperty: true, opacityProperty: true }) ||
        control.matches('[aria-disabled="true"]')
      )
        continue;
      const { data: pixels } = canvas.getImageData(Math.floor(x) - 1, Math.floor(y) - 1, Math.ceil(width) + 2, Math.ceil(height) + 2);
      let least = 1;
      let most = 0;
      for (let at = 0; at < pixels.length; at += 4) {
        const luminance = 0.2126 * linear(pixels[at]!) + 0.7152 * linear(pixels[at + 1]!) + 0.0722 * linear(pixels[at + 2]!);
        least = Math.min(least, luminance);
        most = Math.max(most, luminance);
      }
      looked++;
      const contrast = (most + 0.05) / (least + 0.05);
      if (contrast < 4.5) bad.push(`${control.getAttribute("aria-label") ?? control.textContent?.trim()}: ${contrast.toFixed(2)}`);
    }
    if (looked < 3) bad.push(`only ${looked} controls were looked at`);
    return bad;
  }, shot.toString("base64"));
}

test.each(["empty", "tools", "complete", "error"])("%s: under forced colours every control is seen", async (state) => {
  const page = await served.browser.newPage({ viewport: { width: 900, height: 1_200 } });
  await page.emulateMedia({ forcedColors: "active" });
  // The system's own colours are dark ones where it is dark.
  for (const theme of state === "tools" ? (["light", "dark"] as const) : (["light"] as const)) {
    await page.emulateMedia({ colorScheme: theme });
    await open(page, state, "&mode=inline");
    expect(await unseen(page), theme).toEqual([]);
  }
  await page.close();
});

/** Pixels of the focus's own colour on screen, in a ring around what has the focus: an outline that is cut off or painted over has none. */
async function outlinePixels(page: Page): Promise<number> {
  const box = await page.evaluate(() => {
    let element: Element | null = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const target = element?.closest('[part~="composer"]') ?? element!;
    const { x, y, width, height } = target.getBoundingClientRect();
    const inside = getComputedStyle(target).outlineOffset.startsWith("-") ? 4 : 0;
    return { x: x + inside, y: y + inside, width: width - 2 * inside, height: height - 2 * inside };
  });
  const around = { x: Math.max(0, box.x - 6), y: Math.max(0, box.y - 6), width: box.width + 12, height: box.height + 12 };
  const shot = await page.screenshot({ clip: around });
  return page.evaluate(
    async ({ data }) => {
      const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
      canvas.drawImage(bitmap, 0, 0);
      const { data: pixels, width, height } = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
      const probe = new OffscreenCanvas(1, 1).getContext("2d")!;
      let element: Element | null = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      const form = element!.closest('[part~="composer"]');
      probe.fillStyle = form ? getComputedStyle(form).borderTopColor : getComputedStyle(element!).outlineColor;
      probe.fillRect(0, 0, 1, 1);
      const wanted = probe.getImageData(0, 0, 1, 1).data;
      let count = 0;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const isRing = x < 8 || y < 8 || x >= width - 8 || y >= height - 8;
          const at = (y * width + x) * 4;
          if (isRing && [0, 1, 2].every((channel) => Math.abs(pixels[at + channel]! - wanted[channel]!) < 24)) count++;
        }
      return count;
    },
    { data: shot.toString("base64") },
  );
}

/** Keys alone. After each press the focus is somewhere, and is seen there. */
function walk(page: Page) {
  const focused = (): Promise<{ name: string; isSeen: boolean; inMessage: boolean }> =>
    page.evaluate(() => {
      let element: Element | null = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      const style = element ? getComputedStyle(element) : null;
      const form = element?.closest('[part~="composer"]');
      const isSeen =
        (style?.outlineStyle !== "none" && style?.outlineWidth !== "0px") || (form ? getComputedStyle(form).boxShadow !== "none" : false);
      const name =
        element === document.body
          ? "body"
          : (element?.getAttribute("aria-label") ?? element?.getAttribute("role") ?? element?.textContent ?? "");
      return { name: name.trim(), isSeen, inMessage: element?.getAttribute("role") === "article" };
    });
  const stops = new Set<string>();
  const key = async (name: string): Promise<string> => {
    await page.keyboard.press(name);
    await page.waitForTimeout(60);
    const now = await focused();
    expect(now.name, `after ${name}`).not.toBe("body");
    expect(now.isSeen, `${now.name} after ${name} shows where it is`).toBe(true);
    // In pixels, once for each place: what surrounds it looks otherwise than without the focus.
    if (!stops.has(now.name)) {
      stops.add(now.name);
      // On a busy machine its colour is still on its way.
      await until(async () => (await outlinePixels(page)) > 40, `pixels of the outline of ${now.name}`);
    }
    return now.name;
  };
  const tabTo = async (name: string, way = "Tab"): Promise<void> => {
    for (let step = 0; step < 40; step += 1) if ((await key(way)) === name) return;
    throw new Error(`${name} was not reached`);
  };
  return { focused, key, tabTo };
}

test("by keyboard alone: open, ask, read, decide, stop, close; the focus is never lost and always seen", async () => {
  const page = await served.browser.newPage({ viewport: { width: 1_000, height: 900 } });
  await open(page, "tools", "&mode=floating");
  const { focused, key, tabTo } = walk(page);
  await page.locator('chanl-chat [part~="launcher"]').focus();
  await key("Enter");
  expect((await focused()).name).toBe("Open chat");
  await key("Enter");
  await page.waitForTimeout(300);
  expect((await focused()).name).toBe("Message");
  await key("Alt+ArrowUp");
  expect((await focused()).inMessage).toBe(true);
  await tabTo("Allow once");
  await key("Enter");
  expect(await page.locator('chanl-chat [part~="tool-running"]').count()).toBe(1);
  expect((await focused()).name).toBe("Message");
  await key("Escape");
  await until(async () => (await page.locator("chanl-chat").getByText("Stopped").count()) > 0, "the answer to stop");
  await page.keyboard.type("Thanks");
  await key("Enter");
  await page.waitForTimeout(500);
  await key("Escape");
  await key("Escape");
  await page.waitForTimeout(300);
  expect((await focused()).name).toBe("Open chat");
  await page.close();
});

test("by keyboard alone: a suggested question is asked, and an answer copied", async () => {
  const context = await served.browser.newContext({
    viewport: { width: 1_000, height: 1_200 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  const { focused, key, tabTo } = walk(page);
  await open(page, "empty", "&mode=inline");
  await page.locator('chanl-chat [part~="log"]').focus();
  await tabTo("How do returns work?");
  await key("Enter");
  await page.locator('chanl-chat [part~="message-user"]').getByText("How do returns work?").waitFor();
  expect((await focused()).name).toBe("Message");
  await open(page, "complete", "&mode=inline");
  await page.locator('chanl-chat [part~="input"]').focus();
  await key("Alt+ArrowUp");
  await tabTo("Copy answer");
  expect(await key("Enter")).toBe("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("Your order **#48213** left");
  await context.close();
});
