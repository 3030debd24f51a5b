/** The panel as a person uses it: by keyboard, in both themes, at three widths, in a right-to-left language, with commands, crops and no server. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiCall, openAiText, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchExtension, until, watchErrors, type ExtensionBrowser } from "./testing/browser.ts";
import { answerText, ask, openPanel } from "./testing/panel.ts";
import { startPanelScene, type PanelScene } from "./testing/panel-scene.ts";
import { startSite, type Site } from "./testing/site.ts";
import { extensionVariant } from "./testing/variant.ts";

let scene: PanelScene;
let provider: ReplayProvider;
let site: Site;
let extension: ExtensionBrowser;
let page: Page;
let panel: Page;

beforeAll(async () => {
  scene = await startPanelScene();
  ({ provider, extension, page } = scene);
  provider.reply({ slices: openAiText(["An ", "answer."]) });
  site = await startSite({
    "/": `<h1>Boats</h1><p id="text">A selected sentence.</p><p>${"Words about boats. ".repeat(30)}</p><label>Name <input name="a"></label>`,
    "/tab": `<p>Of the second tab. ${"More words about tides. ".repeat(20)}</p>`,
    "/paper.pdf": {
      type: "application/pdf",
      body: "%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>",
    },
    "/picture.svg": { type: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg"><text>words</text></svg>' },
  });
  await page.goto(site.origin);
  panel = await openPanel(extension, page);
});

afterAll(async () => {
  await scene?.close();
  await site?.close();
});

const modelSaw = (): string => JSON.stringify((provider.calls.at(-1)!.body as { messages: unknown }).messages);
const input = (): ReturnType<Page["locator"]> => panel.locator('[part~="input"]');

interface Violation {
  id: string;
  impact: string;
  nodes: string[];
}

async function violations(where: Page): Promise<Violation[]> {
  // As an isolated script, since the page's policy lets none in.
  await where.evaluate(axe.source);
  return where.evaluate(async () => {
    const { axe: inPage } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; impact: string; nodes: { target: unknown; html: string }[] }[] }> };
    };
    const { violations: found } = await inPage.run({ resultTypes: ["violations"] });
    return found.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map(({ target, html }) => `${String(target)} ${html.slice(0, 120)}`),
    }));
  });
}

test("a command is found, chosen by keyboard and filled in; page text goes along beside the question, not in it", async () => {
  await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("#text")!));
  await input().press("/");
  await panel.getByRole("option").first().waitFor();
  expect(await panel.getByRole("option").count()).toBe(4);
  await input().pressSequentially("ex");
  await until(async () => (await panel.getByRole("option").count()) === 1, "one command");
  await input().press("Enter");
  await until(
    async () => (await input().inputValue()) === "Explain the selected text in plain words, in American English.",
    "the prompt",
  ).catch(async () => {
    expect(await input().inputValue()).toMatch(/^Explain the selected text in plain words, in .*English.*\.$/);
  });
  expect(await panel.locator('[data-kind="selection"]').getAttribute("title")).toBe("A selected sentence.");
  await input().press("Enter");
  await until(async () => (await answerText(panel)) === "An answer.", "the answer");
  expect(modelSaw()).toContain("A selected sentence.");
  // Once: the next question goes without it.
  expect(await panel.locator('[data-kind="selection"]').count()).toBe(0);
  await input().press("/");
  await panel.getByRole("option").first().waitFor();
  await input().press("Escape");
  expect(await panel.getByRole("option").count()).toBe(0);
  await input().fill("");
});

test("a formula in an answer is set as mathematics", async () => {
  provider.reply({ slices: openAiText(["Its length is $\\sqrt{", "x^2}$."]) });
  await ask(panel, "How long is it?");
  await panel.locator("math msqrt msup").waitFor();
  provider.reply({ slices: openAiText(["An ", "answer."]) });
});

test("a picture of the page is cropped before it goes along, and reaches the model", async () => {
  await panel.getByRole("button", { name: "Send something else along" }).click();
  await panel.getByRole("menuitem", { name: "A picture of the page" }).click();
  const dialog = panel.getByRole("dialog", { name: "Choose what to send" });
  await dialog.waitFor();
  const size = await dialog.locator("canvas").evaluate((canvas: HTMLCanvasElement) => ({ width: canvas.width, height: canvas.height }));
  await dialog.getByLabel("Right edge").fill("0.5");
  await dialog.getByLabel("Bottom edge").fill("0.5");
  await dialog.getByRole("button", { name: "Use this part" }).click();
  const chip = panel.locator('[data-kind="picture"]');
  await chip.waitFor();
  const [width, height] = /(\d+) by (\d+)/
    .exec((await chip.getAttribute("title")) ?? "")!
    .slice(1)
    .map(Number);
  expect(Math.abs(width! / height! - size.width / size.height)).toBeLessThan(0.1);
  expect(width).toBeLessThanOrEqual(size.width / 2 + 1);
  await ask(panel, "What is this?");
  await until(() => modelSaw().includes("data:image/jpeg;base64,"), "the picture");
});

test("the whole of it works by keyboard alone: what goes along, question, approval, stop, history, search, rename, open", async () => {
  await panel.getByRole("button", { name: "New conversation" }).click();
  provider.reply({ slices: openAiCall("fill_field", ['{"name":"Name","value":"Ada"}'], "call_k") }, { slices: openAiText(["Filled."]) });
  const { keyboard } = panel;
  /** The name of what has the focus, in the panel or in the chat. */
  const focused = (): Promise<string> =>
    panel.evaluate(() => {
      let active = document.activeElement;
      while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
      return `${active?.getAttribute("aria-label") ?? active?.textContent?.trim() ?? ""} ${active?.tagName}`;
    });
  const tabTo = async (name: string, key = "Tab"): Promise<void> => {
    const seen: string[] = [];
    for (let tabs = 0; tabs < 20; tabs++) {
      seen.push(await focused());
      if (seen.at(-1)!.startsWith(name)) return;
      await keyboard.press(key);
    }
    throw new Error(`No way to ${name} by ${key}: ${seen.join(" → ")}`);
  };
  await input().focus();
  // The selection, from the menu: arrows move, Escape leaves and gives the focus back, a choice goes back to writing.
  await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("#text")!));
  await tabTo("Send something else along", "Shift+Tab");
  await keyboard.press("Enter");
  await panel.getByRole("menu").waitFor();
  expect(await focused()).toBe("The selection BUTTON");
  await keyboard.press("ArrowUp");
  expect(await focused()).toBe("Cancel BUTTON");
  await keyboard.press("ArrowDown");
  await keyboard.press("End");
  await keyboard.press("Home");
  expect(await focused()).toBe("The selection BUTTON");
  await keyboard.press("Escape");
  expect(await panel.getByRole("menu").count()).toBe(0);
  expect(await focused()).toBe("Send something else along BUTTON");
  await keyboard.press("Enter");
  await panel.getByRole("menu").waitFor();
  await keyboard.press("Enter");
  await panel.locator('[data-kind="selection"]').waitFor();
  expect(await focused()).toContain("TEXTAREA");
  await tabTo("Leave out Selection", "Shift+Tab");
  await keyboard.press("Enter");
  await until(async () => (await panel.locator('[data-kind="selection"]').count()) === 0, "the selection to be left out");

  await input().focus();
  await keyboard.type("Fill it in");
  await keyboard.press("Enter");
  await panel.locator(".ask").waitFor();
  // It takes no focus: what is typed goes where it went before.
  expect(await focused()).toContain("TEXTAREA");
  await panel.waitForTimeout(600);
  await tabTo("Allow");
  await keyboard.press("Enter");
  await until(async () => (await answerText(panel)) === "Filled.", "the answer");
  expect(await page.inputValue("[name=a]")).toBe("Ada");
  // What had the focus is gone; it is not lost with it.
  expect(await focused()).toContain("TEXTAREA");

  provider.reply({ slices: openAiText(["Much ", "to ", "say. "]), ending: "hang" });
  await keyboard.type("Go on");
  await keyboard.press("Enter");
  await until(async () => (await answerText(panel)).startsWith("Much to say."), "some of the answer");
  await keyboard.press("Escape");
  await until(() => provider.calls.at(-1)!.aborted, "the model to be stopped");
  provider.reply({ slices: openAiText(["An ", "answer."]) });

  await tabTo("History", "Shift+Tab");
  await keyboard.press("Enter");
  await panel.locator("dialog.history").waitFor();
  await tabTo("Search conversations");
  await keyboard.type("filled");
  await until(async () => (await panel.locator("dialog.history .title").count()) === 1, "the one conversation");
  await tabTo("Rename");
  await keyboard.press("Enter");
  await keyboard.type("By keyboard");
  await keyboard.press("Enter");
  await panel.locator("dialog.history .title").filter({ hasText: "By keyboard" }).waitFor();
  await until(async () => (await focused()).startsWith("Search conversations"), "the focus to come back from the name");
  await tabTo("By keyboard");
  await keyboard.press("Enter");
  await until(async () => (await panel.locator("dialog.history").count()) === 0, "the history to close");
  await until(async () => (await panel.locator('[part~="message-user"]').count()) === 2, "the conversation");
  await tabTo("History", "Shift+Tab");
  await keyboard.press("Enter");
  await panel.locator("dialog.history").waitFor();
  await keyboard.press("Escape");
  await until(async () => (await panel.locator("dialog.history").count()) === 0, "the history to close");
  expect(await focused()).toBe("History BUTTON");
});

test("no accessibility violations at 320, 360 and 600 px, light, dark and in forced colours, with a question open", async () => {
  provider.reply({ slices: openAiCall("fill_field", ['{"name":"Name","value":"Grace"}'], "call_a") }, { slices: openAiText(["Done."]) });
  await panel.locator(".chip[aria-pressed]").click();
  await ask(panel, "Fill it in");
  await panel.locator(".ask").waitFor();
  const cdp = await panel.context().newCDPSession(panel);
  const looks = [
    ["light", "none"],
    ["dark", "none"],
    ["light", "active"],
  ] as const;
  for (const [width, [scheme, forced]] of [320, 360, 600].flatMap((each) => looks.map((look) => [each, look] as const))) {
    await cdp.send("Emulation.setDeviceMetricsOverride", { width, height: 700, deviceScaleFactor: 1, mobile: false });
    await panel.emulateMedia({ colorScheme: scheme, forcedColors: forced });
    expect(await violations(panel), `${width} px ${scheme} ${forced}`).toEqual([]);
    expect(await panel.evaluate(() => document.documentElement.scrollWidth), `${width} px`).toBeLessThanOrEqual(width);
  }
  await cdp.send("Emulation.clearDeviceMetricsOverride");
  await panel.emulateMedia({ colorScheme: null, forcedColors: null });
  await panel.locator(".ask").getByRole("button", { name: "Don’t allow" }).click();
  await until(async () => (await answerText(panel)) === "Done.", "the end");
  await panel.getByRole("button", { name: "History" }).click();
  await panel.locator("dialog.history .title").first().waitFor();
  expect(await violations(panel), "history").toEqual([]);
  await panel.getByRole("button", { name: "Close", exact: true }).click();
  await panel.getByRole("button", { name: "Send something else along" }).click();
  await panel.getByRole("menu").waitFor();
  expect(await violations(panel), "menu").toEqual([]);
  await panel.getByRole("menuitem", { name: "A picture of the page" }).click();
  await panel.getByRole("dialog", { name: "Choose what to send" }).waitFor();
  expect(await violations(panel), "crop").toEqual([]);
  await panel.getByRole("button", { name: "Cancel" }).click();

  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  await options.locator("#log td").first().waitFor();
  expect(await violations(options), "options").toEqual([]);
  await options.getByRole("button", { name: "Test connection" }).click();
  await options.locator("[data-finding]").waitFor();
  expect(await violations(options), "doctor").toEqual([]);
  await options.close();
  await page.bringToFront();
});

test("between opening and composer, and between composer and a selection handed over, nothing waits for a clock and few answers are waited for one after another", async () => {
  // How long that takes is measured by `npm run bench:panel`; a busy machine changes none of these counts.
  const windowId = await panel.evaluate(async () => (await chrome.windows.getCurrent()).id!);
  const [tabId] = await panel.evaluate(
    async (id) => (await chrome.tabs.query({ active: true, windowId: id })).map((tab) => tab.id!),
    windowId,
  );
  await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("#text")!));
  await panel.addInitScript(
    ([id, tab]) => {
      const steps = { calls: [] as string[], held: 0, isOver: false };
      Object.assign(globalThis, { steps });
      void chrome.storage.session.set({ [`intent:${id}`]: { kind: "selection", tabId: tab, frameId: 0, text: "", at: Date.now() } });
      // A clock that stands still: whatever waits for it waits for ever.
      const start = setTimeout;
      Object.assign(globalThis, {
        setTimeout: (action: () => void, ms = 0) => (steps.isOver || ms < 20 ? start(action, ms) : ++steps.held),
      });
      const count = (name: string, owner: object, key: string): void => {
        const call = (owner as Record<string, (...args: unknown[]) => unknown>)[key]!.bind(owner);
        Object.assign(owner, {
          [key]: (...args: unknown[]) => {
            if (!steps.isOver) steps.calls.push(name);
            return call(...args);
          },
        });
      };
      for (const area of ["sync", "local", "session"] as const) count(`storage.${area}.get`, chrome.storage[area], "get");
      count("windows.getCurrent", chrome.windows, "getCurrent");
      count("tabs.query", chrome.tabs, "query");
      count("scripting.executeScript", chrome.scripting, "executeScript");
      const look = (): void => {
        steps.isOver = document.querySelector('[data-kind="selection"]') !== null;
        if (!steps.isOver) requestAnimationFrame(look);
      };
      look();
    },
    [windowId, tabId] as const,
  );
  await panel.reload();
  await panel.locator('[data-kind="selection"]').waitFor();
  const { calls } = await panel.evaluate(() => (globalThis as unknown as { steps: { calls: string[] } }).steps);
  expect(await panel.locator('[data-kind="selection"]').getAttribute("title")).toBe("A selected sentence.");
  expect(calls.length, calls.join(", ")).toBeLessThanOrEqual(11);
});

/** New settings make the panel load again. */
async function startsOver(change: () => Promise<unknown>): Promise<void> {
  await panel.evaluate(() => void Object.assign(globalThis, { isOld: true }));
  await change();
  await until(() => panel.evaluate(() => !("isOld" in globalThis)).catch(() => false), "the panel to start over");
  await input().waitFor();
}

test("Chrome's built-in model answers through the same session, without a server; where it is missing the options say so", async () => {
  // An open panel begins anew with other settings; closed in the middle of that it would be gone for the one that opens next.
  await startsOver(() =>
    extension.context.serviceWorkers()[0]!.evaluate(() => chrome.storage.sync.set({ backend: "browser", server: "http://127.0.0.1:9" })),
  );
  // In this Chromium there is none: said in words, and the question is kept.
  await panel.getByRole("button", { name: "New conversation" }).click();
  await ask(panel, "Anybody there?");
  await panel.locator(".notice").getByText("This browser has no built-in model.").waitFor();
  // A server that does not answer, and a browser that has one: it is offered, and taken by one click.
  const errors = watchErrors(panel);
  await panel.addInitScript(() => {
    (globalThis as { LanguageModel?: unknown }).LanguageModel = {
      availability: () => Promise.resolve("available"),
      create: () =>
        Promise.resolve({
          destroy: () => undefined,
          promptStreaming: (messages: { content: string }[]) =>
            new ReadableStream({
              start(controller) {
                for (const word of ["You ", "said: ", messages.at(-1)!.content]) controller.enqueue(word);
                controller.close();
              },
            }),
        }),
    };
  });
  await startsOver(() => extension.context.serviceWorkers()[0]!.evaluate(() => chrome.storage.sync.remove("backend")));
  await panel.getByRole("button", { name: "New conversation" }).click();
  await ask(panel, "Is a server there?");
  await startsOver(() => panel.getByRole("button", { name: "Answer with the browser’s own model" }).click({ timeout: 30_000 }));
  await panel.getByRole("button", { name: "New conversation" }).click();
  await ask(panel, "hello there");
  await until(async () => (await answerText(panel)).endsWith("said: hello there"), "the answer");
  expect(errors.filter((error) => !error.includes("ERR_"))).toEqual([]);
  await panel.close();
  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  await options.getByText("This browser has no built-in model.").waitFor();
  await options.close();
});

test("another tab goes along when the person picks it; what may not be read is named as that", async () => {
  // Granted beforehand, because Chrome's dialog cannot be answered here: extension-native.test.ts answers it.
  const folder = await extensionVariant((manifest) => ({
    ...manifest,
    permissions: [...(manifest["permissions"] as string[]), "tabs"],
    host_permissions: ["http://localhost/*"],
  }));
  const browser = await launchExtension({ extension: folder });
  try {
    await browser.worker.evaluate((server) => chrome.storage.sync.set({ server }), scene.gateway.origin);
    const first = browser.context.pages()[0] ?? (await browser.context.newPage());
    await first.goto(site.origin);
    const second = await browser.context.newPage();
    await second.goto(`${site.otherOrigin}/tab`);
    await (await browser.context.newPage()).goto("chrome://version");
    const theirs = await openPanel(browser, first);
    await theirs.getByRole("button", { name: "Send something else along" }).click();
    await theirs.getByRole("menuitem", { name: "Another tab" }).click();
    const tabs = theirs.getByRole("menuitem");
    await tabs.filter({ hasText: "localhost" }).waitFor();
    // Two web pages and Cancel: Chrome's own are not offered.
    expect(await tabs.count()).toBe(3);
    await tabs.filter({ hasText: "localhost" }).click();
    await theirs.locator('[data-kind="page"]').waitFor();
    provider.reply({ slices: openAiText(["Read."]) });
    await ask(theirs, "What is in the other tab?");
    await until(async () => (await answerText(theirs)) === "Read.", "the answer");
    expect(modelSaw()).toContain("Of the second tab.");
    expect(modelSaw()).toContain(site.otherOrigin);

    for (const [address, type] of [
      ["/paper.pdf", "pdf"],
      ["/picture.svg", "svg"],
    ] as const) {
      await first.goto(site.origin + address).catch(() => undefined);
      await until(async () => (await theirs.locator(".chips").innerText()) !== "", type);
      await theirs.waitForTimeout(300);
    }
    await first.goto(`file://${join(folder, "manifest.json")}`);
    await until(async () => /cannot be read|Read this page/.test(await theirs.locator(".chips").innerText()), "a file");
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test("in Arabic it stands from right to left, in its own words, without accessibility violations", async () => {
  // The distribution's Chromium may speak English only; an extension that only speaks Arabic shows it all the same.
  const folder = await extensionVariant((manifest) => ({ ...manifest, default_locale: "ar" }));
  for (const locale of await readdir(join(folder, "_locales")))
    if (locale !== "ar") await rm(join(folder, "_locales", locale), { recursive: true });
  const arabic = await launchExtension({ extension: folder });
  try {
    const other = arabic.context.pages()[0] ?? (await arabic.context.newPage());
    await other.goto(site.origin);
    const theirs = await openPanel(arabic, other);
    expect(await theirs.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual(["ar", "rtl"]);
    await theirs.getByRole("button", { name: "السجل" }).waitFor();
    expect(await violations(theirs)).toEqual([]);
    const options = await arabic.context.newPage();
    await options.goto(`chrome-extension://${arabic.id}/options/index.html`);
    await options.getByRole("heading", { name: "الإعدادات" }).waitFor();
    expect(await violations(options)).toEqual([]);
  } finally {
    await arabic.close();
    await rm(folder, { recursive: true, force: true });
  }
});
