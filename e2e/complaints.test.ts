/**
 * What people complain of in other chats: twenty threads, in their words. `COMPLAINTS` names the tests that do what makes the others
 * fail; those that need no bench, fault proxy, other tab or hostile host are here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { createRandom } from "../shared/testing/random.ts";
import { launchBrowser, until, watchErrors } from "./testing/browser.ts";
import { root as repository, startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

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

const HERE = "e2e/complaints.test.ts";

/** The complaint, and where it is answered: file → titles. */
const COMPLAINTS: Record<string, Record<string, readonly string[]>> = {
  "the scroll is yanked to the bottom while I read": {
    "e2e/scrolling.test.ts": ["follows to the pixel, is let go of by any upward input, stays, and follows again on request"],
  },
  "or it stops following by itself": {
    "e2e/scrolling.test.ts": ["at device scale %s", "a card that opens above the fold does not move the text being read"],
    "widget/controllers/scroll-anchor.browser.test.ts": [
      "follows what grows, to the pixel",
      "follows what gets its height late: a picture, another typeface",
    ],
  },
  "Markdown and code flicker while they stream": {
    [HERE]: ["Markdown flickers while it streams: no mark is ever seen"],
    "shared/render/token-renderer.browser.test.ts": [
      "what is finished keeps its nodes",
      "every prefix of a reply ends in the same elements",
    ],
  },
  "the selection is lost, and nothing can be copied while it streams": {
    [HERE]: ["the selection is lost, and nothing can be copied, while the answer streams or when it ends"],
    "shared/render/token-renderer.browser.test.ts": ["a selection in finished text survives 500 tokens and the end"],
    "shared/render/code-blocks.browser.test.ts": ["the copy button that the pointer is on stays the same"],
  },
  "Stop only hides the output; the server goes on burning tokens": {
    "e2e/page-life.test.ts": ["Stop ends the model call within 300 ms, keeps what came, and a reload does not bring the answer back"],
    "e2e/disconnects.test.ts": ["150 during a tool", "100 behind nginx"],
  },
  "Stop and resume do not compose": {
    "e2e/page-life.test.ts": [
      "Stop ends the model call within 300 ms, keeps what came, and a reload does not bring the answer back",
      "a reload in the middle picks the answer up, with one model call and no word twice",
    ],
  },
  "messages are doubled or merged after a reconnect": {
    [HERE]: ["a reload loses or repeats part of the answer: at 20 random moments"],
    "e2e/cuts.test.ts": ["1,000 cuts at random bytes lose nothing, repeat nothing, and call the model once per answer"],
    "e2e/agents.test.ts": ["cut once at each event boundary, the answer is whole and every tool has run exactly once"],
  },
  "a truncated stream is shown as a complete answer": {
    "e2e/page-life.test.ts": [
      "a body that ends cleanly without its last event is resumed",
      "when resuming fails it is shown as interrupted, and Continue picks it up",
    ],
  },
  "Enter of an input method sends half a word": {
    "widget/controllers/composer.browser.test.ts": [
      "does not send an Enter that an input method is using",
      "does not send in Safari's order: compositionend, then keydown 229",
      "does not send the keydown right after compositionend, but the next one",
    ],
  },
  "one message is sent twice": { [HERE]: ["one message is sent twice: by three presses of Enter, or by a double click"] },
  "the draft is lost, or the input of a send that failed": {
    [HERE]: ["a draft is lost: by a reload, by a crash half a second later, or by a send that fails"],
    "widget/attachments.browser.test.ts": ["comes back with the words when a send fails, and waits with them while an answer runs"],
    "widget/controllers/composer.browser.test.ts": ["keeps the draft of each conversation"],
  },
  "long chats make typing slow": {
    "widget/typing.browser.test.ts": ["a key touches nothing but its field, and one layout shows it"],
    "widget/controllers/composer.browser.test.ts": ["does not touch a message while one types"],
  },
  "fast streams freeze the page": {
    "widget/chanl-chat.browser.test.ts": ["renders at most once per frame and re-creates nothing finished while 2,000 tokens arrive"],
    "shared/render/token-renderer.browser.test.ts": ["at most one write per frame, whatever the rate of the tokens"],
    "e2e/readers.test.ts": ["in a React page, with at most one commit per frame"],
  },
  "in a hidden tab it is stuck, and bursts on return": {
    "e2e/hidden-tab.test.ts": [
      "hidden for ten seconds: it ends while hidden, its title says so, no token is missing, and the first frame on return shows all of it",
    ],
  },
  "the widget's CSS breaks the host, the host's breaks the widget": {
    "e2e/hosts.test.ts": [
      "the host's %s do not reach the widget",
      "nothing on the page lies over it or undoes it",
      "the widget's styles and names do not reach the host",
    ],
  },
  "CSP and Trusted Types block it": {
    "e2e/testing/browser.ts": ["Against the Content Security Policy"],
    "e2e/rendered-safety.test.ts": ["run nothing, load nothing and report nothing %s"],
  },
  "screen readers hear nothing, or every token": {
    "widget/announcements.browser.test.ts": [
      "tokens at %i a second are at most one announcement per 2.5 s and two more, and every word is spoken once",
    ],
  },
  "the phone's keyboard hides the input, and focus zooms": {
    "e2e/layout.test.ts": ["the composer is above it, the log still scrolls, Escape closes, and the page is as it was"],
  },
  "a remount or a move kills the conversation": {
    [HERE]: ["a widget that comes and goes leaves memory behind: 50 times in mid-stream"],
    "widget/life.browser.test.ts": [
      "leaves no listener, frame or connection behind when it is taken away in mid-stream 50 times",
      "goes on where it is put back within the time a router needs, draft and focus too",
      "a copy of it is a chat of its own, and the one it was made from goes on",
      "keeps the focus, unless somebody took it, and the place one reads, when it is moved",
    ],
    "react/use-streaming-chat.browser.test.tsx": ["a StrictMode double mount keeps one session and one stream"],
  },
  "unsafe output: links, HTML, images that tell": {
    "shared/render/xss.browser.test.ts": [
      "our own cases are harmless at every prefix",
      "every payload is harmless at every prefix",
      "an image is requested only after a click",
    ],
    "widget/hostile-parts.browser.test.ts": [
      "makes the same elements, attributes and schemes as harmless words, runs nothing and asks for nothing",
    ],
  },
};

test("each of the twenty complaints has its test, under the title that is written down", () => {
  expect(Object.keys(COMPLAINTS)).toHaveLength(20);
  const missing: string[] = [];
  for (const [complaint, files] of Object.entries(COMPLAINTS))
    for (const [file, titles] of Object.entries(files)) {
      // In this file a title stands in the list too.
      const source = readFileSync(join(repository, file), "utf8").replace(/^const COMPLAINTS[^]*?^};/m, "");
      for (const title of titles) if (!source.includes(title)) missing.push(`${complaint}: ${file} has no “${title}”`);
    }
  expect(missing).toEqual([]);
});

test("a widget that comes and goes leaves memory behind: 50 times in mid-stream", async () => {
  // Long enough to be left in the middle, short enough that the gateway does not find too many at once.
  provider.reply({ slices: openAiText(WORDS), delayMs: 6 });
  const page = await open();
  const cdp = await page.context().newCDPSession(page);
  // Ten at once, each until its answer streams.
  const comeAndGo = (times: number): Promise<void> =>
    page.evaluate(async (rounds) => {
      const one = async (at: number): Promise<void> => {
        const chat = document.createElement("chanl-chat") as HTMLElement & { send(text: string): Promise<unknown> };
        for (const [name, value] of Object.entries({ endpoint: "/api/chat", "agent-id": "docs", storage: "none" }))
          chat.setAttribute(name, value);
        chat.setAttribute("mode", at % 2 === 0 ? "inline" : "floating");
        document.body.append(chat);
        void chat.send("Go on");
        while (!chat.shadowRoot!.querySelector('[part~="content"]')?.textContent) await new Promise((resolve) => setTimeout(resolve, 10));
        chat.remove();
      };
      for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: 10 }, (_, at) => one(at)));
      // A router that moves an element has three seconds to put it back; what it said is forgotten after ten.
      await new Promise((resolve) => setTimeout(resolve, 3_300));
    }, times / 10);
  const measure = async (): Promise<{ bytes: number; listeners: number; nodes: number }> => {
    for (let time = 0; time < 2; time++) await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await cdp.send("Memory.getDOMCounters");
    return { bytes: usedSize, listeners: jsEventListeners, nodes };
  };
  // What is loaded and compiled once is nobody's leak.
  await comeAndGo(10);
  const before = await measure();
  await comeAndGo(50);
  let after = await measure();
  // On a busy machine the last of them is let go of later.
  for (let time = 0; time < 20 && after.listeners > before.listeners; time++) {
    await page.waitForTimeout(500);
    after = await measure();
  }
  expect(after.bytes - before.bytes).toBeLessThan(1_000_000);
  expect(after.listeners - before.listeners).toBeLessThanOrEqual(0);
  expect(after.nodes - before.nodes).toBeLessThanOrEqual(0);
  await page.context().close();
});

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
