/**
 * One question that uses everything an agent has: a tool of a stdio MCP server, one of an HTTP MCP server, one of the gateway, one of
 * the page, and one that a person has to approve; through each provider's own wire format, with the connection cut at every event, in
 * Node and in the widget, and with the page reloaded at every event.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createServer, type GatewayServer } from "../server/app.ts";
import { callsTurn, dialectOf, resultsIn, textTurn, type PlayedCall, type ProviderDialect } from "../server/testing/dialect-replies.ts";
import { startMcpHttpServer, type McpHttpServer } from "../server/testing/mcp-http-server.ts";
import { watchSocket } from "../server/testing/key-watch.mjs";
import { startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { ChatSession, ClientTools, createFetchSseTransport, messageText, type ChatMessage } from "../shared/index.ts";
import { launchBrowser, until, watchErrors } from "./testing/browser.ts";
import { startEventCutProxy, type EventCutProxy } from "./testing/event-cut-proxy.ts";
import { root } from "./testing/gateway-process.ts";

const MODELS: Record<ProviderDialect, string> = {
  openai: "openai/m",
  "openai-responses": "openai-responses/m",
  anthropic: "anthropic/m",
  gemini: "gemini/m",
  compatible: "openai/llama3.2",
};
const DIALECTS = Object.keys(MODELS) as ProviderDialect[];
const CALLS: readonly PlayedCall[] = [
  { id: "call_a", name: "local__add", arguments: { a: 2, b: 3 } },
  { id: "call_b", name: "remote__add", arguments: { a: 20, b: 30 } },
  { id: "call_c", name: "stock", arguments: { item: "lamp" } },
  { id: "call_d", name: "page_title", arguments: {} },
  { id: "call_e", name: "refund", arguments: { amount: 89 } },
];
const UNLUCKY: readonly PlayedCall[] = [
  ...["hang", "crash", "huge"].map((name) => ({ id: name, name, arguments: {} })),
  { id: "misfit", name: "stock", arguments: { thing: "lamp" } },
  { id: "invented", name: "invented", arguments: {} },
  { id: "fail", name: "local__fail", arguments: {} },
  { id: "exit", name: "local__exit", arguments: {} },
];
const ANSWER = "5 and 50, 7 lamps, on the shop's page; 89 paid.";

/** Every provider is asked with it; no byte to a client may hold it. */
const KEY = "canary-key-of-the-agents";
const leaks: string[] = [];

let provider: ReplayProvider;
let remote: McpHttpServer;
let server: GatewayServer;
let origin: string;
let browser: Browser;
let folder: string;
/** What ran at the gateway, in the order it ran. */
const ran: string[] = [];
const runsOfLocal = (): string[] =>
  readFileSync(join(folder, "notes"), "utf8")
    .split("\n")
    .filter((note) => note === "add");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "chanl-agents-e2e-"));
  writeFileSync(join(folder, "notes"), "");
  provider = await startReplayProvider();
  provider.reply((call) => {
    const { model } = call.body as { model?: string };
    if (model === "endless") return { slices: callsTurn("openai", [{ id: "again", name: "stock", arguments: { item: "lamp" } }]) };
    if (model === "slow") {
      // Long enough for a reload on a busy machine; it is stopped.
      return { slices: callsTurn("openai", [{ id: "slow", name: "local__slow", arguments: { ms: 6000 } }]) };
    }
    if (model === "unlucky")
      return { slices: resultsIn(call) === UNLUCKY.length ? textTurn("openai", ["Sorry, ", "all failed."]) : callsTurn("openai", UNLUCKY) };
    const dialect = dialectOf(call);
    // The second turn only comes with every result of the first.
    const tokens = ANSWER.match(/\S+\s*/g) ?? [];
    return { slices: resultsIn(call) === CALLS.length ? textTurn(dialect, tokens) : callsTurn(dialect, CALLS), delayMs: 2 };
  });
  remote = await startMcpHttpServer();
  const baseUrl = provider.url;
  server = createServer({
    port: 0,
    publicDir: join(root, "dist"),
    openai: { baseUrl: `${baseUrl}/v1`, apiKey: KEY },
    anthropic: { baseUrl, apiKey: KEY, maxTokens: 1000 },
    gemini: { baseUrl, apiKey: KEY },
    shutdownMs: 0,
    coalesceMs: 0,
    mcpServers: {
      local: {
        command: process.execPath,
        args: [join(root, "server", "testing", "mcp-server.mjs")],
        env: { MCP_NOTES: join(folder, "notes") },
        tools: ["add", "fail", "exit", "slow"],
      },
      remote: { url: remote.url, tools: ["add"] },
      gone: { url: "http://127.0.0.1:9/" },
    },
    tools: [
      { name: "hang", description: "Hangs", parameters: {}, timeoutMs: 200, run: () => new Promise(() => undefined) },
      { name: "crash", description: "Throws", parameters: {}, run: () => Promise.reject(new Error("password is 1234")) },
      { name: "huge", description: "10 MB", parameters: {}, run: () => ({ result: "x".repeat(10_000_000) }) },
      {
        name: "stock",
        description: "Stock",
        parameters: { type: "object", required: ["item"] },
        run: () => (ran.push("stock"), { result: 7 }),
      },
      {
        name: "refund",
        description: "Refund",
        parameters: { type: "object", properties: { amount: { type: "number" } } },
        needsApproval: (input) => (input as { amount: number }).amount > 50,
        run: () => (ran.push("refund"), { result: "paid" }),
      },
    ],
    agents: [
      ...DIALECTS.map((dialect) => ({
        id: dialect,
        name: dialect,
        instructions: "Help.",
        model: MODELS[dialect],
        tools: ["stock", "refund"],
        mcpServers: ["local", "remote"],
      })),
      {
        id: "unlucky",
        name: "Unlucky",
        instructions: "",
        model: "openai/unlucky",
        tools: ["hang", "crash", "huge", "stock"],
        mcpServers: ["local", "gone"],
      },
      { id: "slow", name: "Slow", instructions: "", model: "openai/slow", tools: [], mcpServers: ["local"] },
      { id: "endless", name: "Endless", instructions: "", model: "openai/endless", tools: ["stock"], limits: { maxSteps: 3 } },
    ],
  });
  server.server.prependListener("connection", (socket: Socket) => watchSocket(socket, { KEY }, (name) => leaks.push(name)));
  origin = await server.listen();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await remote?.close();
  await provider?.close();
  rmSync(folder, { recursive: true, force: true });
  expect(leaks).toEqual([]);
});

/** Runs of each tool since the last look. */
function takeRuns(): Record<string, number> {
  const counts = { local: runsOfLocal().length - taken.local, remote: remote.runs.length - taken.remote };
  taken.local += counts.local;
  taken.remote += counts.remote;
  const own = ran.splice(0);
  return { ...counts, stock: own.filter((name) => name === "stock").length, refund: own.filter((name) => name === "refund").length };
}
const taken = { local: 0, remote: 0 };
const ONCE = { local: 1, remote: 1, stock: 1, refund: 1 };

const toolsOf = (message: ChatMessage): [string, string][] =>
  message.parts.flatMap((part) => (part.type === "tool_call" ? [[part.name, part.state] as [string, string]] : []));
const ALL_COMPLETE = CALLS.map(({ name }) => [name, "complete"]);

/** Asks through a proxy with a session as the widget has it, and approves when it is asked. */
async function askThrough(
  proxy: EventCutProxy,
  dialect: ProviderDialect,
): Promise<{ message: ChatMessage; clientRuns: number; asked: number }> {
  let clientRuns = 0;
  let asked = 0;
  const transport = createFetchSseTransport({ endpoint: `${proxy.origin}/api/chat`, retry: { baseMs: 1, maxMs: 5, maxAttempts: 20 } });
  const session = new ChatSession({
    transport,
    agentId: dialect,
    tools: new ClientTools({ page_title: { description: "Title", parameters: { type: "object" }, run: () => (clientRuns++, "Shop") } }),
  });
  session.subscribe(() => {
    if (session.getSnapshot().state !== "awaiting-approval" || asked > 0) return;
    asked++;
    void session.respondToApproval("call_e", { approved: true }).catch(() => undefined);
    const waiting = session
      .getSnapshot()
      .messages.at(-1)
      ?.parts.find((part) => part.type === "tool_call" && part.state === "needs-approval");
    // Gemini gives its calls no ids; they get one of ours.
    if (waiting?.type === "tool_call" && waiting.id !== "call_e") void session.respondToApproval(waiting.id, { approved: true });
  });
  const message = await session.send("Everything, please");
  session.dispose();
  if (!message) throw new Error("no answer");
  return { message, clientRuns, asked };
}

describe.each(DIALECTS)("%s", (dialect) => {
  test("cut once at each event boundary, the answer is whole and every tool has run exactly once", { timeout: 60_000 }, async () => {
    let cutAfter: number | null = null;
    let isCut = false;
    const proxy = await startEventCutProxy(origin, () => {
      if (isCut) return null;
      isCut = true;
      return cutAfter;
    });
    takeRuns();
    const uncut = await askThrough(proxy, dialect);
    expect(messageText(uncut.message)).toBe(ANSWER);
    expect(toolsOf(uncut.message)).toEqual(ALL_COMPLETE);
    expect(takeRuns()).toEqual(ONCE);
    let boundaries = 0;
    for (cutAfter = 0; ; cutAfter++) {
      isCut = false;
      const before = proxy.cuts();
      const { message, clientRuns } = await askThrough(proxy, dialect);
      expect(messageText(message), `cut after event ${cutAfter}`).toBe(ANSWER);
      expect(toolsOf(message), `cut after event ${cutAfter}`).toEqual(ALL_COMPLETE);
      expect({ ...takeRuns(), clientRuns }, `cut after event ${cutAfter}`).toEqual({ ...ONCE, clientRuns: 1 });
      if (proxy.cuts() === before) break;
      boundaries++;
    }
    expect(boundaries).toBeGreaterThan(CALLS.length * 2);
    await proxy.close();
  });

  test(
    "in the widget in Chromium, with one event to a connection: resumed at each boundary, every tool once",
    { timeout: 60_000 },
    async () => {
      const proxy = await startEventCutProxy(origin, () => 1, 30);
      const page = await openPage(proxy.origin, dialect);
      const errors = watchErrors(page);
      const resumes = watchResumes(page);
      takeRuns();
      await ask(page);
      await allow(page);
      await expectWhole(page);
      expect(takeRuns()).toEqual(ONCE);
      expect(await runsInPage(page)).toBe(1);
      const last = await lastSeqOf(page);
      expect(resumes()).toEqual(numbersTo(last - 1));
      expect(last).toBeGreaterThan(CALLS.length * 4);
      // Broken connections are told on the console by the browser itself.
      expect(errors.filter((error) => !/ERR_|Failed to load resource/.test(error))).toEqual([]);
      await page.close();
      await proxy.close();
    },
  );
});

test(
  "in the widget in Chromium, reloaded after each event: every tool once, and the pending approval still there",
  { timeout: 60_000 },
  async () => {
    // A connection says one event and then nothing, so that the page goes away between this one and the next.
    const proxy = await startEventCutProxy(origin, () => 1, null);
    const page = await openPage(proxy.origin, "compatible");
    const resumes = watchResumes(page);
    takeRuns();
    await ask(page);
    let allowed = 0;
    for (let held = 0; (await stateOf(page)) !== "idle";) {
      await until(async () => proxy.cuts() > held || (await stateOf(page)) !== "streaming", "the next event");
      if ((await stateOf(page)) === "awaiting-approval" && allowed < 2) {
        // It is asked for again in each new page, and answered in the second.
        if (allowed++ === 1) await allow(page);
      }
      held = proxy.cuts();
      await page.evaluate("new Promise((resolve) => setTimeout(resolve, 20))");
      await page.reload();
      await isReady(page);
    }
    await expectWhole(page);
    expect(takeRuns()).toEqual(ONCE);
    expect(await runsInPage(page)).toBe(1);
    expect(resumes()).toEqual(numbersTo((await lastSeqOf(page)) - 1));
    await page.close();
    await proxy.close();
  },
);

test(
  "tools that hang, throw, return 10 MB, get wrong arguments or fail elsewhere are failed cards, and the answer goes on",
  { timeout: 60_000 },
  async () => {
    const page = await openPage(origin, "unlucky");
    const errors = watchErrors(page);
    await ask(page);
    await until(async () => (await answerOf(page)).includes("Sorry, all failed."), "the answer", 30_000);
    expect(await cardsOf(page)).toEqual([
      ["Hang", "Failed", "No result within 1 s."],
      ["Crash", "Failed", "The tool failed."],
      ["Huge", "Failed", "The result is larger than 64 KB and was left out."],
      ["Stock", "Failed", "The arguments do not fit the tool: they must have required property 'item'. The call was not run."],
      ["Invented", "Failed", "There is no tool named invented."],
      ["Local fail", "Failed", "The disk is full."],
      ["Local exit", "Failed", "The MCP server local stopped during the call."],
    ]);
    expect(ran.splice(0)).toEqual([]);
    // What the model read is as short, and it was told which server is missing.
    const body = JSON.stringify(provider.calls.at(-1)?.body);
    expect(body.length).toBeLessThan(10_000);
    expect(body).toContain("The tools of gone cannot be reached right now.");
    expect(body).not.toContain("1234");
    expect(await page.locator('[part~="banner"]').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.close();
  },
);

test(
  "the progress of a tool of an MCP server is drawn in its card, also after a reload, until it is stopped",
  { timeout: 60_000 },
  async () => {
    const page = await openPage(origin, "slow");
    await ask(page);
    const card = page.locator('[part~="tool-running"]');
    const seen = async (): Promise<void> => {
      await card.getByText(/part [1-4]/).waitFor();
      expect(Number(await card.locator("progress").getAttribute("value"))).toBeGreaterThan(0);
    };
    await seen();
    await page.reload();
    await seen();
    await page.evaluate("chat.stop()");
    await page.locator('[part~="tool-cancelled"]').waitFor();
    expect(await page.locator("progress").count()).toBe(0);
    await page.close();
  },
);

test("a model that never stops calling is stopped at the limit, and the last card says so", { timeout: 60_000 }, async () => {
  const page = await openPage(origin, "endless");
  const before = provider.calls.length;
  await ask(page);
  await until(async () => (await cardsOf(page)).some(([, state]) => state === "Failed"), "the end");
  await until(async () => (await stateOf(page)) === "idle", "the end");
  expect((await cardsOf(page)).at(-1)).toEqual(["Stock", "Failed", "Not run: the limit of 3 model turns is reached."]);
  expect(provider.calls.length - before).toBe(3);
  expect(ran.splice(0)).toEqual(["stock", "stock"]);
  await page.close();
});

/**
 * A page of a shop with the widget in it. Its tool is there before the element is, as on a real page, and counts its runs where a
 * reload does not forget them. Whenever a connection is to be made again, the browser says that it is online: so a reconnect does not
 * wait for its backoff.
 */
async function openPage(at: string, agentId: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
  const body = `<!doctype html><html lang="en"><title>Shop</title>
    <chanl-chat endpoint="/api/chat" agent-id="${agentId}"></chanl-chat>
    <script>
      const chat = document.querySelector("chanl-chat");
      chat.tools = { page_title: { description: "Title", parameters: { type: "object" }, run: () => {
        sessionStorage.setItem("runs", String(Number(sessionStorage.getItem("runs")) + 1));
        return document.title;
      } } };
      setInterval(() => dispatchEvent(new Event("online")), 10);
    </script>
    <script type="module" src="/chanl-chat.js"></script>`;
  await page.route("**/shop", (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(`${at}/shop`);
  await isReady(page);
  return page;
}

const isReady = (page: Page): Promise<void> => page.locator('[part~="input"]').first().waitFor();
const stateOf = (page: Page): Promise<string> => page.evaluate("chat.state");
const runsInPage = async (page: Page): Promise<number> => Number(await page.evaluate("sessionStorage.getItem('runs')"));
const answerOf = async (page: Page): Promise<string> => (await page.locator('[part~="message-assistant"]').last().innerText()).trim();
const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

async function ask(page: Page): Promise<void> {
  const input = page.locator('[part~="input"]').first();
  await input.fill("Everything, please");
  await input.press("Enter");
}

async function allow(page: Page): Promise<void> {
  const answered = page.waitForResponse((response) => response.url().endsWith("/approvals"));
  await page.getByRole("button", { name: "Allow once" }).click({ timeout: 30_000 });
  // A page that goes away before would take the decision along.
  await answered;
}

async function expectWhole(page: Page): Promise<void> {
  await until(async () => (await answerOf(page)).includes(ANSWER), "the answer", 30_000);
  await until(async () => (await stateOf(page)) === "idle", "the end");
  expect(
    await page.evaluate("chat.messages.at(-1).parts.filter(({type}) => type === 'tool_call').map(({name, state}) => [name, state])"),
  ).toEqual(ALL_COMPLETE);
}

/** The events a page resumed after, each once, in order. Where the connection breaks before the first was read, there is none yet. */
function watchResumes(page: Page): () => number[] {
  const cursors = new Set<number>();
  page.on("request", (request) => {
    const lastSeq = new URL(request.url()).searchParams.get("lastSeq");
    if (Number(lastSeq) > 0) cursors.add(Number(lastSeq));
  });
  return () => [...cursors].toSorted((a, b) => a - b);
}

/** How many events the last answer's stream has. */
async function lastSeqOf(page: Page): Promise<number> {
  const id: string = await page.evaluate("chat.messages.at(-1).streamId");
  const text = await (await fetch(`${origin}/api/chat/stream/${id}`)).text();
  return (text.match(/^id: /gm) ?? []).length;
}

/** What each tool's card says: its name, how it ended, and why. */
async function cardsOf(page: Page): Promise<string[][]> {
  const cards = page.locator('[part~="message-assistant"]').last().locator('[part~="tool"]');
  const said: string[][] = [];
  for (const card of await cards.all()) {
    const texts = [card.locator(".nm"), card.locator(".stt"), card.locator(".why")].map((each) => each.first());
    said.push(await Promise.all(texts.map(async (each) => ((await each.count()) > 0 ? (await each.innerText()).trim() : ""))));
  }
  return said;
}
