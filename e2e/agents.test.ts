/**
 * One question that uses everything an agent has: a tool of a stdio MCP server, one of an HTTP MCP server, one of the gateway, one of
 * the page, and one that a person has to approve; through each provider's own wire format, with the connection cut at every event.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createServer, type GatewayServer } from "../server/app.ts";
import { callsTurn, dialectOf, resultsIn, textTurn, type PlayedCall, type ProviderDialect } from "../server/testing/dialect-replies.ts";
import { startMcpHttpServer, type McpHttpServer } from "../server/testing/mcp-http-server.ts";
import { startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { ChatSession, ClientTools, createFetchSseTransport, messageText, type ChatMessage } from "../shared/index.ts";
import { launchBrowser, until, watchErrors } from "./testing/browser.ts";
import { startEventCutProxy, type EventCutProxy } from "./testing/event-cut-proxy.ts";
import { root } from "./testing/gateway-process.ts";

const DIALECTS: readonly ProviderDialect[] = ["openai", "openai-responses", "anthropic", "gemini"];
const CALLS: readonly PlayedCall[] = [
  { id: "call_a", name: "local__add", arguments: { a: 2, b: 3 } },
  { id: "call_b", name: "remote__add", arguments: { a: 20, b: 30 } },
  { id: "call_c", name: "stock", arguments: { item: "lamp" } },
  { id: "call_d", name: "page_title", arguments: {} },
  { id: "call_e", name: "refund", arguments: { amount: 89 } },
];
const ANSWER = "5 and 50, 7 lamps, on the shop's page; 89 paid.";

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
    openai: { baseUrl: `${baseUrl}/v1`, apiKey: "k" },
    anthropic: { baseUrl, apiKey: "k", maxTokens: 1000 },
    gemini: { baseUrl, apiKey: "k" },
    shutdownMs: 0,
    coalesceMs: 0,
    mcpServers: {
      local: {
        command: process.execPath,
        args: [join(root, "server", "testing", "mcp-server.mjs")],
        env: { MCP_NOTES: join(folder, "notes") },
        tools: ["add"],
      },
      remote: { url: remote.url, tools: ["add"] },
    },
    tools: [
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
    agents: DIALECTS.map((dialect) => ({
      id: dialect,
      name: dialect,
      instructions: "Help.",
      model: `${dialect}/m`,
      tools: ["stock", "refund"],
      mcpServers: ["local", "remote"],
    })),
  });
  origin = await server.listen();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await remote?.close();
  await provider?.close();
  rmSync(folder, { recursive: true, force: true });
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

  // Every boundary is cut above, by the same session and transport; here a browser's own connections break.
  test("in the widget in Chromium, with four events to a connection and a reload", { timeout: 120_000 }, async () => {
    const proxy = await startEventCutProxy(origin, () => 4, 150);
    const page = await openPage(proxy.origin, dialect);
    const errors = watchErrors(page);
    takeRuns();
    const input = page.locator('[part~="input"]').first();
    await input.fill("Everything, please");
    await input.press("Enter");
    await until(() => page.evaluate("chat.state === 'awaiting-approval'"), "the approval to be asked for", 45_000);
    // A pending approval survives a reload.
    await page.reload();
    await prepare(page, dialect);
    await until(() => page.evaluate("chat.state === 'awaiting-approval'"), "the approval to be asked for again", 45_000);
    await page.getByRole("button", { name: "Allow once" }).click();
    const content = page.locator('[part~="message-assistant"] [part~="content"]').last();
    await until(async () => (await content.innerText()).includes(ANSWER), "the answer", 45_000);
    await until(() => page.evaluate("chat.state === 'idle'"), "the end");
    const states: unknown = await page.evaluate(
      "chat.messages.at(-1).parts.filter(({type}) => type === 'tool_call').map(({name, state}) => [name, state])",
    );
    expect(states).toEqual(ALL_COMPLETE);
    expect(takeRuns()).toEqual(ONCE);
    expect(await page.evaluate("Number(sessionStorage.getItem('runs'))")).toBe(1);
    expect(proxy.cuts()).toBeGreaterThan(CALLS.length);
    // Broken connections are told on the console by the browser itself.
    expect(errors.filter((error) => !/ERR_|Failed to load resource/.test(error))).toEqual([]);
    await page.close();
    await proxy.close();
  });
});

async function openPage(at: string, dialect: ProviderDialect): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
  await page.goto(at);
  await prepare(page, dialect);
  return page;
}

/** The page's tool counts its runs where a reload does not forget them. */
async function prepare(page: Page, dialect: ProviderDialect): Promise<void> {
  await page.locator('chanl-chat [part~="input"]').first().waitFor();
  await page.evaluate(`(() => {
    globalThis.chat = document.querySelector("chanl-chat");
    chat.agentId = "${dialect}";
    chat.tools = { page_title: { description: "Title", parameters: { type: "object" }, run: () => {
      sessionStorage.setItem("runs", String(Number(sessionStorage.getItem("runs")) + 1));
      return document.title;
    } } };
  })()`);
}
