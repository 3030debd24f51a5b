/**
 * What Chrome draws itself: the shortcut, the context menu and the permission dialog, with a real keyboard and mouse on a
 * virtual display. Skipped where Xvfb and xdotool are not there and cannot be installed.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { installXvfb } from "../scripts/install-xvfb.mjs";
import { launchExtension, until, type ExtensionBrowser } from "./testing/browser.ts";
import { startDisplay, type Display } from "./testing/display.ts";
import { startSite, type Site } from "./testing/site.ts";

const SELECTED = "The tide\nrises twice a day.";

const possible = installXvfb();
if (!possible) console.log("Skipped: shortcut, context menu and permission dialog need Xvfb and xdotool.");

describe.skipIf(!possible)("on a display", () => {
  let display: Display;
  let site: Site;
  let silent: Server;
  let extension: ExtensionBrowser;
  let page: Page;

  beforeAll(async () => {
    display = await startDisplay();
    site = await startSite({
      "/": `<div style="font-size:40px;height:600px"><p id="text">The tide<br>rises twice a day.</p><p>${"Words about boats. ".repeat(20)}</p></div>`,
    });
    silent = createServer((_, response) => response.end("ok"));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    extension = await launchExtension({ display: display.name });
    page = extension.context.pages()[0] ?? (await extension.context.newPage());
    await page.goto(site.origin);
    await page.bringToFront();
  });

  afterAll(async () => {
    await extension?.close();
    silent?.close();
    await site?.close();
    await display?.close();
  });

  const isOpen = (open: boolean): Promise<void> =>
    until(async () => (await extension.panelIsOpen()) === open, open ? "the panel to open" : "the panel to close");

  test("the shortcut opens, closes, opens and closes, and shows the page each time", async () => {
    for (const round of [1, 2]) {
      display.key("ctrl+shift+y");
      await isOpen(true);
      const panel = await extension.panel();
      await panel.locator(".chip[aria-pressed]").waitFor();
      expect(await panel.locator(".chip[aria-pressed]").innerText(), `round ${round}`).toContain("127.0.0.1");
      await panel.waitForTimeout(400);
      display.key("ctrl+shift+y");
      await isOpen(false);
    }
  });

  test("the context menu brings a selection into the composer, exactly, with its line break", async () => {
    await page.bringToFront();
    await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("#text")!));
    const place = await page.evaluate(() => {
      const { left, top } = document.querySelector("#text")!.getBoundingClientRect();
      return { x: screenX + left + 60, y: screenY + outerHeight - innerHeight + top + 20 };
    });
    display.click(place.x, place.y, 3);
    await page.waitForTimeout(600);
    // The last item is Chrome's Inspect; the one before it is ours.
    display.key("Up", "Up", "Return");
    await isOpen(true);
    const panel = await extension.panel();
    const chip = panel.locator('[data-kind="selection"]');
    await chip.waitFor();
    const sinceLoad = await panel.evaluate(() => performance.now());
    console.log(`selection in the composer ${Math.round(sinceLoad)} ms after the panel began to load, seen from outside`);
    expect(sinceLoad).toBeLessThan(5_000);
    expect(await chip.getAttribute("title")).toBe(SELECTED);
    // In an open panel it replaces nothing and closes nothing.
    display.key("alt+shift+y");
    await panel.waitForTimeout(600);
    expect(await extension.panelIsOpen()).toBe(true);
    expect(await panel.locator('[data-kind="selection"]').count()).toBe(1);
    display.key("ctrl+shift+y");
    await isOpen(false);
  });

  test("access to one server is asked for in Chrome's own dialog; refused nothing changes and nothing is asked again, allowed it works without CORS", async () => {
    const server = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const options = await extension.context.newPage();
    await options.goto(`chrome-extension://${extension.id}/options/index.html`);
    await options.bringToFront();
    await options.getByLabel("Server address").fill(server);
    await options.getByRole("button", { name: "Test connection" }).click();
    await options.locator('[data-finding="cors"]').waitFor();
    const allow = options.getByRole("button", { name: "Allow access to" });
    const allowed = (): Promise<boolean> => options.evaluate(() => chrome.permissions.contains({ origins: ["http://127.0.0.1/*"] }));

    await allow.click();
    await options.waitForTimeout(1_200);
    // Chrome's dialog stands on Deny.
    display.key("Return");
    await options.waitForTimeout(800);
    expect(await allowed()).toBe(false);
    expect(await options.locator('[data-finding="cors"]').isVisible()).toBe(true);

    await allow.click();
    await options.waitForTimeout(1_200);
    display.key("Tab");
    display.key("Return");
    await until(allowed, "the permission");
    // Now its answer can be read, and it is no gateway.
    await options.locator('[data-finding="path"]').waitFor();
    expect(await options.evaluate(async () => (await chrome.permissions.getAll()).origins)).toEqual(["http://127.0.0.1/*"]);
    await options.close();
  });

  test("a permission that is taken away again is noticed at once", async () => {
    await page.bringToFront();
    await page.goto(site.origin);
    display.key("ctrl+shift+y");
    await isOpen(true);
    const panel = await extension.panel();
    await panel.locator(".chip[aria-pressed]").waitFor();
    // Another page of the same site, for which activeTab and the permission both hold; then another site, and back.
    await page.goto(site.otherOrigin);
    await panel.getByRole("button", { name: "Read this page" }).waitFor();
    await page.goto(site.origin);
    await panel.locator(".chip[aria-pressed]").waitFor();
    await panel.evaluate(() => chrome.permissions.remove({ origins: ["http://127.0.0.1/*"] }));
    await panel.getByRole("button", { name: "Read this page" }).waitFor();
  });
});
