/** A file on its whole way: from the picker in a page through the built gateway to the provider. */
import type { Browser } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchBrowser } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

let provider: ReplayProvider;
let gateway: GatewayProcess;
let browser: Browser;

beforeAll(async () => {
  provider = await startReplayProvider();
  provider.reply({ slices: openAiText(["I see ", "it."]) });
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  await provider?.close();
});

/** One red pixel. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC", "base64");

test("a picture and a text that one chooses reach the provider, and a reload shows what was sent", async () => {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
  await page.goto(gateway.origin);
  const chat = page.locator("chanl-chat").first();
  await chat.evaluate((element) => element.setAttribute("attachments", ""));
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).first().click();
  await (
    await choosing
  ).setFiles([
    { name: "dot.png", mimeType: "image/png", buffer: PNG },
    { name: "tides.csv", mimeType: "text/csv", buffer: Buffer.from("hour,height\n9,4.1\n") },
  ]);
  await chat.locator('[part~="attachment"]:not([aria-busy])').nth(1).waitFor();
  await chat.locator('[part~="input"]').fill("What is this?");
  await chat.locator('[part~="input"]').press("Enter");
  await chat.locator('[part~="message-assistant"] [part~="actions"]').waitFor();
  const { messages } = provider.calls.at(-1)!.body as { messages: { role: string; content: unknown }[] };
  expect(messages.findLast(({ role }) => role === "user")!.content).toEqual([
    { type: "image_url", image_url: { url: expect.stringMatching(/^data:image\/png;base64,/) } },
    { type: "text", text: expect.stringContaining("hour,height\n9,4.1") },
  ]);
  await page.reload();
  const along = chat.locator('[part~="context"]');
  await along.nth(1).waitFor();
  expect((await along.allInnerTexts()).map((text) => text.trim())).toEqual(["dot.png", "tides.csv · 18 characters"]);
  await page.close();
});
