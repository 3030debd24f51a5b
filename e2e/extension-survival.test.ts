/** An answer survives what happens to a panel, its worker, its browser and its connection: the gateway owns the run. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchExtension, until, type ExtensionBrowser } from "./testing/browser.ts";
import { startFaultProxy, type FaultProxy } from "./testing/fault-proxy.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { answerText, ask, closePanel, openPanel } from "./testing/panel.ts";

const WORDS = Array.from({ length: 120 }, (_, index) => `word${index} `);
const ANSWER = WORDS.join("").trim();

let provider: ReplayProvider;
let gateway: GatewayProcess;
let counter: ReaderCount;
let network: FaultProxy;
let profile: string;
let extension: ExtensionBrowser;
let page: Page;

beforeAll(async () => {
  provider = await startReplayProvider();
  gateway = await startGateway({
    OPENAI_BASE_URL: `${provider.url}/v1`,
    OPENAI_API_KEY: "test",
    MODEL: "openai/replay",
    HEARTBEAT_MS: "300",
  });
  counter = await startReaderCount(gateway.origin);
  network = await startFaultProxy(counter.origin, () => null);
  profile = await mkdtemp(join(tmpdir(), "chanl-survival-"));
  await launch();
  await extension.worker.evaluate((server) => chrome.storage.sync.set({ server }), network.origin);
});

beforeEach(() => provider.reply({ slices: openAiText(WORDS), delayMs: 30 }));

afterAll(async () => {
  await extension?.close();
  await network?.close();
  counter?.close();
  await gateway?.stop();
  await provider?.close();
  await rm(profile, { recursive: true, force: true });
});

interface ReaderCount {
  origin: string;
  /** Streams that are being read now. */
  readers: () => number;
  /** Method and path of everything but what Chrome asks by itself, in order. */
  requests: () => readonly string[];
  close: () => void;
}

/** Between the panel and the gateway: lets everything through and counts who reads. */
async function startReaderCount(target: string): Promise<ReaderCount> {
  let readers = 0;
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", headers, url = "/" } = incoming;
    if (method !== "OPTIONS") requests.push(`${method} ${url}`);
    const upstream = request(target + url, { method, headers: { ...headers, host: new URL(target).host } }, (answer) => {
      const isStream = answer.headers["content-type"]?.startsWith("text/event-stream") ?? false;
      if (isStream) readers++;
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      outgoing.once("close", () => {
        if (isStream) readers--;
        answer.destroy();
      });
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    readers: () => readers,
    requests: () => requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function launch(): Promise<void> {
  extension = await launchExtension({ profile });
  page = extension.context.pages()[0] ?? (await extension.context.newPage());
  await page.goto(`${gateway.origin}/react.html`);
}

const untilWord = (panel: Page, index: number): Promise<void> =>
  until(async () => (await answerText(panel)).includes(`word${index} `), `word${index}`);

const whole = (panel: Page): Promise<void> => until(async () => (await answerText(panel)) === ANSWER, "the whole answer", 30_000);

async function fresh(): Promise<Page> {
  const panel = await openPanel(extension, page);
  await panel.getByRole("button", { name: "New conversation" }).click();
  return panel;
}

test("the worker is stopped and every connection is reset in mid-answer: one model call, every word once", async () => {
  const calls = provider.calls.length;
  const panel = await fresh();
  await ask(panel, "Say many words");
  await untilWord(panel, 20);
  const options = await extension.context.newPage();
  await options.goto(`chrome-extension://${extension.id}/options/index.html`);
  const cdp = await extension.context.newCDPSession(options);
  await cdp.send("ServiceWorker.enable");
  await cdp.send("ServiceWorker.stopAllWorkers");
  await options.close();
  network.cutAll();
  await untilWord(panel, 60);
  network.cutAll();
  await whole(panel);
  expect(provider.calls.length - calls).toBe(1);
  await closePanel(extension, page);
});

test("the browser is closed and started again in mid-answer: the conversation comes back and goes on", async () => {
  const calls = provider.calls.length;
  const panel = await fresh();
  await ask(panel, "Say them again");
  await untilWord(panel, 30);
  // What is on the disk is at most a second old.
  await panel.waitForTimeout(1_200);
  await extension.close();
  await launch();
  const again = await openPanel(extension, page);
  await whole(again);
  expect(await again.locator('[part~="message-user"]').innerText()).toContain("Say them again");
  expect(provider.calls.length - calls).toBe(1);
  await closePanel(extension, page);
});

test("Stop in a panel that was opened again ends the model call, and another opening does not bring the answer back", async () => {
  let panel = await fresh();
  await ask(panel, "Say many words once more");
  await untilWord(panel, 10);
  await closePanel(extension, page);
  panel = await openPanel(extension, page);
  await untilWord(panel, 15);
  await panel.waitForTimeout(450);
  const asked = counter.requests().length;
  await panel.locator('[part~="send-button"]').click();
  await until(() => provider.calls.at(-1)!.aborted, "the provider to see the abort");
  // One request does it, and nothing is asked before it. How long it takes is measured by `npm run bench:panel`.
  expect(counter.requests().slice(asked)).toEqual([expect.stringMatching(/^(POST|DELETE) .*cancel/)]);
  const text = await answerText(panel);
  await closePanel(extension, page);
  panel = await openPanel(extension, page);
  await panel.waitForTimeout(500);
  expect(await answerText(panel)).toBe(text);
  await closePanel(extension, page);
});

test("a model that is silent for many heartbeats ends nothing, and a panel that was closed and opened 20 times is one reader", async () => {
  // Heartbeats come every 300 ms, so these openings take dozens of them; 90 s at the real pace are in `npm run bench:panel`.
  let say = (): void => undefined;
  const silent = new Promise<void>((resolve) => (say = resolve));
  async function* slowly(): AsyncGenerator<string> {
    const [first, ...rest] = openAiText(["Begin. ", "End."]);
    yield first! + rest.shift()!;
    await silent;
    yield* rest;
  }
  provider.reply(() => ({ slices: slowly() }));
  let panel = await fresh();
  await ask(panel, "Take your time");
  await until(async () => (await answerText(panel)).startsWith("Begin."), "the first word");
  for (let round = 0; round < 20; round++) {
    await extension.clickAction(page);
    await until(async () => !(await extension.panelIsOpen()), "the panel to close");
    await extension.knowsWhatIsOpen();
    await extension.clickAction(page);
    await until(() => extension.panelIsOpen(), "the panel to open");
    await extension.knowsWhatIsOpen();
  }
  panel = await extension.panel();
  await until(() => counter.readers() === 1, "one reader");
  say();
  await until(async () => (await answerText(panel)) === "Begin. End.", "the end", 20_000);
  expect(provider.calls.at(-1)!.aborted).toBe(false);
  await closePanel(extension, page);
});
