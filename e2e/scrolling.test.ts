/** Following a stream, and being let go of: with real input, at every device scale. The answer streams for some seconds below 400 older messages. */
import type { Browser, CDPSession, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { launchBrowser, until } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

let gateway: GatewayProcess;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway();
  browser = await launchBrowser({ scrollbars: true });
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
});

interface Log {
  page: Page;
  cdp: CDPSession;
  top(): Promise<number>;
  gap(): Promise<number>;
  isStreaming(): Promise<boolean>;
}

async function open(deviceScaleFactor: number): Promise<Log> {
  const context = await browser.newContext({ viewport: { width: 900, height: 900 }, deviceScaleFactor, hasTouch: true });
  const page = await context.newPage();
  await page.goto(`${gateway.origin}/?state=long&mode=inline`);
  const log = page.locator('[part~="log"]');
  await page.locator('[part~="message-assistant"][aria-busy]').waitFor();
  return {
    page,
    cdp: await context.newCDPSession(page),
    top: () => log.evaluate((element) => element.scrollTop),
    gap: () => log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight),
    isStreaming: () => page.locator('[part~="message-assistant"][aria-busy]').isVisible(),
  };
}

/** The largest distance from the end at any frame of this time, in px. */
const largestGap = (page: Page, ms: number): Promise<number> =>
  page.locator('[part~="log"]').evaluate(
    (log, duration) =>
      new Promise<number>((resolve) => {
        const end = performance.now() + duration;
        let largest = 0;
        const look = (): void => {
          // After the frame's own work: what is painted.
          setTimeout(() => {
            largest = Math.max(largest, log.scrollHeight - log.scrollTop - log.clientHeight);
            if (performance.now() < end) requestAnimationFrame(look);
            else resolve(largest);
          });
        };
        requestAnimationFrame(look);
      }),
    ms,
  );

/** Away from the end, which it would follow, and where it was a moment ago. */
async function stands(log: Log): Promise<boolean> {
  const before = await log.top();
  await log.page.waitForTimeout(250);
  return (await log.gap()) > 1 && (await log.top()) === before;
}

const middle = async (page: Page): Promise<{ x: number; y: number; right: number; bottom: number }> => {
  const { x, y, width, height } = (await page.locator('[part~="log"]').boundingBox())!;
  return { x: x + width / 2, y: y + height / 2, right: x + width, bottom: y + height };
};

const UPWARDS: Record<string, (log: Log) => Promise<void>> = {
  "the wheel": async ({ page }) => {
    const { x, y } = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -1);
  },
  touch: async ({ page, cdp }) => {
    const { x, y } = await middle(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: { x: number; y: number }[]): Promise<void> =>
      cdp.send("Input.dispatchTouchEvent", { type, touchPoints }) as unknown as Promise<void>;
    await touch("touchStart", [{ x, y }]);
    // Less than about 15 px is no scroll yet. A finger that rests before it lifts throws nothing.
    for (const distance of [10, 20, 24, 24, 24]) {
      await touch("touchMove", [{ x, y: y + distance }]);
      await page.waitForTimeout(40);
    }
    await touch("touchEnd", []);
  },
  "a key": async ({ page }) => {
    await page.locator('[part~="log"]').focus();
    await page.keyboard.press("ArrowUp");
  },
  "the scrollbar": async ({ page }) => {
    const { right, bottom } = await middle(page);
    await page.mouse.move(right - 5, bottom - 14);
    await page.mouse.down();
    await page.mouse.move(right - 5, bottom - 15);
    await page.mouse.move(right - 5, bottom - 16);
    await page.mouse.up();
  },
};

// Chromium's zoom is a device scale: 0.67 is a page at 67 %.
describe.each([0.67, 1, 1.25, 1.5, 2])("at device scale %s", (scale) => {
  test("follows to the pixel, is let go of by any upward input, stays, and follows again on request", async () => {
    const log = await open(scale);
    const { page } = log;
    expect(await largestGap(page, 500)).toBeLessThanOrEqual(1);
    const inputs = Object.entries(UPWARDS);
    for (const [name, input] of inputs) {
      expect(await log.isStreaming(), `still streaming before ${name}`).toBe(true);
      await input(log);
      // A key scrolls smoothly, and on a busy machine a drag of the scrollbar arrives late: it has moved once it stands.
      await until(() => stands(log), `the log to stand after ${name}`);
      const top = await log.top();
      const gap = await log.gap();
      await page.waitForTimeout(500);
      expect(Math.abs((await log.top()) - top), `drift after ${name}`).toBeLessThanOrEqual(1);
      expect(await log.gap(), `the answer grew below after ${name}`).toBeGreaterThan(gap);
      const jump = page.locator('[part~="scroll-button"]');
      expect(await jump.innerText(), name).toContain("New reply");
      if (name === inputs.at(-1)![0]) break;
      await jump.click();
      await page.waitForTimeout(100);
      expect(await largestGap(page, 150), `follows again after ${name}`).toBeLessThanOrEqual(1);
    }
    const top = await log.top();
    await until(async () => !(await log.isStreaming()), "the end of the stream", 30_000);
    expect(Math.abs((await log.top()) - top), "drift to the end of the stream").toBeLessThanOrEqual(1);
    await page.locator('[part~="log"]').focus();
    await page.keyboard.press("End");
    await until(async () => (await log.gap()) <= 1, "the end");
    await page.context().close();
  });
});

test("a card that opens above the fold does not move the text being read", async () => {
  const page = await browser.newPage({ viewport: { width: 500, height: 520 } });
  await page.goto(`${gateway.origin}/?state=complete&mode=panel`);
  await page.locator('[part~="actions"]').waitFor();
  const read = page.locator('[part~="content"] p').last();
  await read.evaluate((element) => element.closest('[part~="log"]')!.dispatchEvent(new WheelEvent("wheel", { deltaY: -1 })));
  await read.evaluate((element) => element.scrollIntoView({ block: "start" }));
  await page.waitForTimeout(100);
  const before = (await read.boundingBox())!.y;
  const card = page.locator('[part~="tool"] > button').first();
  expect((await card.boundingBox())!.y).toBeLessThan(before);
  await card.evaluate((button: HTMLElement) => button.click());
  await page.waitForTimeout(300);
  expect(await card.getAttribute("aria-expanded")).toBe("true");
  expect(Math.abs((await read.boundingBox())!.y - before)).toBeLessThanOrEqual(1);
  await page.close();
});
