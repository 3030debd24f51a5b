/** The code of the docs about agents is run here as it stands; only addresses, ports and programs of others are exchanged. A block nobody runs fails. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { freePort } from "../server/testing/free-port.ts";
import { startMcpHttpServer } from "../server/testing/mcp-http-server.ts";
import { openAiCall, openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchBrowser, until } from "./testing/browser.ts";
import { codeBlocks } from "./testing/code-blocks.ts";
import { root, startGateway } from "./testing/gateway-process.ts";

const ADDRESS = "http://127.0.0.1:3000";
const pages = Object.fromEntries(
  ["agents", "tools", "mcp", "approvals", "providers", "security", "server"].map((name) => [name, codeBlocks(`docs/${name}.md`)]),
) as Record<"agents" | "tools" | "mcp" | "approvals" | "providers" | "security" | "server", ReturnType<typeof codeBlocks>>;
/** Inside the repository, so that `chanl-chat/…` is found as its users find it. */
const work = join(root, ".cache", "docs-code");

let provider: ReplayProvider;
let browser: Browser;
const children: ChildProcess[] = [];

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  provider = await startReplayProvider();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await provider?.close();
  for (const child of children) if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
});

/** Runs a program of its own until `use` is done with it. */
async function run(
  command: string,
  args: string[],
  env: Record<string, string>,
  use: (output: () => string) => Promise<void>,
  cwd = root,
): Promise<void> {
  const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, detached: true });
  children.push(child);
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  try {
    await use(() => output);
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid!, "SIGTERM");
      await once(child, "exit");
    }
  }
}

/** A block that makes a server with `createServer` and prints its address. */
async function serverOf(
  name: string,
  code: string,
  env: Record<string, string>,
  use: (origin: string, output: () => string) => Promise<void>,
): Promise<void> {
  const file = join(work, name);
  const port = await freePort();
  writeFileSync(file, code.replaceAll("createServer({", `createServer({ port: ${port}, shutdownMs: 0,`));
  await run(process.execPath, [file], env, async (output) => {
    await until(() => output().includes(`127.0.0.1:${port}`), `the server of ${name}: ${output()}`);
    await use(`http://127.0.0.1:${port}`, output);
  });
}

const ask = async (origin: string, agentId = "docs", headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${origin}/api/chat/stream`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ agentId, messages: [{ role: "user", content: "hello there" }] }),
  });

describe("agents", () => {
  test("the agents file starts a gateway whose agent falls back, and the API makes, changes and deletes another", async () => {
    const tickets = await startMcpHttpServer();
    const file = join(work, "agents.json");
    writeFileSync(file, pages.agents.take("json", '"agents"').replace("https://tickets.example.com/mcp", tickets.url));
    const dataDir = mkdtempSync(join(tmpdir(), "chanl-docs-"));
    const gateway = await startGateway({
      AGENTS_FILE: file,
      TICKETS_KEY: "k",
      ADMIN_KEY: "a-long-admin-key-of-the-docs",
      DATA_DIR: dataDir,
      OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
      PROVIDER_RETRIES: "0",
    });
    const text = await (await ask(gateway.origin, "support")).text();
    expect(text).toContain('"type":"done"');
    expect(tickets.requests[0]?.headers.authorization).toBe("Bearer k");
    const script = pages.agents.take("sh", "api/agents").replaceAll(ADDRESS, gateway.origin);
    const headers = { Authorization: "Bearer a-long-admin-key-of-the-docs" };
    await run("bash", ["-ec", script], { ADMIN_KEY: "a-long-admin-key-of-the-docs" }, async (output) => {
      await until(() => output().includes('"Be very brief."'), "the changed agent");
      expect(output()).toContain('"id":"sales"');
      await until(async () => (await fetch(`${gateway.origin}/api/agents/sales`, { headers })).status === 404, "the deletion");
    });
    await gateway.stop();
    await tickets.close();
    rmSync(dataDir, { recursive: true });
  });
});

describe("tools", () => {
  test("a tool at the server", async () => {
    provider.reply({ slices: openAiCall("order_status", ['{"number":"12"}']) }, { slices: openAiText(["On its way."]) });
    const code = pages.tools
      .take("js", "ToolError")
      .replace("https://api.openai.com/v1", `${provider.url}/v1`)
      .replace("https://shop.example.com", provider.url);
    await serverOf("tool.mjs", code, { OPENAI_API_KEY: "k" }, async (origin) => {
      const text = await (await ask(origin, "shop")).text();
      // The played shop knows no orders.
      expect(text).toContain("There is no such order.");
      expect(text).toContain("On its way.");
    });
  });

  test("a tool in the page", async () => {
    provider.reply({ slices: openAiCall("page_title", ["{}"]) }, { slices: openAiText(["You are on it."]) });
    const gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, MODEL: "openai/m" });
    const page = await browser.newPage();
    await page.goto(gateway.origin);
    const input = page.locator('[part~="input"]').first();
    await input.waitFor();
    await page.evaluate(pages.tools.take("js", "page_title"));
    await input.fill("Where am I?");
    await input.press("Enter");
    await until(
      async () => (await page.locator('[part~="message-assistant"]').last().innerText()).includes("You are on it."),
      "the answer",
    );
    expect(JSON.stringify(provider.calls.at(-1)?.body)).toContain(await page.title());
    await page.close();
    await gateway.stop();
  });
});

test("mcp: the configuration starts, with servers that are there", async () => {
  const remote = await startMcpHttpServer();
  const file = join(work, "mcp.json");
  const code = pages.mcp
    .take("json", "mcpServers")
    .replace("https://mcp.example.com/mcp", remote.url)
    .replace('"npx"', JSON.stringify(process.execPath))
    .replace(/"args": \[[^\]]*\]/, `"args": [${JSON.stringify(join(root, "server", "testing", "mcp-server.mjs"))}]`)
    .replace('"read_file"', '"add"');
  writeFileSync(file, code);
  provider.reply({ slices: openAiCall("files__add", ['{"a":1,"b":2}']) }, { slices: openAiText(["3"]) });
  const gateway = await startGateway({ AGENTS_FILE: file, SEARCH_KEY: "k", OPENAI_BASE_URL: `${provider.url}/v1`, MODEL: "openai/m" });
  expect(await (await ask(gateway.origin, "helper")).text()).toContain('"name":"files__add","result":"3"');
  expect(gateway.output()).not.toContain("problem");
  await gateway.stop();
  await remote.close();
});

test("approvals: the rule asks, the session answers with other arguments, and the tool runs with them", async () => {
  provider.reply({ slices: openAiCall("refund", ['{"order":"48213","amount":89}']) }, { slices: openAiText(["Done."]) });
  const code = pages.approvals
    .take("js", "createServer")
    .replace("createServer({", `createServer({ model: "openai/m", openai: { baseUrl: "${provider.url}/v1" },`);
  const answering = join(work, "answering.mjs");
  await serverOf("approval.mjs", code, {}, async (origin) => {
    writeFileSync(answering, pages.approvals.take("js", "respondToApproval").replace(ADDRESS, origin));
    await run(process.execPath, [answering], {}, (output) =>
      until(() => output().includes("60 paid back for 48213"), `the result: ${output()}`),
    );
  });
});

describe("providers", () => {
  test("another server that speaks Chat Completions", async () => {
    provider.reply({ slices: openAiText(["Hello ", "from ", "llama."]) });
    const port = await freePort();
    const command = pages.providers.take("sh", "OPENAI_BASE_URL").replace("http://localhost:11434", provider.url);
    await run("bash", ["-c", command], { PORT: String(port) }, async (output) => {
      await until(() => output().includes("is ready at"), "npm start", 120_000);
      expect(await (await ask(`http://127.0.0.1:${port}`)).text()).toContain("llama.");
    });
  }, 180_000);

  test("a provider of one's own", async () => {
    await serverOf("parrot.mjs", pages.providers.take("js", "parrot"), {}, async (origin) => {
      expect(await (await ask(origin)).text()).toMatch(/"content":"hello [^]*"content":"there /);
    });
  });
});

test("security: a site's server gets the token, its page asks with it, and nobody else can", async () => {
  const [gatewayPort, sitePort] = [await freePort(), await freePort()];
  const exchange = (code: string): string =>
    code.replaceAll(ADDRESS, `http://127.0.0.1:${gatewayPort}`).replaceAll("http://127.0.0.1:8080", `http://127.0.0.1:${sitePort}`);
  const folder = join(work, "site");
  mkdirSync(join(folder, "public"), { recursive: true });
  writeFileSync(
    join(folder, "public", "index.html"),
    `<!doctype html><title>A shop</title>${exchange(pages.security.take("html", "getToken"))}`,
  );
  writeFileSync(join(folder, "site.mjs"), exchange(pages.security.take("js", "chat-token")).replace("8080", String(sitePort)));
  const secret = "a-secret-of-the-site-of-the-docs";
  const command = exchange(pages.security.take("sh", "SITE_SECRET")).replace("$(openssl rand -hex 32)", secret);
  await run("bash", ["-c", command], { PORT: String(gatewayPort) }, async (output) => {
    await until(() => output().includes("is ready at"), "npm start", 120_000);
    await run(
      process.execPath,
      ["site.mjs"],
      { SITE_SECRET: secret },
      async () => {
        expect((await ask(`http://127.0.0.1:${gatewayPort}`)).status).toBe(401);
        const page = await browser.newPage();
        await until(async () => (await page.goto(`http://127.0.0.1:${sitePort}/`).catch(() => null)) !== null, "the site");
        const input = page.locator('[part~="input"]');
        await input.fill("How do I embed the widget?");
        await input.press("Enter");
        const content = page.locator('[part~="message-assistant"] [part~="content"]').last();
        await until(async () => (await content.innerText().catch(() => "")).includes("chanl-chat"), "the answer", 30_000);
        await page.close();
      },
      folder,
    );
  });
}, 180_000);

describe("server", () => {
  test("npm start and a question by curl", async () => {
    const port = await freePort();
    await run(
      "bash",
      ["-c", pages.server.take("sh", "npm start")],
      { PORT: String(port), ADMIN_KEY: "a-long-admin-key-of-the-docs", DATA_DIR: join(work, "data") },
      async (output) => {
        await until(() => output().includes("is ready at"), "npm start", 120_000);
        const curl = (sign: string): string => pages.server.take("sh", sign).replaceAll(ADDRESS, `http://127.0.0.1:${port}`);
        await run("bash", ["-c", curl("curl -N")], {}, (said) => until(() => said().includes('"type":"done"'), "the answer"));
        await run("bash", ["-c", curl("api/agents")], { ADMIN_KEY: "a-long-admin-key-of-the-docs" }, (said) =>
          until(() => said().includes('"id":"agent_'), "the agent"),
        );
      },
    );
  }, 180_000);

  test("inside one's own Express app, with one's own login", async () => {
    const port = await freePort();
    const file = join(work, "mounted.mjs");
    writeFileSync(file, pages.server.take("js", "createChatRouter").replace("listen(3000)", `listen(${port})`));
    await run(process.execPath, [file], {}, async () => {
      const origin = `http://127.0.0.1:${port}`;
      await until(async () => (await ask(origin).catch(() => null)) !== null, "the app");
      const refused = await ask(origin);
      expect(refused.status).toBe(401);
      expect(await refused.text()).toContain("Sign in first.");
      const mine = await ask(origin, "docs", { Cookie: "user=anna" });
      const id = mine.headers.get("x-stream-id");
      expect(await mine.text()).toContain('"type":"done"');
      expect((await fetch(`${origin}/api/chat/stream/${id}`, { headers: { Cookie: "user=ben" } })).status).toBe(404);
    });
  });
});

test("no block of these pages was left out", () => {
  expect(Object.values(pages).flatMap((page) => page.left())).toEqual([]);
});
