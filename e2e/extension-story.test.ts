/**
 * One person, one evening and the next day: installs, asks about the page they read, asks about a selection, lets the agent fill
 * in a field, closes the panel in mid-answer, and finds the conversation again. Leaves the store's pictures in `.cache/store/`.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiCall, openAiText, startReplayProvider, type Reply, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchBrowser, launchExtension, until, type ExtensionBrowser } from "./testing/browser.ts";
import { root, startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { answerText, ask, closePanel, decide, openPanel } from "./testing/panel.ts";
import { startSite, type Site } from "./testing/site.ts";

const PICTURES = join(root, ".cache", "store");
const ARTICLE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tides at Harbourfell</title><style>
body{font:17px/1.6 Georgia,serif;max-width:620px;margin:40px auto;padding:0 24px;color:#1b2430;background:#fbfaf7}h1{font-size:38px;line-height:1.15}
form{display:grid;gap:10px;padding:20px;border:1px solid #d9d4c7;border-radius:12px;background:#fff}input{font:inherit;padding:8px 10px;border:1px solid #8b8676;border-radius:8px}</style>
<body><article><h1>Tides at Harbourfell</h1>
<p>Twice a day the sea leaves the harbour of Harbourfell and comes back. Boats that lie at the outer wall float at every tide; those at the inner wall sit in the mud for three hours.</p>
<p id="key">Spring tides come two days after the new and the full moon, and reach 5.2 metres at the outer wall.</p>
<p>Visitors who want to leave with the morning tide should be on board one hour before high water. The harbour master keeps a list of boats and the times they wish to leave.</p>
<p>At neap tides the inner basin keeps enough water for boats of less than one metre draught, and the ferry runs all day.</p></article>
<form><strong>Tell the harbour master</strong><label>Name of your boat <input name="boat"></label><button type="button">Send</button></form></body></html>`;

let provider: ReplayProvider;
let gateway: GatewayProcess;
let site: Site;
let profile: string;
let extension: ExtensionBrowser;
let page: Page;
let panel: Page;

beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true });
  provider = await startReplayProvider();
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  site = await startSite({ "/": ARTICLE });
  profile = await mkdtemp(join(tmpdir(), "chanl-story-"));
  await start();
});

afterAll(async () => {
  await extension?.close();
  await gateway?.stop();
  await provider?.close();
  await site?.close();
  await rm(profile, { recursive: true, force: true });
});

async function start(): Promise<void> {
  extension = await launchExtension({ profile });
  page = extension.context.pages()[0] ?? (await extension.context.newPage());
  await page.goto(site.origin);
}

const says = (text: string, delayMs = 0): Reply => ({ slices: openAiText(text.split(/(?<= )/)), delayMs });

/** The page and the panel beside it, 1280 × 800 as the store wants it. */
const shots: { name: string; page: string; panel: string }[] = [];
async function picture(name: string): Promise<void> {
  const cdp = await panel.context().newCDPSession(panel);
  await cdp.send("Emulation.setDeviceMetricsOverride", { width: 412, height: 800, deviceScaleFactor: 1, mobile: false });
  await panel.waitForTimeout(300);
  const [left, right] = await Promise.all([page.screenshot(), panel.screenshot()]);
  await cdp.send("Emulation.clearDeviceMetricsOverride");
  shots.push({ name, page: left.toString("base64"), panel: right.toString("base64") });
}

test("a person installs it, and nothing has to be set but the server", async () => {
  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  await options.getByLabel("Server address").fill(gateway.origin);
  await options.getByRole("button", { name: "Save", exact: true }).click();
  await options.getByText("Saved.").waitFor();
  await options.close();
});

test("they ask about the page they read", async () => {
  provider.reply(
    says(
      "Harbourfell's harbour **falls dry twice a day**:\n\n- boats at the *outer wall* float at every tide,\n- those at the inner wall sit in the mud for three hours,\n- spring tides reach 5.2 metres, two days after new and full moon.",
    ),
  );
  panel = await openPanel(extension, page);
  await panel.locator(".chip[aria-pressed]").click();
  await until(async () => (await panel.locator(".chip.on").innerText()).includes("characters"), "the page to be read");
  await ask(panel, "What should I know before I sail in?");
  await until(async () => (await answerText(panel)).includes("full moon"), "the answer");
  expect(JSON.stringify(provider.calls.at(-1)!.body)).toContain("Spring tides come two days after");
  await picture("1-ask-about-the-page");
});

test("they select a sentence and ask about it", async () => {
  await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("#key")!));
  await panel.getByRole("button", { name: "Send something else along" }).click();
  await panel.getByRole("menuitem", { name: "The selection" }).click();
  await panel.locator('[data-kind="selection"]').waitFor();
  await picture("2-ask-about-a-selection");
  provider.reply(says("Sun, moon and earth stand in one line then, and both pull the same way."));
  await ask(panel, "Why two days after?");
  await until(async () => (await answerText(panel)).includes("one line"), "the answer");
});

test("they let the agent fill in a field, after seeing which one and with what", async () => {
  provider.reply(
    { slices: openAiCall("fill_field", ['{"name":"Name of your boat",', '"value":"Curlew"}'], "call_boat") },
    says("I wrote *Curlew* into the form. You send it."),
  );
  await ask(panel, "My boat is the Curlew. Put her on the form.");
  await panel.locator(".ask").waitFor();
  await panel.waitForTimeout(600);
  await picture("3-approve-each-step");
  expect(await page.inputValue("[name=boat]")).toBe("");
  await decide(panel, "Allow");
  await until(async () => (await answerText(panel)).includes("You send it"), "the answer");
  expect(await page.inputValue("[name=boat]")).toBe("Curlew");
});

test("they close the panel in mid-answer, open it again, and the answer is whole", async () => {
  const words = Array.from({ length: 80 }, (_, index) => `hour${index}`).join(" ");
  const calls = provider.calls.length;
  provider.reply(says(words, 40));
  await ask(panel, "List the hours.");
  await until(async () => (await answerText(panel)).includes("hour15"), "some of the answer");
  await closePanel(extension, page);
  panel = await openPanel(extension, page);
  await until(async () => (await answerText(panel)) === words, "the whole answer");
  expect(provider.calls.length - calls).toBe(1);
});

test("the next day they find the conversation again", async () => {
  // The night: every stamp is a day older.
  await panel.waitForTimeout(500);
  await closePanel(extension, page);
  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  await options.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open("chanl-chat");
      opening.addEventListener("success", () => resolve(opening.result));
    });
    const store = database.transaction("conversations", "readwrite").objectStore("conversations");
    const entries = await new Promise<{ updatedAt: number }[]>((resolve) => {
      const all = store.getAll();
      all.addEventListener("success", () => resolve(all.result as { updatedAt: number }[]));
    });
    for (const entry of entries) store.put({ ...entry, updatedAt: entry.updatedAt - 86_400_000 });
    database.close();
  });
  await extension.close();
  await start();
  panel = await openPanel(extension, page);
  expect(await panel.locator('[part~="message"]').count()).toBe(0);
  await panel.getByRole("button", { name: "History" }).click();
  await panel.getByRole("searchbox").fill("moon mud");
  await until(async () => (await panel.locator("dialog.history .title").count()) === 1, "the one conversation");
  await picture("4-find-it-again");
  await panel.locator("dialog.history .title").click();
  await until(async () => (await panel.locator('[part~="message-user"]').count()) === 4, "the conversation");
  expect(await panel.locator('[part~="message-user"]').first().textContent()).toContain("What should I know before I sail in?");
});

test("the store's pictures are 1280 × 800", async () => {
  const browser = await launchBrowser();
  try {
    const sheet = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    for (const { name, page: left, panel: right } of shots) {
      await sheet.setContent(
        `<style>body{margin:0;display:flex;background:#dfe3ea}img{height:800px;object-fit:cover;object-position:top}.page{width:860px}.panel{width:412px;margin-left:8px;object-fit:contain;object-position:bottom;background:#fff}</style><img class="page" src="data:image/png;base64,${left}"><img class="panel" src="data:image/png;base64,${right}">`,
      );
      const bytes = await sheet.screenshot();
      expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1280, 800]);
      await writeFile(join(PICTURES, `${name}.png`), bytes);
    }
  } finally {
    await browser.close();
  }
  expect(shots.map(({ name }) => name)).toEqual([
    "1-ask-about-the-page",
    "2-ask-about-a-selection",
    "3-approve-each-step",
    "4-find-it-again",
  ]);
});
