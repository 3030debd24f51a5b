/** An answer that arrives while one looks at another tab: nothing waits for a frame that never comes. */
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { until } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { launchTabs, type TabbedBrowser } from "./testing/tabs.ts";

const WORDS = Array.from({ length: 250 }, (_, index) => `word${index} `);
const ANSWER = WORDS.join("").trim();

let provider: ReplayProvider;
let gateway: GatewayProcess;
let browser: TabbedBrowser;

beforeAll(async () => {
  // About seven seconds per answer.
  provider = await startReplayProvider();
  provider.reply({ slices: openAiText(WORDS), delayMs: 25 });
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  browser = await launchTabs();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  await provider?.close();
});

const CHAT = 'document.querySelector("chanl-chat")';
const SHOWN = `${CHAT}.shadowRoot.querySelector('[part~="message-assistant"] [part~="content"]')?.textContent.trim() ?? ""`;

test("hidden for ten seconds: it ends while hidden, its title says so, no token is missing, and the first frame on return shows all of it", async () => {
  const tab = await browser.open(gateway.origin);
  await until(() => tab.evaluate<boolean>(`Boolean(${CHAT}?.shadowRoot?.querySelector('[part~="input"]'))`), "the widget");
  await tab.evaluate(
    `addEventListener("chanl-message", () => (window.endedHidden = document.hidden)); void ${CHAT}.send("Say many words")`,
  );
  await until(async () => (await tab.evaluate<string>(SHOWN)).includes("word5 "), "the answer to begin");

  const title = await tab.evaluate<string>("document.title");
  expect(title).not.toBe("");
  const other = await browser.open("about:blank");
  const left = Date.now();
  await until(() => tab.evaluate<boolean>("document.hidden"), "the tab to be hidden");
  await tab.evaluate(`requestAnimationFrame(() => (window.shownInFirstFrame = ${SHOWN}))`);
  await until(() => tab.evaluate<boolean>("window.endedHidden === true"), "the answer to end while hidden");
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, 10_000 - (Date.now() - left))));
  expect(await tab.evaluate("[document.hidden, window.shownInFirstFrame]")).toEqual([true, null]);
  const kept = await tab.evaluate<string>(
    `${CHAT}.messages.findLast(({ role }) => role === "assistant").parts.map(({ text = "" }) => text).join("").trim()`,
  );
  expect(kept).toBe(ANSWER);
  expect(await tab.evaluate("document.title")).toBe(`(1) ${title}`);

  await tab.activate();
  await until(() => tab.evaluate<boolean>("window.shownInFirstFrame !== undefined"), "the first frame");
  expect(await tab.evaluate("window.shownInFirstFrame")).toBe(ANSWER);
  expect(await other.evaluate("document.hidden")).toBe(true);
  expect(await tab.evaluate("document.title")).toBe(title);
});
