/** The one-tag embed on somebody's page: what it costs before anybody wants to chat, and that nothing moves when it comes. */
import type { Page } from "playwright";
import { expect, test } from "vitest";

import { until } from "./testing/browser.ts";
import { servedPages } from "./testing/served-pages.ts";

const served = servedPages();

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">
  <body><h1>A shop</h1><p>Words.</p><script type="module" src="/embed.js" data-endpoint="/api/chat" data-agent-id="docs"></script></body>`;

/** @param savesData visitors who save data get nothing in idle time: what is left is what they ask for */
async function open(savesData: boolean): Promise<{ page: Page; requests: string[] }> {
  const page = await served.browser.newPage({ viewport: { width: 900, height: 700 } });
  await page.route(`${served.gateway.origin}/shop`, (route) => route.fulfill({ contentType: "text/html", body: PAGE }));
  await page.addInitScript((saves) => {
    if (saves) Object.defineProperty(navigator, "connection", { value: { saveData: true } });
    const shifts: number[] = [];
    (globalThis as unknown as { shifts: number[] }).shifts = shifts;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
    }).observe({ type: "layout-shift", buffered: true });
  }, savesData);
  const requests: string[] = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  await page.goto(`${served.gateway.origin}/shop`);
  return { page, requests };
}

const widget = (page: Page): Promise<boolean> => page.evaluate(() => customElements.get("chanl-chat") !== undefined);

test("it is one request until somebody comes near the launcher, and nothing of the page moves", async () => {
  const { page, requests } = await open(true);
  const launcher = page.getByRole("button", { name: "Open chat" });
  await launcher.waitFor();
  await page.waitForTimeout(500);
  expect(requests).toEqual(["/shop", "/embed.js"]);
  expect(await widget(page)).toBe(false);
  const before = await page.locator("h1").boundingBox();
  const place = (await launcher.boundingBox())!;
  await launcher.hover();
  await until(() => widget(page), "the rest to come");
  await page.locator('chanl-chat [part~="launcher"]').waitFor();
  // The real one stands where its stand-in stood, but for the pixel it rises under the pointer.
  const now = (await launcher.boundingBox())!;
  for (const side of ["x", "y", "width", "height"] as const) expect(Math.abs(now[side] - place[side]), side).toBeLessThanOrEqual(1.5);
  expect(Math.abs(place.x + place.width - (900 - 20))).toBeLessThanOrEqual(1);
  await launcher.click();
  await page.locator('chanl-chat [part~="composer"]').waitFor();
  await page.waitForTimeout(300);
  expect(await page.locator("h1").boundingBox()).toEqual(before);
  expect(await page.evaluate("shifts")).toEqual([]);
  await page.close();
});

test("for everybody else the rest comes once the page has loaded and rests", async () => {
  const { page, requests } = await open(false);
  await until(() => widget(page), "the rest to come");
  expect(requests.slice(0, 3)).toEqual(["/shop", "/embed.js", "/chanl-chat.js"]);
  const [load, asked] = await page.evaluate(() => {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const script = performance.getEntriesByName(new URL("/chanl-chat.js", location.href).href)[0]!;
    return [navigation!.loadEventStart, script.startTime] as const;
  });
  expect(asked).toBeGreaterThanOrEqual(load);
  expect(await page.evaluate("shifts")).toEqual([]);
  await page.close();
});
