/** What happens to an answer when a person stops it, reloads, leaves, or the network goes away. In a real page on a real gateway. */
import type { Browser, Page, Route } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchBrowser, until } from "./testing/browser.ts";
import { startFaultProxy, type FaultProxy } from "./testing/fault-proxy.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const WORDS = Array.from({ length: 120 }, (_, index) => `word${index} `);
const ANSWER = WORDS.join("").trim();

let provider: ReplayProvider;
let gateway: GatewayProcess;
/** Between the page and the gateway, so that a network can go away. */
let network: FaultProxy;
let browser: Browser;

beforeAll(async () => {
  // About four seconds per answer.
  provider = await startReplayProvider();
  provider.reply({ slices: openAiText(WORDS), delayMs: 30 });
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  network = await startFaultProxy(gateway.origin, () => null);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await network?.close();
  await gateway?.stop();
  await provider?.close();
});

/** A page with only the inline widget, on the gateway's own site. */
async function open(transport?: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
  await page.goto(network.origin);
  if (transport)
    await page
      .locator("chanl-chat")
      .first()
      .evaluate((chat, name) => chat.setAttribute("transport", name), transport);
  await page.locator('chanl-chat [part~="input"]').first().waitFor();
  return page;
}

async function ask(page: Page): Promise<void> {
  const input = page.locator('[part~="input"]').first();
  await input.fill("Say many words");
  await input.press("Enter");
}

const aborted = (): number => provider.calls.filter((call) => call.aborted).length;

const answerText = async (page: Page): Promise<string> => {
  const content = page.locator('[part~="message-assistant"] [part~="content"]');
  return (await content.count()) === 0 ? "" : (await content.first().innerText()).trim();
};

const untilWord = (page: Page, index: number): Promise<void> =>
  until(async () => (await answerText(page)).includes(`word${index}`), `word${index}`);

test("Stop ends the model call within 300 ms, keeps what came, and a reload does not bring the answer back", async () => {
  const page = await open();
  const aborts = aborted();
  await ask(page);
  await untilWord(page, 10);
  await page.waitForTimeout(450); // The button ignores a stop that comes right after a send.
  // The page's and this process's clocks are the same machine's.
  await page.evaluate(() => {
    addEventListener(
      "click",
      () => ((globalThis as unknown as { pressedAt: number }).pressedAt = performance.timeOrigin + performance.now()),
      true,
    );
  });
  await page.locator('[part~="send-button"]').first().click();
  await until(() => aborted() > aborts, "the provider to see the abort");
  const abortedAt = performance.timeOrigin + provider.calls.at(-1)!.abortedAt!;
  const pressedAt: number = await page.evaluate("pressedAt");
  expect(abortedAt - pressedAt).toBeLessThan(300);
  const text = await answerText(page);
  expect(ANSWER.startsWith(text)).toBe(true);
  expect(text.length).toBeLessThan(ANSWER.length);
  await page.waitForTimeout(500);
  expect(await answerText(page)).toBe(text);
  const calls = provider.calls.length;
  await page.reload();
  await until(async () => (await answerText(page)) === text, "the stopped answer to be there after the reload");
  await page.waitForTimeout(1_000);
  expect(await answerText(page)).toBe(text);
  expect(provider.calls.length).toBe(calls);
  await page.close();
});

test("a reload in the middle picks the answer up, with one model call and no word twice", async () => {
  const page = await open();
  const calls = provider.calls.length;
  await ask(page);
  await untilWord(page, 15);
  await page.reload();
  await untilWord(page, 25);
  await page.reload();
  await until(async () => (await answerText(page)) === ANSWER, "the whole answer", 30_000);
  expect(await page.locator('[part~="message-user"]').count()).toBe(1);
  expect(await page.locator('[part~="message-assistant"]').count()).toBe(1);
  expect(provider.calls.length - calls).toBe(1);
  await page.close();
});

test("leaving without Stop keeps the run, and coming back shows all of it", async () => {
  const page = await open();
  const calls = provider.calls.length;
  await ask(page);
  await untilWord(page, 10);
  await page.goto("about:blank");
  await page.waitForTimeout(1_500);
  await page.goBack();
  await until(async () => (await answerText(page)) === ANSWER, "the whole answer", 30_000);
  expect(provider.calls.length - calls).toBe(1);
  await page.close();
});

/** The real stream's beginning, then a clean end: what a proxy makes of a killed backend. */
async function endEarly(route: Route): Promise<void> {
  const request = route.request();
  const response = await fetch(request.url(), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: request.postData(),
  });
  const reader = response.body!.getReader();
  let body = "";
  while (!body.includes("word12")) body += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  await route.fulfill({
    status: 200,
    headers: { "Content-Type": "text/event-stream", "X-Stream-Id": response.headers.get("X-Stream-Id")! },
    body,
  });
}

test("a body that ends cleanly without its last event is resumed", async () => {
  const page = await open();
  await page.route("**/api/chat/stream", endEarly, { times: 1 });
  const resumed = page.waitForRequest("**/api/chat/stream/*");
  await ask(page);
  await resumed;
  await until(async () => (await answerText(page)) === ANSWER, "the whole answer", 30_000);
  await page.close();
});

test("when resuming fails it is shown as interrupted, and Continue picks it up", async () => {
  const page = await open();
  let down = true;
  await page.route("**/api/chat/stream", endEarly);
  await page.route("**/api/chat/stream/*", (route) => (down ? route.abort("connectionreset") : route.continue()));
  await ask(page);
  const continueButton = page.getByRole("button", { name: "Continue answer" });
  await continueButton.waitFor({ timeout: 40_000 });
  expect(await page.getByText("The connection dropped").first().isVisible()).toBe(true);
  expect(await page.getByRole("button", { name: "Retry" }).first().isVisible()).toBe(true);
  const kept = await answerText(page);
  expect(kept).toContain("word11");
  expect(ANSWER.startsWith(kept)).toBe(true);
  down = false;
  await continueButton.click();
  await until(async () => (await answerText(page)) === ANSWER, "the whole answer", 30_000);
  await page.close();
});

/** Requests that could begin a run. */
function countStarts(page: Page): () => number {
  let starts = 0;
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/api/chat/stream")) starts++;
  });
  return () => starts;
}

describe.each(["sse", "websocket", "eventsource"])("over %s", (transport) => {
  test("a tab that is hidden and frozen in mid-answer has all of it when it comes back, asked for once", async () => {
    const page = await open(transport);
    const calls = provider.calls.length;
    const starts = countStarts(page);
    await ask(page);
    await untilWord(page, 10);
    const cdp = await page.context().newCDPSession(page);
    // The browser lets no script and no timer run: the harshest that a hidden tab meets.
    await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await cdp.send("Page.setWebLifecycleState", { state: "active" });
    await until(async () => (await answerText(page)) === ANSWER, "the whole answer", 30_000);
    expect(provider.calls.length - calls).toBe(1);
    expect(starts()).toBeLessThanOrEqual(1);
    await page.close();
  });

  test("an answer goes on when the network is back, asked for once", async () => {
    const page = await open(transport);
    const calls = provider.calls.length;
    const starts = countStarts(page);
    await ask(page);
    await untilWord(page, 10);
    await page.context().setOffline(true);
    network.cutAll();
    await page.waitForTimeout(1_500);
    await page.context().setOffline(false);
    await until(async () => (await answerText(page)) === ANSWER, "the whole answer", 30_000);
    expect(provider.calls.length - calls).toBe(1);
    expect(starts()).toBeLessThanOrEqual(1);
    await page.close();
  });
});
