/** Agents with MCP servers: real ones, over stdio and over streamable HTTP. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { GatewayOptions } from "../gateway.ts";
import { packageRoot } from "../package-root.ts";
import { checkOutside } from "../start-check.ts";
import { startMcpHttpServer, type McpHttpServer } from "../testing/mcp-http-server.ts";
import { openAiCall, openAiText, type ReplayProvider } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startWithProvider, type TestGateway } from "../testing/test-gateway.ts";
import type { StreamEvent } from "../../shared/protocol/chunk.ts";
import type { McpServerSettings } from "./mcp-settings.ts";
import { toolName } from "./mcp-tools.ts";

const program = join(packageRoot(), "server", "testing", "mcp-server.mjs");

/** A stdio server that notes what it ran. */
function stdio(more: Partial<McpServerSettings> = {}): { settings: McpServerSettings; notes: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), "chanl-mcp-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "notes");
  const notes = (): string[] => {
    try {
      return readFileSync(path, "utf8").trimEnd().split("\n");
    } catch {
      return [];
    }
  };
  return { notes, settings: { command: process.execPath, args: [program], env: { MCP_NOTES: path }, ...more } };
}

async function http(): Promise<McpHttpServer> {
  const server = await startMcpHttpServer();
  onTestFinished(() => server.close());
  return server;
}

const ask = { ...userSays("go"), agentId: "w" };

async function start(
  mcpServers: Record<string, McpServerSettings>,
  more: GatewayOptions = {},
): Promise<{ gateway: TestGateway; provider: ReplayProvider }> {
  return startWithProvider({
    mcpServers,
    agents: [{ id: "w", name: "W", instructions: "Help.", tools: [], mcpServers: Object.keys(mcpServers) }],
    ...more,
  });
}

/** Lets the model call one tool, and gives what came of it. */
async function call(
  { gateway, provider }: { gateway: TestGateway; provider: ReplayProvider },
  name: string,
  input: object = {},
): Promise<{ events: StreamEvent[]; result: StreamEvent & { type: "tool_result" } }> {
  provider.reply({ slices: openAiCall(name, [JSON.stringify(input)]) }, { slices: openAiText(["ok"]) });
  const events = await readAll(await postChat(gateway.url, ask));
  const result = events.find((event) => event.type === "tool_result");
  if (!result) throw new Error(`no result: ${JSON.stringify(events)}`);
  return { events, result };
}

const toolsSent = (provider: ReplayProvider, at = 0): string[] =>
  (provider.calls[at]!.body as { tools: { function: { name: string } }[] }).tools.map((tool) => tool.function.name);

test("the tools of a stdio and an HTTP server are the agent's, run there, and their results go back to the model", async () => {
  const local = stdio();
  const remote = await http();
  const started = await start({ local: local.settings, remote: { url: remote.url } });
  const first = await call(started, "local__add", { a: 2, b: 3 });
  expect(first.result).toMatchObject({ name: "local__add", result: "5" });
  expect(textOf(first.events)).toBe("ok");
  const second = await call(started, "remote__add", { a: 4, b: 4 });
  expect(second.result).toMatchObject({ result: "8" });
  expect(toolsSent(started.provider)).toEqual([
    ...["add", "environment", "exit", "fail", "picture", "slow", "wipe"].map((name) => `local__${name}`),
    ...["add", "environment", "exit", "fail", "picture", "slow", "wipe"].map((name) => `remote__${name}`),
  ]);
  expect(local.notes().filter((note) => note === "add")).toHaveLength(1);
  expect(remote.runs).toEqual(["add"]);
});

test("arguments that do not fit the server's schema do not reach it, a failure it reports reaches the model, a picture is named", async () => {
  const local = stdio();
  const started = await start({ local: local.settings });
  expect((await call(started, "local__add", { a: "2", b: 3 })).result.error).toBe(
    "The arguments do not fit the tool: a must be number. The call was not run.",
  );
  expect((await call(started, "local__fail")).result.error).toBe("The disk is full.");
  expect((await call(started, "local__picture")).result.result).toBe("Here:\n[image: image/png]");
  expect(local.notes().filter((note) => note === "add")).toEqual([]);
});

test("only the tools on the list may be used", async () => {
  const started = await start({ local: stdio({ tools: ["add"] }).settings });
  expect((await call(started, "local__fail")).result.error).toBe("There is no tool named local__fail.");
  expect(toolsSent(started.provider)).toEqual(["local__add"]);
});

test("a tool that its server calls destructive waits for approval, unless the configuration says otherwise", async () => {
  const local = stdio();
  const started = await start({ careful: local.settings, free: { ...local.settings, needsApproval: "never" } });
  started.provider.reply({ slices: openAiCall("careful__wipe", ["{}"]) }, { slices: openAiText(["ok"]) });
  const response = await postChat(started.gateway.url, ask);
  const events = await readUntil(response, (so) => so.some((event) => event.type === "tool_call"));
  expect(events.find((event) => event.type === "tool_call")).toMatchObject({ needsApproval: true });
  expect(local.notes()).not.toContain("wipe");
  expect((await call(started, "free__wipe")).result.result).toBe("wiped");
});

test("progress is told while the tool runs", async () => {
  const started = await start({ local: stdio().settings });
  const { events } = await call(started, "local__slow", { ms: 1200 });
  const progress = events.filter((event) => event.type === "tool_progress");
  expect(progress[0]).toMatchObject({ id: "call_1", progress: 1, total: 4, message: "part 1" });
  expect(progress.length).toBeGreaterThan(1);
  const types = events.map(({ type }) => type);
  expect(types.indexOf("tool_result")).toBeGreaterThan(types.lastIndexOf("tool_progress"));
});

test("Stop reaches the server", async () => {
  const remote = await http();
  const started = await start({ remote: { url: remote.url } });
  started.provider.reply({ slices: openAiCall("remote__slow", ['{"ms":20000}']) });
  const response = await postChat(started.gateway.url, ask);
  const id = response.headers.get("x-stream-id");
  await eventually(() => remote.runs.includes("slow"), "the tool runs");
  await fetch(`${started.gateway.url}/api/chat/stream/${id}/cancel`, { method: "POST" });
  await eventually(() => remote.runs.includes("slow aborted"), "the abort");
});

test("a call that lasts too long is given up in a sentence", async () => {
  const started = await start({ local: stdio({ timeoutMs: 200 }).settings });
  expect((await call(started, "local__slow", { ms: 5000 })).result.error).toBe("The MCP server local did not answer in time.");
});

test("a program that ends during a call is told, not run again, and started again for the next call", async () => {
  const local = stdio();
  const started = await start({ local: local.settings });
  expect((await call(started, "local__exit")).result.error).toBe("The MCP server local stopped during the call.");
  expect((await call(started, "local__add", { a: 1, b: 1 })).result.result).toBe("2");
  const notes = local.notes();
  expect(notes.filter((note) => note === "exit")).toHaveLength(1);
  expect(notes.filter((note) => note.startsWith("started"))).toHaveLength(2);
});

test("an HTTP server that was restarted is connected to again, and the call runs once", async () => {
  const remote = await http();
  const started = await start({ remote: { url: remote.url } });
  expect((await call(started, "remote__add", { a: 1, b: 1 })).result.result).toBe("2");
  remote.forget();
  expect((await call(started, "remote__add", { a: 2, b: 2 })).result.result).toBe("4");
  expect(remote.runs).toEqual(["add", "add"]);
});

test("a server that cannot be reached is missing and the model knows it; the answer and the other servers go on", async () => {
  const started = await start({ broken: { command: "no-such-program-of-chanl" }, local: stdio().settings }, { logLevel: "warn" });
  expect((await call(started, "local__add", { a: 1, b: 2 })).result.result).toBe("3");
  const body = started.provider.calls[0]?.body as { messages: { content: string }[] };
  expect(body.messages[0]?.content).toBe("Help.\n\nThe tools of broken cannot be reached right now. Say so when they would be needed.");
  expect(started.gateway.log()).toContain("The MCP server broken cannot be started: there is no program no-such-program-of-chanl.");
});

test("a server that refuses the gateway's key is told as that", async () => {
  const server = createServer((_request, response) => response.writeHead(401).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { gateway } = await start({ tickets: { url, headers: { Authorization: "Bearer wrong-key" } } });
  expect(await checkOutside(gateway.gateway, [])).toEqual(["The MCP server tickets did not accept the gateway's key."]);
});

test("a program inherits PATH and its own variables, and none of the gateway's keys", async () => {
  process.env["OPENAI_API_KEY_OF_TEST"] = "canary";
  onTestFinished(() => void delete process.env["OPENAI_API_KEY_OF_TEST"]);
  const started = await start({ local: stdio().settings });
  const { result } = (await call(started, "local__environment")).result;
  const names = typeof result === "string" ? result.split(" ") : [];
  expect(names).toContain("PATH");
  expect(names).toContain("MCP_NOTES");
  expect(names).not.toContain("OPENAI_API_KEY_OF_TEST");
});

test("at debug level the log has what a server says, its keys cut out", async () => {
  const { settings } = stdio();
  const says = {
    ...settings,
    env: { SECRET_OF_TEST: "canary-mcp-env-1" },
    args: ["-e", "console.error('I have', process.env.SECRET_OF_TEST)"],
  };
  const server = createServer((request, response) => response.writeHead(500).end(`told ${request.headers.authorization}`));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const started = await start({ says, echo: { url, headers: { Authorization: "Bearer canary-mcp-header-2" } } }, { logLevel: "debug" });
  started.provider.reply({ slices: openAiText(["none"]) });
  await readAll(await postChat(started.gateway.url, ask));
  expect(started.gateway.log()).toContain("I have [redacted]");
  expect(started.gateway.log()).toContain("told Bearer [redacted]");
  expect(started.gateway.log()).not.toContain("canary-mcp");
});

test("programs end with the gateway", async () => {
  const local = stdio();
  const started = await start({ local: local.settings });
  await call(started, "local__add", { a: 1, b: 1 });
  const pid = Number(local.notes()[0]?.split(" ")[1]);
  const lives = (): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  expect(lives()).toBe(true);
  await started.gateway.close();
  expect(lives()).toBe(false);
});

test("a redirect of an HTTP server is not followed", async () => {
  const remote = await http();
  const started = await start({ remote: { url: remote.url.replace("/mcp", "/moved") } }, { logLevel: "warn" });
  started.provider.reply({ slices: openAiText(["none"]) });
  await readAll(await postChat(started.gateway.url, ask));
  expect(remote.requests.map(({ url }) => url)).toEqual(["/moved"]);
  expect(started.gateway.log()).toContain("The MCP server remote cannot be reached.");
});

test("names of tools are what every provider takes, and stay apart", () => {
  expect(toolName("files", "read")).toBe("files__read");
  const odd = toolName("files", "read.file/now");
  expect(odd).toMatch(/^files__read_file_now_[0-9a-f]{8}$/);
  expect(toolName("files", "read_file/now")).not.toBe(odd);
  expect(toolName("files", "x".repeat(100))).toMatch(/^[\w-]{64}$/);
});
