/** Room: small and large windows, larger text, wider spacing, longer words, a keyboard over the page. Nothing is cut off, and nothing jumps. */
import type { Page } from "playwright";
import { describe, expect, test } from "vitest";

import { until } from "./testing/browser.ts";
import { servedPages } from "./testing/served-pages.ts";

const STATES = ["empty", "complete", "tools", "error"];

const served = servedPages();

async function open(page: Page, state: string, more = ""): Promise<void> {
  await page.goto(`${served.gateway.origin}/?state=${state}&mode=inline${more}`);
  await page.locator('chanl-chat [part~="composer"]').first().waitFor();
  if (state !== "empty") await page.locator('chanl-chat [part~="message"]').first().waitFor();
  await page.waitForTimeout(400);
}

/** What is wider than the box it may not leave, and what a box cuts off that does not scroll. */
const cutOff = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const bad: string[] = [];
    for (const chat of document.querySelectorAll("chanl-chat")) {
      const root = chat.shadowRoot!;
      const panel = root.querySelector<HTMLElement>(".panel")!;
      if (panel.scrollWidth > panel.clientWidth) bad.push(`the panel scrolls sideways: ${panel.scrollWidth} > ${panel.clientWidth}`);
      for (const control of root.querySelectorAll<HTMLElement>("button, [part~='message'], [part~='note'], h2, h3")) {
        const { overflowX, textOverflow, display } = getComputedStyle(control);
        if (display === "none" || control.closest("[inert], pre, table, .sr") || control.getClientRects().length === 0) continue;
        const cuts = overflowX === "hidden" && textOverflow !== "ellipsis";
        if (cuts && control.scrollWidth > control.clientWidth + 1) bad.push(`cut: ${control.outerHTML.slice(0, 120)}`);
      }
    }
    return bad;
  });

test.each(STATES)("%s: nothing is cut off from 280 to 2,560 px", async (state) => {
  const page = await served.browser.newPage();
  await open(page, state);
  for (const width of [280, 320, 600, 1280, 2560]) {
    await page.setViewportSize({ width, height: 700 });
    await page.waitForTimeout(150);
    expect(await cutOff(page), `${width} px`).toEqual([]);
  }
  await page.close();
});

test.each(STATES)(
  "%s: nothing is cut off with text twice as large, with the spacing WCAG 1.4.12 asks for, or from right to left",
  async (state) => {
    const page = await served.browser.newPage({ viewport: { width: 400, height: 800 } });
    await open(page, state);
    const size = (): Promise<number> =>
      page
        .locator('[part~="input"]')
        .first()
        .evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
    const before = await size();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Page.setFontSizes", { fontSizes: { standard: 32, fixed: 26 } });
    await open(page, state);
    expect(await size()).toBe(2 * before);
    await page.waitForTimeout(150);
    expect(await cutOff(page), "twice as large").toEqual([]);
    await cdp.send("Page.setFontSizes", { fontSizes: { standard: 16, fixed: 13 } });
    await open(page, state);
    // What the text-spacing bookmarklet does, and it reaches into shadow roots as an extension's does.
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }",
      );
      for (const chat of document.querySelectorAll("chanl-chat")) chat.shadowRoot!.adoptedStyleSheets.push(sheet);
    });
    await page.waitForTimeout(150);
    expect(await cutOff(page), "spacing").toEqual([]);
    await open(page, state, "&dir=rtl");
    expect(await cutOff(page), "right to left").toEqual([]);
    await page.close();
  },
);

test.each(STATES)("%s: nothing is cut off when all words of the interface are a third longer", async (state) => {
  const page = await served.browser.newPage({ viewport: { width: 320, height: 800 } });
  await open(page, state);
  const longer = await page.evaluate(() => {
    const walk = (root: Node): Text[] => {
      const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const found: Text[] = [];
      while (texts.nextNode()) found.push(texts.currentNode as Text);
      return found;
    };
    let changed = 0;
    for (const chat of document.querySelectorAll("chanl-chat"))
      for (const control of chat.shadowRoot!.querySelectorAll("button, [part~='note'], [part~='status'], label, h2, h3"))
        for (const text of walk(control)) {
          const words = text.data.trim();
          if (words.length < 3) continue;
          text.data = text.data.replace(words, words + "ß".repeat(Math.ceil(words.length / 3)));
          changed++;
        }
    return changed;
  });
  expect(longer).toBeGreaterThan(0);
  expect(await cutOff(page)).toEqual([]);
  await page.close();
});

test("nothing outside the growing message moves while an answer streams", async () => {
  const page = await served.browser.newPage({ viewport: { width: 900, height: 800 } });
  await page.goto(served.gateway.origin);
  await page.locator('[part~="input"]').first().waitFor();
  await page.evaluate(() => {
    const record = { shifts: [] as string[], value: 0 };
    (globalThis as unknown as { record: typeof record }).record = record;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        sources: { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
      })[]) {
        for (const { node, previousRect, currentRect } of entry.sources) {
          const element = node instanceof Element ? node : (node?.parentElement ?? null);
          const isInside = element?.closest('[part~="message"], [part~="log"]') !== null;
          // A log that follows its end moves as one: that is scrolling, and what is in it is no shift of the page.
          if (!isInside) record.shifts.push(`${element?.outerHTML.slice(0, 100)} ${previousRect.y} → ${currentRect.y}`);
        }
        record.value += entry.value;
      }
    }).observe({ type: "layout-shift", buffered: false });
  });
  const input = page.locator('[part~="input"]').first();
  await input.fill("How do I embed the widget?");
  await input.press("Enter");
  await page.locator('[part~="metrics"]').first().waitFor({ timeout: 30_000 });
  const { shifts } = (await page.evaluate("record")) as { shifts: string[] };
  expect(shifts).toEqual([]);
  await page.close();
});

/** Chromium on a desktop has no on-screen keyboard: this is what one does to `visualViewport`. */
const KEYBOARD = 336;

describe("with a keyboard over a phone's page", () => {
  test("the composer is above it, the log still scrolls, Escape closes, and the page is as it was", async () => {
    const context = await served.browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const page = await context.newPage();
    await page.addInitScript(() => {
      const viewport = Object.assign(new EventTarget(), { width: 390, height: 844, offsetTop: 0, offsetLeft: 0, scale: 1 });
      Object.defineProperty(globalThis, "visualViewport", { value: viewport });
    });
    await page.goto(`${served.gateway.origin}/?state=complete&mode=floating`);
    const meta = await page.locator('meta[name="viewport"]').getAttribute("content");
    const composer = page.locator('[part~="composer"]');
    await composer.waitFor();
    await page.locator('[part~="actions"]').last().waitFor();
    await page.waitForTimeout(500);
    await page.evaluate((inset) => {
      Object.assign(visualViewport!, { height: 844 - inset });
      visualViewport!.dispatchEvent(new Event("resize"));
    }, KEYBOARD);
    await until(async () => {
      const box = (await composer.boundingBox())!;
      return box.y + box.height <= 844 - KEYBOARD && box.y >= 0;
    }, "the composer above the keyboard");
    const log = page.locator('[part~="log"]');
    const before = await log.evaluate((element) => element.scrollTop);
    await log.evaluate((element) => element.scrollBy(0, -200));
    expect(await log.evaluate((element) => element.scrollTop)).toBeLessThan(before);
    expect(
      Number.parseFloat(await page.locator('[part~="input"]').evaluate((element) => getComputedStyle(element).fontSize)),
    ).toBeGreaterThanOrEqual(16);
    // A finger's Enter makes a line; the button sends.
    await page.locator('[part~="input"]').fill("one");
    await page.locator('[part~="input"]').press("Enter");
    expect(await page.locator('[part~="input"]').inputValue()).toBe("one\n");
    await page.locator('[part~="input"]').fill("");
    await page.keyboard.press("Escape");
    await until(async () => !(await composer.isVisible()), "the panel to close");
    expect(await page.locator('meta[name="viewport"]').getAttribute("content")).toBe(meta);
    expect(await page.evaluate(() => document.documentElement.style.overflow)).toBe("");
    await context.close();
  });
});
