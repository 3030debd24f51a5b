/**
 * What people complain of in other chats, in their words: each test does what makes the others fail. What needs a bench, a fault
 * proxy, another tab or a hostile host is beside this file (scrolling, page-life, cuts, hidden-tab, hosts, rendered-safety).
 */
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { createRandom } from "../shared/testing/random.ts";
import { launchBrowser, until, watchErrors } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const WORDS = Array.from({ length: 100 }, (_, index) => `word${index} `);
const ANSWER = WORDS.join("").trim();
const MARKDOWN = `# A heading

The first paragraph has **strong words**, \`code\` and [a link](https://example.com/a/long/path?with=a&query=1).

\`\`\`ts
const answer: number = await ask("a question");
\`\`\`

| left | right |
|------|------:|
| **a** | 1 |
| \`b\` | 2 |

1. one with ~~a mistake~~ *emphasis*
2. two

> quoted **words**

The last paragraph ends here.`;

let provider: ReplayProvider;
let gateway: GatewayProcess;
let browser: Browser;

beforeAll(async () => {
  provider = await startReplayProvider();
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  await provider?.close();
});

beforeEach(() => provider.reply({ slices: openAiText(WORDS), delayMs: 20 }));

async function open(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 900, height: 800 }, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  await page.goto(gateway.origin);
  await input(page).waitFor();
  return page;
}

const input = (page: Page) => page.locator('[part~="input"]').first();
const content = (page: Page) => page.locator('[part~="message-assistant"] [part~="content"]').last();
const ended = (page: Page) => page.locator('[part~="message-assistant"] [part~="metrics"]').last().waitFor({ timeout: 30_000 });

async function ask(page: Page, question = "Say many words"): Promise<void> {
  await input(page).fill(question);
  await input(page).press("Enter");
}

const shown = async (page: Page): Promise<string> => ((await content(page).count()) === 0 ? "" : (await content(page).innerText()).trim());

test("Markdown flickers while it streams: no mark is ever seen", async () => {
  provider.reply({ slices: openAiText(MARKDOWN.match(/[^]{1,2}/g)!), delayMs: 5 });
  const page = await open();
  await page.evaluate(() => {
    const marks = /\*\*|~~|`|\]\(|\|-|^#|^> /m;
    const record = { frames: 0, seen: [] as string[] };
    (globalThis as unknown as { record: typeof record }).record = record;
    const root = document.querySelector("chanl-chat")!.shadowRoot!;
    let before = false;
    const look = (): void => {
      const text = root.querySelector<HTMLElement>('[part~="message-assistant"] [part~="content"]')?.innerText ?? "";
      const now = marks.test(text);
      if (text !== "") record.frames++;
      // One frame is allowed: the second character of a mark may come after the first was shown.
      if (now && before) record.seen.push(text.slice(-60));
      before = now;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await ask(page);
  await ended(page);
  const { frames, seen } = (await page.evaluate("record")) as { frames: number; seen: string[] };
  expect(frames).toBeGreaterThan(30);
  expect(seen).toEqual([]);
  expect(await content(page).locator("table td strong").innerText()).toBe("a");
  await page.context().close();
});

test("the selection is lost, and nothing can be copied, while the answer streams or when it ends", async () => {
  provider.reply({ slices: openAiText(["Words one can select.\n\nGrowing words that settle. ", ...WORDS]), delayMs: 15 });
  const page = await open();
  await ask(page);
  await until(async () => (await shown(page)).includes("word5"), "word5");
  for (const [paragraph, words] of [
    [0, "Words one can select."],
    [1, "Growing words"],
  ] as const) {
    await content(page)
      .locator("p")
      .nth(paragraph)
      .evaluate((element, length) => {
        let node: Node = element;
        while (node.firstChild) node = node.firstChild;
        getSelection()!.setBaseAndExtent(node, 0, node, length);
      }, words.length);
    const from = (await shown(page)).length;
    await until(async () => (await shown(page)).length > from + 100, "more words");
    if (paragraph === 1) await ended(page);
    await page.keyboard.press("Control+C");
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(words);
  }
  await page.context().close();
});

test("one message is sent twice: by three presses of Enter, or by a double click", async () => {
  const page = await open();
  const calls = provider.calls.length;
  await input(page).fill("Once");
  for (let press = 0; press < 3; press++) await page.keyboard.press("Enter");
  await ended(page);
  await input(page).fill("Once more");
  await page.locator('[part~="send-button"]').first().dblclick();
  await until(async () => (await page.locator('[part~="metrics"]').count()) === 2, "the second answer", 30_000);
  expect(provider.calls.length - calls).toBe(2);
  expect(await page.locator('[part~="message-user"]').count()).toBe(2);
  expect(await shown(page)).toBe(ANSWER);
  await page.context().close();
});

test("a draft is lost: by a reload, by a crash half a second later, or by a send that fails", async () => {
  const page = await open();
  const context = page.context();
  // What a new tab is to find after a crash must outlive the old one.
  await context.route(`${gateway.origin}/`, async (route) => {
    const html = await (await route.fetch()).text();
    await route.fulfill({ contentType: "text/html", body: html.replaceAll("<chanl-chat", '<chanl-chat storage="local"') });
  });
  await page.reload();
  await input(page).pressSequentially("half a thou");
  await page.reload();
  await until(async () => (await input(page).inputValue()) === "half a thou", "the draft after a reload");
  await input(page).press("End");
  await input(page).pressSequentially("ght");
  await page.waitForTimeout(500);
  // Nothing runs in a page that is killed so: no pagehide, no unload.
  const cdp = await context.newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  cdp.send("Page.crash").catch(() => undefined);
  await crashed;
  await page.close();
  const again = await context.newPage();
  await again.goto(gateway.origin);
  await until(async () => (await input(again).inputValue()) === "half a thought", "the draft after a crash");

  await again.route("**/api/chat/stream", (route) =>
    route.fulfill({ status: 400, json: { error: { code: "bad_request", message: "No." } } }),
  );
  await input(again).press("Enter");
  await until(async () => (await input(again).inputValue()) === "half a thought", "the text of the failed send");
  await context.close();
});

test("a reload loses or repeats part of the answer: at 20 random moments", { timeout: 120_000 }, async () => {
  const seed = Number(process.env["CHANL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const random = createRandom(seed);
  provider.reply({ slices: openAiText(WORDS), delayMs: 60 });
  const page = await open();
  const errors = watchErrors(page);
  const calls = provider.calls.length;
  for (let round = 0; round < 4; round++) {
    await ask(page);
    for (let reload = 0; reload < 5; reload++) {
      await page.waitForTimeout(random.below(900));
      await page.reload();
      await input(page).waitFor();
    }
    await until(async () => (await page.locator('[part~="metrics"]').count()) === round + 1, `answer ${round}, seed ${seed}`, 30_000);
    expect(await shown(page), `seed ${seed}`).toBe(ANSWER);
    expect(await page.locator('[part~="message-assistant"]').count(), `seed ${seed}`).toBe(round + 1);
    expect(await page.locator('[part~="message-user"]').count(), `seed ${seed}`).toBe(round + 1);
  }
  expect(provider.calls.length - calls, `model calls, seed ${seed}`).toBe(4);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an open page that nobody uses asks the server for things: for a minute, after an answer", { timeout: 90_000 }, async () => {
  const page = await open();
  await ask(page);
  await ended(page);
  // The launcher, the long conversation and the rest of the page have loaded what they load in idle time.
  await page.waitForTimeout(2_000);
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  const cdp = await page.context().newCDPSession(page);
  const over = new Promise((resolve) => cdp.once("Emulation.virtualTimeBudgetExpired", resolve));
  const before = await page.evaluate<number>("performance.now()");
  await cdp.send("Emulation.setVirtualTimePolicy", { policy: "advance", budget: 60_000 });
  await over;
  expect((await page.evaluate<number>("performance.now()")) - before).toBeGreaterThanOrEqual(60_000);
  expect(requests).toEqual([]);
  await page.context().close();
});
