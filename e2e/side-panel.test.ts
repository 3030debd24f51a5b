/** The built extension in a real Chromium: the real side panel, not its page in a tab. */
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchExtension, until, watchErrors, type ExtensionBrowser } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const WORDS = Array.from({ length: 150 }, (_, index) => `word${index} `);
const ANSWER = WORDS.join("").trim();

let provider: ReplayProvider;
let gateway: GatewayProcess;
let extension: ExtensionBrowser;
let page: Page;

beforeAll(async () => {
  provider = await startReplayProvider();
  provider.reply({ slices: openAiText(WORDS), delayMs: 40 });
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  extension = await launchExtension();
  await extension.worker.evaluate((server) => chrome.storage.sync.set({ server }), gateway.origin);
  page = extension.context.pages()[0] ?? (await extension.context.newPage());
  await page.goto(`${gateway.origin}/react.html`);
});

afterAll(async () => {
  await extension?.close();
  await gateway?.stop();
  await provider?.close();
});

async function open(): Promise<Page> {
  await extension.clickAction(page);
  const panel = await extension.panel();
  await panel.locator('[part~="input"]').waitFor();
  return panel;
}

async function close(): Promise<void> {
  await extension.clickAction(page);
  await until(async () => !(await extension.panelIsOpen()), "the panel to close");
}

const answerText = async (panel: Page): Promise<string> => {
  const content = panel.locator('[part~="message-assistant"] [part~="content"]');
  return (await content.count()) === 0 ? "" : (await content.last().innerText()).trim();
};

test("the toolbar button opens, closes, opens and closes", async () => {
  const states: boolean[] = [];
  for (let click = 0; click < 4; click++) {
    await extension.clickAction(page);
    await until(async () => (await extension.panelIsOpen()) === (click % 2 === 0), `click ${click + 1}`);
    states.push(await extension.panelIsOpen());
    // The worker hears of the opening a moment after it.
    await page.waitForTimeout(400);
  }
  expect(states).toEqual([true, false, true, false]);
});

test("an answer survives closing the panel three times: one model call, every word once", async () => {
  const calls = provider.calls.length;
  let panel = await open();
  const input = panel.locator('[part~="input"]');
  await input.fill("Say many words");
  await input.press("Enter");
  for (const word of [10, 40, 70]) {
    await until(async () => (await answerText(panel)).includes(`word${word}`), `word${word}`);
    await page.waitForTimeout(400);
    await close();
    await page.waitForTimeout(300);
    panel = await open();
  }
  await until(async () => (await answerText(panel)) === ANSWER, "the whole answer", 30_000);
  expect(await panel.locator('[part~="message-user"]').count()).toBe(1);
  expect(provider.calls.length - calls).toBe(1);
  await close();
});

test("the button works after the worker was stopped", async () => {
  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  const cdp = await extension.context.newCDPSession(options);
  await cdp.send("ServiceWorker.enable");
  await cdp.send("ServiceWorker.stopAllWorkers");
  await options.close();
  await page.bringToFront();
  await open();
  await page.waitForTimeout(400);
  await close();
});

test("the options page refuses a wrong address, tests a right one, and the panel follows it", async () => {
  const options = await extension.context.newPage();
  const errors = watchErrors(options);
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  const server = options.getByLabel("Server address");
  await expect.poll(() => server.inputValue()).toBe(gateway.origin);
  await server.fill("http://chat.example");
  await options.getByRole("button", { name: "Save" }).click();
  expect(await options.locator("#server-error").innerText()).toContain("https://");
  expect(await extension.context.serviceWorkers()[0]!.evaluate(() => chrome.storage.sync.get("server"))).toEqual({
    server: gateway.origin,
  });
  await server.fill(`${gateway.origin}/`);
  await options.getByRole("button", { name: "Test connection" }).click();
  await options.getByText(`The server at ${gateway.origin} answers.`).waitFor();
  await options.getByRole("button", { name: "Close" }).click();
  expect(errors.filter((error) => !error.includes("404"))).toEqual([]);
  // An address where nobody answers: the panel says so, and finds out why.
  await server.fill("http://127.0.0.1:9");
  await options.getByRole("button", { name: "Save" }).click();
  await options.getByText("Saved.").waitFor();
  await options.close();
  await page.bringToFront();
  const panel = await open();
  const input = panel.locator('[part~="input"]');
  await panel.getByRole("button", { name: "New conversation" }).click();
  await input.fill("Anybody there?");
  await input.press("Enter");
  await panel.getByText("No answer from http://127.0.0.1:9").waitFor({ timeout: 30_000 });
  expect(await panel.getByRole("button", { name: "Open settings" }).isVisible()).toBe(true);
  await panel.getByRole("button", { name: "Find out why" }).click();
  await panel.locator('[data-finding="refused"]').waitFor();
});
