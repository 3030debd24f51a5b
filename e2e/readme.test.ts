/** Every code block of the README is run here as it stands; only addresses and ports are exchanged. A block nobody runs fails. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { freePort } from "../server/testing/free-port.ts";
import { openAiText, startReplayProvider } from "../server/testing/replay-provider.ts";
import { launchBrowser, until } from "./testing/browser.ts";
import { root, startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const README = readFileSync(join(root, "README.md"), "utf8");
const ADDRESS = "http://127.0.0.1:3000";
const work = join(root, ".cache", "readme");

interface Block {
  language: string;
  code: string;
}

const blocks: Block[] = [...README.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}));
const claimed = new Set<Block>();

/** The only block that holds `sign`, or is it when it is an npm command; marked as run. */
function block(language: string, sign: string): string {
  const matches = (code: string): boolean => (sign.startsWith("npm ") ? code.trim() === sign : code.includes(sign));
  const found = blocks.filter((each) => each.language === language && matches(each.code));
  expect(found, `README blocks of ${language} with ${sign}`).toHaveLength(1);
  claimed.add(found[0]!);
  return found[0]!.code;
}

let gateway: GatewayProcess;
let browser: Browser;
const servers: Server[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  gateway = await startGateway();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  for (const server of servers) server.close();
  for (const child of children) child.kill("SIGKILL");
});

/** A site of its own that shows the given page. */
async function site(files: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const body = files[request.url ?? "/"];
    response.writeHead(body === undefined ? 404 : 200, {
      "Content-Type": request.url?.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8",
    });
    response.end(body ?? "");
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function shell(command: string, env: Record<string, string> = {}): Promise<string> {
  const child = spawn("bash", ["-c", command], { cwd: root, env: { ...process.env, ...env } });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const [code] = (await once(child, "exit")) as [number];
  expect(code, output).toBe(0);
  return output;
}

/** Runs a block that starts the server, until `use` is done with it. */
async function serve(command: string, use: (origin: string, output: () => string) => Promise<void>): Promise<void> {
  const port = await freePort();
  // A group of its own: npm, its shell and the server end together.
  const child = spawn("bash", ["-c", command], { cwd: root, env: { ...process.env, PORT: String(port), NO_COLOR: "1" }, detached: true });
  children.push(child);
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  try {
    await until(() => output.includes("is ready at") || child.exitCode !== null, "npm start", 120_000);
    expect(output).toContain(`is ready at http://127.0.0.1:${port}`);
    await use(`http://127.0.0.1:${port}`, () => output);
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid!, "SIGTERM");
      await once(child, "exit");
    }
  }
}

async function askAndRead(page: Page): Promise<string> {
  const input = page.locator('[part~="input"]');
  await input.fill("How do I embed the widget?");
  await input.press("Enter");
  const content = page.locator('[part~="message-assistant"] [part~="content"]').last();
  await page.locator('[part~="message-assistant"] [part~="action"]').first().waitFor({ state: "attached", timeout: 30_000 });
  return content.innerText();
}

describe("start", () => {
  test("npm start serves the page and says where the extension is", { timeout: 180_000 }, async () => {
    await serve(block("sh", "npm start"), async (origin, output) => {
      expect(await (await fetch(origin)).text()).toContain("chanl-chat");
      expect((await fetch(`${origin}/healthz`)).status).toBe(200);
      expect(output()).toMatch(/extension.*dist[\\/]extension/);
    });
  });

  test("npm test is what continuous integration runs, and what is running now", () => {
    expect(block("sh", "npm test").trim()).toBe("npm test");
    expect(readFileSync(join(root, ".ci", "run"), "utf8")).toContain("exec npm test");
  });

  test("with a key the same agents run on a model", { timeout: 180_000 }, async () => {
    await serve(block("sh", "OPENAI_API_KEY"), async (_origin, output) => expect(output()).toMatch(/model\s+openai\//));
    await serve(block("sh", "ANTHROPIC_API_KEY"), async (_origin, output) => expect(output()).toMatch(/model\s+anthropic\//));
  });

  test("with OPENAI_BASE_URL they run on a server of one's own", { timeout: 180_000 }, async () => {
    const provider = await startReplayProvider();
    provider.reply({ slices: openAiText(["Hello ", "from ", "llama."]) });
    const command = block("sh", "OPENAI_BASE_URL").replace("http://127.0.0.1:11434", provider.url);
    await serve(command, async (origin) => {
      const response = await fetch(`${origin}/api/chat/stream`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ agentId: "docs", messages: [{ role: "user", content: "hi" }] }),
      });
      expect(await response.text()).toContain("Hello");
      expect(provider.calls[0]!.body).toMatchObject({ model: "llama3.2" });
      expect(provider.calls[0]!.headers.authorization).toBeUndefined();
    });
    await provider.close();
  });
});

describe("on your page", () => {
  test("the script and the tag, pasted into a page of another origin", async () => {
    const snippet = block("html", "<chanl-chat").replaceAll(ADDRESS, gateway.origin);
    const page = await browser.newPage();
    await page.goto(await site({ "/": `<!doctype html><title>A shop</title><h1>A shop</h1>${snippet}` }));
    await page.locator('[part~="launcher"]').click();
    expect(await askAndRead(page)).toContain("<chanl-chat");
    await page.close();
  });

  test("one tag alone loads the chat when somebody wants it", async () => {
    const snippet = block("html", "embed.js").replaceAll(ADDRESS, gateway.origin);
    const page = await browser.newPage();
    await page.goto(await site({ "/": `<!doctype html><title>A shop</title><h1>A shop</h1>${snippet}` }));
    await page.getByRole("button", { name: "Open chat" }).click();
    expect(await askAndRead(page)).toContain("<chanl-chat");
    await page.close();
  });
});

test("the React component, bundled by Vite from the built package", { timeout: 120_000 }, async () => {
  const source = block("tsx", "useStreamingChat").replaceAll(ADDRESS, gateway.origin);
  writeFileSync(join(work, "chat.tsx"), source);
  writeFileSync(
    join(work, "main.tsx"),
    `import { createRoot } from "react-dom/client";\nimport { Chat } from "./chat.tsx";\ncreateRoot(document.getElementById("root")!).render(<Chat />);\n`,
  );
  await build({
    configFile: false,
    root: work,
    logLevel: "error",
    build: {
      outDir: join(work, "dist"),
      minify: false,
      rolldownOptions: { input: join(work, "main.tsx"), output: { entryFileNames: "main.js", codeSplitting: false } },
    },
  });
  const page = await browser.newPage();
  await page.goto(
    await site({
      "/": `<!doctype html><title>React</title><div id="root"></div><script type="module" src="/main.js"></script>`,
      "/main.js": readFileSync(join(work, "dist", "main.js"), "utf8"),
    }),
  );
  await page.getByRole("button", { name: "Ask" }).click();
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await page.getByRole("button", { name: "Ask" }).waitFor({ timeout: 30_000 });
  expect(await page.locator("p").last().textContent()).toContain("<chanl-chat");
  expect(await page.locator("small").textContent()).toMatch(/^\d+ ms, \d+ tok\/s$/);
  await page.close();
});

describe("from code", () => {
  test("for await", async () => {
    const file = join(work, "client.mjs");
    writeFileSync(file, block("js", "new ChanlClient").replaceAll(ADDRESS, gateway.origin));
    expect(await shell(`node ${JSON.stringify(file)}`)).toMatch(/<chanl-chat[^]*\n[\d.]+ ms to the first token\n$/);
  });

  test("listeners over a WebSocket", async () => {
    const file = join(work, "socket.mjs");
    writeFileSync(file, block("js", "new StreamingChatClient").replaceAll(ADDRESS, gateway.origin));
    expect(await shell(`node ${JSON.stringify(file)}`)).toMatch(/<chanl-chat[^]*\n\d+ tokens\n$/);
  });

  test("curl", async () => {
    const output = await shell(block("sh", "curl -N").replaceAll(ADDRESS, gateway.origin));
    expect(output).toMatch(/^id: 1$/m);
    expect(output).toMatch(/"type":"done"/);
  });

  test("EventSource", async () => {
    const code = block("js", "new EventSource");
    const response = await fetch(`${gateway.origin}/api/chat/stream`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ agentId: "docs", messages: [{ role: "user", content: "How do I embed the widget?" }] }),
    });
    const { streamId } = (await response.json()) as { streamId: string };
    const page = await browser.newPage();
    await page.goto(`${gateway.origin}/healthz`);
    await page.evaluate(`{ const streamId = ${JSON.stringify(streamId)}; var received = [], status = ""; ${code} }`);
    await page.waitForFunction(`status === "ended"`, undefined, { timeout: 30_000 });
    expect(await page.evaluate(`received.at(-1).type`)).toBe("done");
    await page.close();
  });
});

test("no block of the README was left out", () => {
  expect(blocks.filter((each) => !claimed.has(each)).map(({ code }) => code)).toEqual([]);
});

test("no link of the README leads nowhere", () => {
  for (const [, target] of README.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
    expect(() => readFileSync(join(root, target!)), target).not.toThrow();
});
