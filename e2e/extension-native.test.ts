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

  /** Does what makes Chrome ask in a dialog of its own, and answers by keyboard. Returns whether it was allowed. The dialog stands on its refusal. */
  async function answer(asking: Page, opens: () => Promise<void>, ...keys: string[]): Promise<boolean> {
    await asking.evaluate(() => {
      const scope = globalThis as { answers?: boolean[] };
      if (scope.answers) return void scope.answers.splice(0);
      const answers: boolean[] = (scope.answers = []);
      const request = chrome.permissions.request.bind(chrome.permissions);
      Object.assign(chrome.permissions, {
        request: async (wanted: chrome.permissions.Permissions) => {
          const isAllowed = await request(wanted);
          answers.push(isAllowed);
          return isAllowed;
        },
      });
    });
    await opens();
    const answers = (): Promise<boolean[]> => asking.evaluate(() => (globalThis as { answers?: boolean[] }).answers ?? []);
    // Nothing tells from outside that the dialog is there, and it takes no answer in its first moments.
    await asking.waitForTimeout(1_200);
    expect(await answers()).toEqual([]);
    display.key(...keys);
    await until(async () => (await answers()).length === 1, "Chrome's dialog to be answered");
    return (await answers())[0]!;
  }

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
    // The last item is Chrome's Inspect; the one before it is ours.
    await display.contextMenu(place.x, place.y, 2);
    await isOpen(true);
    const panel = await extension.panel();
    const chip = panel.locator('[data-kind="selection"]');
    await chip.waitFor();
    expect(await chip.getAttribute("title")).toBe(SELECTED);
    // In an open panel it replaces nothing and closes nothing.
    display.key("alt+shift+y");
    await panel.waitForTimeout(600);
    expect(await extension.panelIsOpen()).toBe(true);
    expect(await panel.locator('[data-kind="selection"]').count()).toBe(1);
    display.key("ctrl+shift+y");
    await isOpen(false);
  });

  test("the context menu on the page sends the page along", async () => {
    await page.bringToFront();
    await page.evaluate(() => getSelection()?.removeAllRanges());
    const place = await page.evaluate(() => ({ x: screenX + 300, y: screenY + outerHeight - innerHeight + 560 }));
    // Below ours are View page source and Inspect.
    await display.contextMenu(place.x, place.y, 3);
    await isOpen(true);
    const panel = await extension.panel();
    await panel.locator(".chip.on").filter({ hasText: "characters" }).waitFor();
    expect(await panel.locator('[data-kind="selection"]').count()).toBe(0);

    // To read this site for good is Chrome's own question. Refused, what the gesture showed is still shown, until another site.
    const allowSite = async (): Promise<void> => {
      await panel.getByRole("button", { name: "Send something else along" }).click();
      await panel.getByRole("menuitem", { name: "Always allow reading 127.0.0.1" }).click();
    };
    expect(await answer(panel, allowSite, "Return")).toBe(false);
    expect(await panel.evaluate(async () => (await chrome.permissions.getAll()).origins)).toEqual([]);
    await panel.locator(".chip.on").filter({ hasText: "characters" }).waitFor();
    await page.goto(site.otherOrigin);
    await panel.getByRole("button", { name: "Read this page" }).waitFor();
    await page.goto(site.origin);
    await panel.getByRole("button", { name: "Read this page" }).waitFor();
    display.key("ctrl+shift+y");
    await isOpen(false);
  });

  test("a question typed behind the keyword in the address bar opens the panel, which asks it once", async () => {
    await page.bringToFront();
    display.key("ctrl+l");
    display.type("chanl");
    display.key("space");
    display.type("How deep is the sea?");
    // The keyword was taken: Chrome has told the worker that a person types to it.
    display.key("Return");
    await isOpen(true);
    const panel = await extension.panel();
    const asked = panel.locator('[part~="message-user"]');
    await asked.waitFor();
    expect(await asked.allInnerTexts()).toEqual([expect.stringContaining("How deep is the sea?")]);
    // It is a gesture like the others: the page may be seen, and does not go along by itself.
    await panel.locator('.chip[aria-pressed="false"]').waitFor();
    display.key("ctrl+shift+y");
    await isOpen(false);
  });

  test("other tabs are listed only after Chrome's own question, and one is read only after another; refused, nothing changes and nothing is asked again", async () => {
    const other = await extension.context.newPage();
    await other.goto(`${site.otherOrigin}/other`);
    await page.bringToFront();
    display.key("ctrl+shift+y");
    await isOpen(true);
    const panel = await extension.panel();
    const items = panel.getByRole("menuitem");
    const holds = (wanted: chrome.permissions.Permissions): Promise<boolean> =>
      panel.evaluate((all) => chrome.permissions.contains(all), wanted);
    const askForTabs = async (): Promise<void> => {
      await panel.getByRole("button", { name: "Send something else along" }).click();
      await items.filter({ hasText: "Another tab" }).click();
    };
    expect(await answer(panel, askForTabs, "Return")).toBe(false);
    expect(await holds({ permissions: ["tabs"] })).toBe(false);
    expect(await items.count()).toBe(0);
    expect(await panel.locator('[part~="input"]').isEnabled()).toBe(true);

    expect(await answer(panel, askForTabs, "Tab", "Return")).toBe(true);
    expect(await holds({ permissions: ["tabs"] })).toBe(true);
    const otherTab = items.filter({ hasText: "localhost" });
    await otherTab.waitFor();
    expect(await answer(panel, () => otherTab.click(), "Return")).toBe(false);
    expect(await holds({ origins: ["http://localhost/*"] })).toBe(false);
    expect(await panel.locator('[data-kind="page"]').count()).toBe(0);

    // The list is there at once now; reading the tab is asked for again, because the person asked for it again.
    await askForTabs();
    await otherTab.waitFor();
    expect(await answer(panel, () => otherTab.click(), "Tab", "Return")).toBe(true);
    await panel.locator('[data-kind="page"]').filter({ hasText: "characters" }).waitFor();
    expect(await holds({ origins: ["http://localhost/*"] })).toBe(true);
    await panel.evaluate(() => chrome.permissions.remove({ permissions: ["tabs"], origins: ["http://localhost/*"] }));
    await other.close();
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

    expect(await answer(options, () => allow.click(), "Return")).toBe(false);
    expect(await allowed()).toBe(false);
    expect(await options.locator('[data-finding="cors"]').isVisible()).toBe(true);

    expect(await answer(options, () => allow.click(), "Tab", "Return")).toBe(true);
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
