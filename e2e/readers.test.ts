/**
 * One question, seven readers, one gateway: the page, the side panel, a React page, curl, EventSource, a Node client and a
 * WebSocket client. What they have read must be the same answer.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Browser, Page } from "playwright";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ChanlClient, StreamingChatClient, type StreamChunk } from "../shared/index.ts";
import { launchBrowser, launchExtension, until, watchErrors } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const QUESTION = "How do I embed the widget?";
const ASK = [{ role: "user" as const, content: QUESTION }];

let gateway: GatewayProcess;
let browser: Browser;
/** The answer as the Node client reads it: what the others are compared with. */
let expected = "";

beforeAll(async () => {
  gateway = await startGateway();
  browser = await launchBrowser();
  expected = (await new ChanlClient({ baseUrl: gateway.origin }).chat.send("docs", ASK)).text;
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Records what a person would see while an answer streams: argument lengths, text lengths, and DOM writes per frame. */
async function recordStream(page: Page): Promise<void> {
  await page.evaluate(() => {
    const record = { argumentLengths: [] as number[], textLengths: [] as number[], writesInFrame: 0, mostWritesInFrame: 0, frames: 0 };
    (globalThis as unknown as { record: typeof record }).record = record;
    const host = document.querySelector("chanl-chat");
    const root = host?.shadowRoot;
    if (!root) throw new Error("no widget");
    const observed = new WeakSet<Node>();
    const observeContent = (): void => {
      for (const content of root.querySelectorAll('[part~="content"]')) {
        if (observed.has(content)) continue;
        observed.add(content);
        let text = "";
        new MutationObserver((mutations) => {
          const before = text;
          text = content.textContent ?? "";
          // Complete code is coloured in idle time, which writes no text.
          if (text === before && mutations.every(({ target }) => (target as Element).closest?.("code"))) return;
          record.writesInFrame++;
          record.mostWritesInFrame = Math.max(record.mostWritesInFrame, record.writesInFrame);
          record.textLengths.push(text.length);
        }).observe(content, { childList: true, characterData: true, subtree: true });
      }
    };
    const frame = (): void => {
      record.frames++;
      record.writesInFrame = 0;
      observeContent();
      const card = root.querySelector('[part~="tool"]');
      if (card) record.argumentLengths.push(card.textContent?.replaceAll(/\s+/g, " ").length ?? 0);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

interface StreamRecord {
  argumentLengths: number[];
  textLengths: number[];
  mostWritesInFrame: number;
  frames: number;
}

const grows = (values: number[]): boolean => new Set(values).size > 2;

async function askInWidget(page: Page): Promise<void> {
  const composer = page.locator('[part~="input"]').first();
  await composer.fill(QUESTION);
  await composer.press("Enter");
}

async function expectAnswer(page: Page): Promise<void> {
  await page.locator('[part~="message-assistant"] [part~="metrics"]').first().waitFor({ timeout: 30_000 });
  const text = await page.locator('[part~="message-assistant"] [part~="content"]').last().innerText();
  // The rendered text lacks Markdown's marks; its words are the answer's words.
  const words = (value: string): string => value.replaceAll(/[^\p{L}\p{N}]+/gu, "");
  expect(words(text).length).toBeGreaterThan(200);
  const shown = words(expected.replaceAll(/\]\([^)]*\)/g, "]").replaceAll(/^```\w*$/gm, ""));
  expect(shown).toContain(words(text.split("\n")[0]!));
  expect(text).toContain("<chanl-chat");
  expect(await page.locator('[part~="message-assistant"]').first().innerText()).toMatch(/\d+(\.\d+)?\s*s[^]*\d+\s*tok\/s/);
}

test("in a page: the message at once, the tool card growing, the answer in at most one write per frame, sources, metrics", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const errors = watchErrors(page);
  await page.goto(gateway.origin);
  await page.locator('chanl-chat [part~="input"]').first().waitFor();
  await recordStream(page);
  // Hold the request back: the message must show although nothing was answered, or even sent.
  await page.route("**/api/chat/stream", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await route.continue();
  });
  await askInWidget(page);
  await expect.poll(() => page.locator('[part~="message-user"]').first().innerText({ timeout: 500 }), { timeout: 600 }).toContain(QUESTION);
  await expectAnswer(page);
  const record = (await page.evaluate("record")) as StreamRecord;
  expect(grows(record.argumentLengths)).toBe(true);
  expect(record.textLengths.length).toBeGreaterThan(10);
  expect(record.mostWritesInFrame).toBe(1);
  expect(await page.locator('[part~="message-assistant"] a[href]').count()).toBeGreaterThan(0);
  expect(errors).toEqual([]);
  await page.close();
});

test("in the real side panel, opened by the toolbar button, with activeTab and no host permission", async () => {
  const extension = await launchExtension();
  try {
    // The panel asks the address in its settings; the test's server is elsewhere than the default.
    await extension.worker.evaluate((server) => chrome.storage.sync.set({ server }), gateway.origin);
    const page = extension.context.pages()[0] ?? (await extension.context.newPage());
    await page.goto(`${gateway.origin}/react.html`);
    await extension.clickAction(page);
    const panel = await extension.panel();
    const errors = watchErrors(panel);
    await panel.locator('[part~="input"]').waitFor();
    // Only activeTab tells the panel the page's address.
    await expect.poll(() => panel.locator('[part~="subtitle"]').innerText()).toContain(new URL(gateway.origin).host);
    await recordStream(panel);
    await askInWidget(panel);
    await expectAnswer(panel);
    const record = (await panel.evaluate("record")) as StreamRecord;
    expect(grows(record.argumentLengths)).toBe(true);
    expect(record.mostWritesInFrame).toBe(1);
    expect(errors).toEqual([]);
    expect(await extension.worker.evaluate(() => chrome.permissions.getAll())).toEqual({
      origins: [],
      permissions: expect.arrayContaining(["sidePanel", "storage", "activeTab"]),
    });
    await extension.clickAction(page);
    await until(async () => !(await extension.panelIsOpen()), "the second click to close the panel");
  } finally {
    await extension.close();
  }
});

test("in a React page, with at most one commit per frame", async () => {
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.goto(`${gateway.origin}/react.html`);
  await page.evaluate(() => {
    const record = { writesInFrame: 0, most: 0 };
    (globalThis as unknown as { record: typeof record }).record = record;
    const frame = (): void => {
      record.writesInFrame = 0;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    let text = "";
    new MutationObserver(() => {
      const now = document.querySelector("article.assistant:last-of-type .text:last-of-type")?.textContent ?? "";
      if (now === text) return;
      text = now;
      record.writesInFrame++;
      record.most = Math.max(record.most, record.writesInFrame);
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  await page.getByLabel("Message").fill(QUESTION);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator('article.assistant[data-status="complete"]').waitFor({ timeout: 30_000 });
  expect(await page.locator("article.user .text").innerText()).toBe(QUESTION);
  const texts = await page.locator("article.assistant .text").allTextContents();
  expect(texts.join("")).toBe(expected);
  expect(await page.locator("#metrics").innerText()).toMatch(/First token after [\d.]+ s · \d+ tok\/s · tools called: search_docs$/);
  expect(await page.evaluate("record.most")).toBe(1);
  expect(errors).toEqual([]);
  await page.close();
});

test("with curl -N", async () => {
  const child = spawn("curl", [
    "-sN",
    `${gateway.origin}/api/chat/stream`,
    "-H",
    "Content-Type: application/json",
    "-d",
    JSON.stringify({ agentId: "docs", messages: ASK }),
  ]);
  let output = "";
  const pieces: number[] = [];
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
    pieces.push(Date.now());
  });
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  expect(output.startsWith("retry: 1000\n")).toBe(true);
  const chunks = [...output.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as StreamChunk & { seq: number });
  expect(chunks.map(({ seq }) => seq)).toEqual(chunks.map((_, index) => index + 1));
  expect(textOf(chunks)).toBe(expected);
  expect(chunks.at(-1)).toMatchObject({ type: "done", reason: "stop", metrics: { tokenCount: expect.any(Number) as number } });
  // Streamed, not sent at the end.
  expect(pieces.length).toBeGreaterThan(5);
});

test("with three lines of EventSource on the stream's GET route", async () => {
  const response = await fetch(`${gateway.origin}/api/chat/stream`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ agentId: "docs", messages: ASK }),
  });
  expect(response.status).toBe(202);
  const { streamId } = (await response.json()) as { streamId: string };
  const page = await browser.newPage();
  await page.goto(`${gateway.origin}/react.html`);
  await page.evaluate((id) => {
    const received: string[] = [];
    (globalThis as unknown as { received: string[]; source: EventSource }).received = received;
    const source = new EventSource(`/api/chat/stream/${id}`);
    source.onmessage = (event) => received.push(event.data as string);
    (globalThis as unknown as { source: EventSource }).source = source;
  }, streamId);
  // It reconnects by itself after the end, and 204 stops it for good.
  await page.waitForFunction(() => (globalThis as unknown as { source: EventSource }).source.readyState === EventSource.CLOSED, undefined, {
    timeout: 30_000,
  });
  const chunks = ((await page.evaluate("received")) as string[]).map((data) => JSON.parse(data) as StreamChunk);
  expect(textOf(chunks)).toBe(expected);
  expect(chunks.filter(({ type }) => type === "done")).toHaveLength(1);
  await page.close();
});

test("from Node with for await", async () => {
  const client = new ChanlClient({ baseUrl: gateway.origin });
  const chunks: StreamChunk[] = [];
  for await (const chunk of client.chat.stream("docs", ASK)) chunks.push(chunk);
  expect(chunks[0]).toMatchObject({ type: "start", agentId: "docs", v: 1 });
  expect(textOf(chunks)).toBe(expected);
  expect(chunks.filter(({ type }) => type === "tool_call")).toMatchObject([{ name: "search_docs", runsOn: "server" }]);
  expect(chunks.filter(({ type }) => type === "tool_call_delta").length).toBeGreaterThan(2);
  expect(chunks.some(({ type }) => type === "source")).toBe(true);
  expect(chunks.at(-1)).toMatchObject({ type: "done", reason: "stop" });
});

describe("over WebSocket with StreamingChatClient", () => {
  test("listeners hear the answer", async () => {
    const client = new StreamingChatClient({ baseUrl: gateway.origin, agentId: "docs", WebSocket: WebSocket });
    let text = "";
    let done: StreamChunk | undefined;
    client.on("token", ({ content }) => (text += content));
    client.on("done", (chunk) => (done = chunk));
    await client.send(QUESTION);
    client.close();
    expect(text).toBe(expected);
    expect(done).toMatchObject({ type: "done", metrics: { ttft: expect.any(Number) as number } });
  });

  test("cancel is answered by cancelled", async () => {
    const client = new StreamingChatClient({ baseUrl: gateway.origin, agentId: "docs", WebSocket: WebSocket });
    const types: string[] = [];
    client.on("token", () => void client.cancel());
    client.on("cancelled", ({ reason }) => types.push(`cancelled ${reason}`));
    client.on("done", () => types.push("done"));
    await client.send(QUESTION);
    client.close();
    expect(types).toEqual(["cancelled user"]);
  });
});

function textOf(chunks: StreamChunk[]): string {
  return chunks.map((chunk) => (chunk.type === "token" ? chunk.content : "")).join("");
}
