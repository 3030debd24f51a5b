/** The built extension in a real Chromium: the real side panel, not its page in a tab. */
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiText, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { until, watchErrors, type ExtensionBrowser } from "./testing/browser.ts";
import { answerText, ask, closePanel, openPanel } from "./testing/panel.ts";
import { startPanelScene, type PanelScene } from "./testing/panel-scene.ts";

const WORDS = Array.from({ length: 200 }, (_, index) => `word${index} `);
const ANSWER = WORDS.join("").trim();

let scene: PanelScene;
let provider: ReplayProvider;
let extension: ExtensionBrowser;
let page: Page;

beforeAll(async () => {
  scene = await startPanelScene();
  ({ provider, extension, page } = scene);
  provider.reply({ slices: openAiText(WORDS), delayMs: 30 });
  await page.goto(`${scene.gateway.origin}/react.html`);
});

afterAll(async () => {
  await scene?.close();
});

test("the toolbar button opens and closes, six times in turn", async () => {
  for (let click = 0; click < 6; click++) {
    await extension.clickAction(page);
    await extension.knowsWhatIsOpen(click % 2 === 0 ? 1 : 0);
  }
});

test("an answer survives closing the panel three times: one model call, every word once", async () => {
  const calls = provider.calls.length;
  let panel = await openPanel(extension, page);
  await ask(panel, "Say many words");
  for (const word of [10, 40, 70]) {
    await until(async () => (await answerText(panel)).includes(`word${word}`), `word${word}`);
    await closePanel(extension, page);
    await page.waitForTimeout(300);
    panel = await openPanel(extension, page);
  }
  await until(async () => (await answerText(panel)) === ANSWER, "the whole answer", 30_000);
  expect(await panel.locator('[part~="message-user"]').count()).toBe(1);
  expect(provider.calls.length - calls).toBe(1);
  await closePanel(extension, page);
});

test("at 100 tokens a second the document is changed at most once in a frame", async () => {
  provider.reply({ slices: openAiText(WORDS), delayMs: 9 });
  const panel = await openPanel(extension, page);
  await panel.getByRole("button", { name: "New conversation" }).click();
  await ask(panel, "Quickly");
  await until(async () => (await answerText(panel)).includes("word5 "), "the first words");
  await panel.evaluate(() => {
    const contents = document.querySelector("chanl-chat")!.shadowRoot!.querySelectorAll('[part~="message-assistant"] [part~="content"]');
    const seen = { commits: 0, most: 0 };
    Object.assign(globalThis, { seen });
    let inFrame = 0;
    // Told once after each turn of the loop that changed something.
    new MutationObserver(() => {
      seen.commits++;
      seen.most = Math.max(seen.most, ++inFrame);
    }).observe([...contents].at(-1)!, { childList: true, subtree: true, characterData: true });
    const frame = (): void => {
      inFrame = 0;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await until(async () => (await answerText(panel)) === ANSWER, "the whole answer", 30_000);
  const { commits, most } = await panel.evaluate(() => (globalThis as unknown as { seen: { commits: number; most: number } }).seen);
  expect(commits).toBeGreaterThan(10);
  expect(most).toBe(1);
  provider.reply({ slices: openAiText(WORDS), delayMs: 30 });
  await closePanel(extension, page);
});

test("the button works after the worker was stopped", async () => {
  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  const cdp = await extension.context.newCDPSession(options);
  await cdp.send("ServiceWorker.enable");
  await cdp.send("ServiceWorker.stopAllWorkers");
  await options.close();
  await openPanel(extension, page);
  await closePanel(extension, page);
});

test("the options page refuses a wrong address, tests a right one, and the panel follows it", async () => {
  const options = await extension.context.newPage();
  const errors = watchErrors(options);
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  const server = options.getByLabel("Server address");
  await expect.poll(() => server.inputValue()).toBe(scene.gateway.origin);
  await server.fill("http://chat.example");
  await options.getByRole("button", { name: "Save" }).click();
  expect(await options.locator("#server-error").innerText()).toContain("https://");
  expect(await extension.context.serviceWorkers()[0]!.evaluate(() => chrome.storage.sync.get("server"))).toEqual({
    server: scene.gateway.origin,
  });
  await server.fill(`${scene.gateway.origin}/`);
  await options.getByRole("button", { name: "Test connection" }).click();
  await options.getByText(`The server at ${scene.gateway.origin} answers.`).waitFor();
  await options.getByRole("button", { name: "Close" }).click();
  expect(errors.filter((error) => !error.includes("404"))).toEqual([]);
  // An address where nobody answers: the panel says so, and finds out why.
  await server.fill("http://127.0.0.1:9");
  await options.getByRole("button", { name: "Save" }).click();
  await options.getByText("Saved.").waitFor();
  await options.close();
  const panel = await openPanel(extension, page);
  await panel.getByRole("button", { name: "New conversation" }).click();
  await ask(panel, "Anybody there?");
  await panel.getByText("No answer from http://127.0.0.1:9").waitFor({ timeout: 30_000 });
  expect(await panel.getByRole("button", { name: "Open settings" }).isVisible()).toBe(true);
  await panel.getByRole("button", { name: "Find out why" }).click();
  await panel.locator('[data-finding="refused"]').waitFor();
});
