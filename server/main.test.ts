/** The program itself: built, started, asked, stopped by a signal. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { build } from "vite";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { packageRoot } from "./package-root.ts";
import { startReplayProvider } from "./testing/replay-provider.ts";
import { eventually, parseSse, postChat, readAll, textOf, userSays } from "./testing/stream-client.ts";

// Inside the repository, so that the built file finds its packages and this one's root.
const folder = join(packageRoot(), ".cache", `main-test-${process.pid}`);

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    root: packageRoot(),
    build: { ssr: join(packageRoot(), "server", "main.ts"), outDir: folder, target: "node20", emptyOutDir: true },
  });
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Program {
  process: ChildProcess;
  output: () => string;
  errors: () => string;
}

function start(environment: Record<string, string>): Program {
  const keyWatch = pathToFileURL(join(packageRoot(), "server", "testing", "key-watch.mjs")).href;
  const child = spawn(process.execPath, ["--import", keyWatch, join(folder, "main.js")], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
    expect(output).not.toContain("KEY LEAK");
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (bytes) => (output += String(bytes)));
  child.stderr.on("data", (bytes) => (errors += String(bytes)));
  return { process: child, output: () => output, errors: () => errors };
}

async function ready(program: Program): Promise<string> {
  await eventually(() => program.output().includes("ready at"), `the start: ${program.errors()}`, 10_000);
  return /ready at (\S+)/.exec(program.output())?.[1] ?? "";
}

test("it says where it is and which model is in force, answers, and ends with 0 at SIGTERM", { timeout: 30_000 }, async () => {
  const program = start({ PORT: "0", DOCS_GUIDE_TOKENS_PER_SECOND: "0", DOCS_GUIDE_FRAGMENT_MS: "0" });
  const url = await ready(program);
  expect(program.output()).toContain("model      docs-guide");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(textOf(await readAll(await postChat(url, userSays("How do I embed the widget?"))))).toContain("chanl-chat.js");
  const asked = performance.now();
  program.process.kill("SIGTERM");
  const [code] = (await once(program.process, "exit")) as [number];
  expect(code).toBe(0);
  expect(performance.now() - asked).toBeLessThan(2000);
});

test(
  "at SIGTERM a running answer may end by itself, and one that does not is told that the gateway goes away",
  { timeout: 30_000 },
  async () => {
    const provider = await startReplayProvider();
    onTestFinished(() => provider.close());
    provider.reply({ slices: [], ending: "hang" });
    const program = start({ PORT: "0", OPENAI_BASE_URL: provider.url, MODEL: "openai/m", SHUTDOWN_MS: "300" });
    const url = await ready(program);
    const response = await postChat(url, userSays("hi"));
    const reading = response.text();
    await eventually(() => provider.calls.length === 1, "the call");
    program.process.kill("SIGTERM");
    expect(parseSse(await reading).at(-1)).toMatchObject({ type: "cancelled", reason: "shutdown" });
    const [code] = (await once(program.process, "exit")) as [number];
    expect(code).toBe(0);
    await eventually(() => provider.calls[0]?.aborted === true, "the abort");
  },
);

test.each([
  [{ PORT: "no" }, "PORT must be a whole number"],
  [{ DOCS_DIR: "/does/not/exist" }, "DOCS_DIR /does/not/exist cannot be read"],
  [{ ALLOWED_ORIGINS: "example.com" }, "ALLOWED_ORIGINS"],
])("with %j it does not start and names the variable", async (environment, message) => {
  const program = start({ PORT: "0", ...environment });
  const [code] = (await once(program.process, "exit")) as [number];
  expect(code).toBe(1);
  expect(program.errors()).toContain(message);
});

test("a port that is taken is named", async () => {
  const first = start({ PORT: "0" });
  const { port } = new URL(await ready(first));
  const second = start({ PORT: port });
  const [code] = (await once(second.process, "exit")) as [number];
  expect(code).toBe(1);
  expect(second.errors()).toContain(`PORT ${port} is taken`);
});

test("agents of AGENTS_FILE answer; an MCP server that does not start is told by its name", { timeout: 30_000 }, async () => {
  const path = join(folder, "agents.json");
  const agents = [{ id: "from-file", name: "F", model: "docs-guide" }];
  await writeFile(path, JSON.stringify({ agents, mcpServers: { tickets: { command: "no-such-program-of-chanl" } } }));
  const program = start({ PORT: "0", AGENTS_FILE: path, DOCS_GUIDE_TOKENS_PER_SECOND: "0", DOCS_GUIDE_FRAGMENT_MS: "0" });
  const url = await ready(program);
  const asked = { ...userSays("How do I embed the widget?"), agentId: "from-file" };
  expect(textOf(await readAll(await postChat(url, asked)))).toContain("chanl-chat.js");
  const words = "The MCP server tickets cannot be started: there is no program no-such-program-of-chanl.";
  await eventually(() => program.output().includes(words), "the problem", 10_000);
});

test("an agents file that names what there is not stops the start with each name", { timeout: 30_000 }, async () => {
  const path = join(folder, "wrong-agents.json");
  const agents = [{ id: "a", name: "A", tools: ["nuke"], mcpServers: ["none"], model: "openai/x" }];
  await writeFile(path, JSON.stringify({ agents }));
  const program = start({ PORT: "0", AGENTS_FILE: path });
  const [code] = (await once(program.process, "exit")) as [number];
  expect(code).toBe(1);
  expect(program.errors()).toContain("agent a: there is no tool nuke; known are search_docs");
  expect(program.errors()).toContain("agent a: there is no MCP server none");
  expect(program.errors()).toContain("agent a: model openai/x: This agent's model needs a key: set OPENAI_API_KEY");
});

test("on an address that other machines reach it starts only with a way to tell callers apart", { timeout: 30_000 }, async () => {
  const program = start({ PORT: "0", HOST: "0.0.0.0" });
  const [code] = (await once(program.process, "exit")) as [number];
  expect(code).toBe(1);
  expect(program.errors()).toBe(
    "chanl-chat cannot start:\nHOST 0.0.0.0 can be reached from other machines: set SITE_SECRET, so that pages need a session token, or ALLOW_ANONYMOUS=true to let everybody in.\n",
  );
  const open = start({ PORT: "0", HOST: "0.0.0.0", SITE_SECRET: "the-secret-of-the-test-site" });
  expect((await postChat(await ready(open), userSays("hi"))).status).toBe(401);
});

test("a key that its provider refuses is told at the start by its name, without its value", { timeout: 30_000 }, async () => {
  const provider = createServer((_request, response) => response.writeHead(401).end());
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
  onTestFinished(() => void provider.close());
  const host = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const program = start({ PORT: "0", ANTHROPIC_BASE_URL: `http://${host}`, ANTHROPIC_API_KEY: "canary-of-the-start" });
  await ready(program);
  await eventually(() => program.output().includes(`ANTHROPIC_API_KEY was not accepted by ${host}`), "the problem", 10_000);
  expect(program.output() + program.errors()).not.toContain("canary-of-the-start");
});

test("agents kept in DATA_DIR are checked at the start as well, and stop nobody else's", { timeout: 30_000 }, async () => {
  const provider = createServer((request, response) =>
    response.writeHead(request.url?.endsWith("/gone") ? 404 : 200).end('{"data":[{"id":"here"}]}'),
  );
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
  onTestFinished(() => void provider.close());
  const host = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const dataDir = join(folder, "data");
  const adminKey = "the-admin-key-of-the-test";
  const environment = { PORT: "0", ADMIN_KEY: adminKey, DATA_DIR: dataDir, OPENAI_BASE_URL: `http://${host}`, MODEL: "openai/here" };
  const path = join(folder, "servers.json");
  await writeFile(path, JSON.stringify({ agents: [], mcpServers: { files: { command: process.execPath, args: ["-e", ""] } } }));
  const first = start({ ...environment, AGENTS_FILE: path });
  const headers = { Authorization: `Bearer ${adminKey}`, "Content-Type": "application/json" };
  const url = await ready(first);
  for (const agent of [
    { id: "a", name: "A", model: "openai/gone" },
    { id: "b", name: "B", model: "anthropic/x", mcpServers: ["files"] },
  ])
    expect((await fetch(`${url}/api/agents`, { method: "POST", headers, body: JSON.stringify(agent) })).status).toBe(201);

  // A second gateway on the same folder would write over the first one's agents.
  const second = start(environment);
  expect(await once(second.process, "exit")).toEqual([1, null]);
  expect(second.errors()).toContain(`DATA_DIR ${dataDir} is in use by another gateway (process ${first.process.pid}).`);

  // A killed one leaves its lock, and nobody waits for it.
  first.process.kill("SIGKILL");
  await once(first.process, "exit");
  const third = start(environment);
  await ready(third);
  await eventually(() => third.output().includes(`the model openai/gone is not known to ${host}`), "the model", 10_000);
  expect(third.output()).toContain("problem    agent b: there is no MCP server files");
  expect(third.output()).toContain("problem    agent b: model anthropic/x: This agent's model needs a key: set ANTHROPIC_API_KEY");
  expect(third.output()).not.toContain("openai/here is not known");
});
