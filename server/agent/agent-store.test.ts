import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { startTestGateway } from "../testing/test-gateway.ts";
import { LayeredAgentStore, MemoryAgentStore, type AgentDefinition, type AgentStore } from "./agent-store.ts";
import { FileAgentStore } from "./file-agent-store.ts";

const agent = (id: string, more: Partial<AgentDefinition> = {}): AgentDefinition => ({
  id,
  name: id,
  instructions: "",
  tools: [],
  ...more,
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "chanl-agents-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Closed at the end: its file has one holder at a time. */
function fileStore(path: string, seeds?: readonly AgentDefinition[]): FileAgentStore {
  const store = new FileAgentStore(path, seeds);
  onTestFinished(() => store.close());
  return store;
}

/** What a process that starts now finds. */
async function idsAt(path: string, seeds?: readonly AgentDefinition[]): Promise<string[]> {
  const store = new FileAgentStore(path, seeds);
  const found = await ids(store);
  await store.close();
  return found;
}

const ids = async (store: AgentStore): Promise<string[]> => (await store.list()).map(({ id }) => id);

test.each<[string, () => AgentStore]>([
  ["memory", () => new MemoryAgentStore()],
  ["file", () => fileStore(join(folder(), "agents.jsonl"))],
  ["layered", () => new LayeredAgentStore([], new MemoryAgentStore())],
])("%s: agents are made once, read as copies, changed and deleted", async (_, make) => {
  const store = make();
  const made = await store.create(agent("a", { tools: ["t"] }));
  made.tools.push("changed outside");
  expect(await store.get("a")).toEqual(agent("a", { tools: ["t"] }));
  await expect(store.create(agent("a"))).rejects.toThrow("id: there already is an agent with this id.");
  expect(await store.update("a", { name: "A" })).toMatchObject({ name: "A", tools: ["t"] });
  expect(await store.update("b", { name: "B" })).toBeUndefined();
  expect(await store.get("b")).toBeUndefined();
  await store.create(agent("b"));
  expect(await ids(store)).toEqual(["a", "b"]);
  expect(await store.delete("a")).toBe(true);
  expect(await store.delete("a")).toBe(false);
  expect(await ids(store)).toEqual(["b"]);
});

test("what was made is there after a restart, also a change and a deletion of an agent that was given", async () => {
  const path = join(folder(), "below", "agents.jsonl");
  const seeds = [agent("docs"), agent("gone")];
  const store = fileStore(path, seeds);
  await Promise.all([store.create(agent("a")), store.create(agent("ü", { instructions: "Zeile\nzwei — 日本" }))]);
  await store.update("docs", { name: "Changed" });
  await store.delete("gone");
  await store.close();
  const again = fileStore(path, seeds);
  expect(await ids(again)).toEqual(["docs", "a", "ü"]);
  expect(await again.get("ü")).toMatchObject({ instructions: "Zeile\nzwei — 日本" });
  expect(await again.get("docs")).toMatchObject({ name: "Changed" });
});

test("a file that was cut at any byte gives every agent whose line is whole, and the next write stands in place of the rest", async () => {
  const path = join(folder(), "agents.jsonl");
  const store = fileStore(path);
  const ends: number[] = [];
  for (const made of [agent("a"), agent("b", { instructions: "— 日本 👩‍🚀" })]) {
    await store.create(made);
    ends.push(statSync(path).size);
  }
  await store.close();
  const whole = readFileSync(path);
  expect(ends[1]).toBe(whole.length);
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    const kept = ["a", "b"].filter((_, at) => length >= ends[at]!);
    const cut = fileStore(path);
    expect(await ids(cut), `cut at byte ${length}`).toEqual(kept);
    await cut.create(agent("c"));
    await cut.close();
    expect(await idsAt(path), `after the cut at byte ${length}`).toEqual([...kept, "c"]);
  }
});

test("a last line that reached the disk only in part is cut off; a damaged one in the middle stops the start and is named", async () => {
  const path = join(folder(), "agents.jsonl");
  const store = fileStore(path);
  for (const id of ["a", "b", "c"]) await store.create(agent(id));
  await store.close();
  const whole = readFileSync(path);
  const last = Buffer.from(whole);
  last[whole.length - 5] = 0;
  writeFileSync(path, last);
  expect(await idsAt(path)).toEqual(["a", "b"]);
  const middle = Buffer.from(whole);
  middle[whole.indexOf(10) + 20] = 0;
  writeFileSync(path, middle);
  expect(() => new FileAgentStore(path)).toThrow(`${path} is damaged in line 2.`);
  // A start that failed holds nothing.
  writeFileSync(path, whole);
  expect(await idsAt(path)).toEqual(["a", "b", "c"]);
});

test("a file that is mostly history is rewritten, and says the same", async () => {
  const path = join(folder(), "agents.jsonl");
  const seeds = [agent("docs"), agent("gone")];
  const store = fileStore(path, seeds);
  await store.delete("gone");
  await store.create(agent("a"));
  for (let at = 0; at < 200; at++) await store.update("a", { name: `name ${at}` });
  await store.close();
  const long = statSync(path).size;
  const again = fileStore(path, seeds);
  await again.create(agent("b"));
  expect(statSync(path).size).toBeLessThan(long / 20);
  await again.close();
  const third = fileStore(path, seeds);
  expect(await ids(third)).toEqual(["docs", "a", "b"]);
  expect(await third.get("a")).toMatchObject({ name: "name 199" });
});

test("a foreign line at the end is written over, not kept", async () => {
  const path = join(folder(), "agents.jsonl");
  const store = fileStore(path);
  await store.create(agent("a"));
  await store.close();
  appendFileSync(path, '00000000 {"put":{"id":"evil"}}\n');
  const again = fileStore(path);
  await again.create(agent("b"));
  expect(readFileSync(path, "utf8")).not.toContain("evil");
});

test("over the API: made with everything an agent has, kept in DATA_DIR, and there after a restart", async () => {
  const dataDir = folder();
  const options = { adminKey: "the-admin-key-of-the-test", dataDir, mcpServers: { files: { command: "x" } } };
  const headers = { Authorization: `Bearer ${options.adminKey}`, "Content-Type": "application/json" };
  const first = await startTestGateway(options);
  const post = (body: unknown): Promise<Response> =>
    fetch(`${first.url}/api/agents`, { method: "POST", headers, body: JSON.stringify(body) });
  const full = {
    id: "support",
    name: "Support",
    instructions: "Help.",
    model: "docs-guide",
    fallbackModel: "docs-guide",
    reasoning: "low",
    tools: ["search_docs"],
    mcpServers: ["files", { name: "web", url: "https://mcp.example.com/mcp", tools: ["fetch"] }],
    needsApproval: { search_docs: "never", files__write: { when: { required: ["path"] } } },
    limits: { maxSteps: 3, maxOutputTokens: 500, toolTimeoutMs: 1000 },
  };
  expect((await post(full)).status).toBe(201);
  for (const [wrong, field, message] of [
    [{ mcpServers: ["nope"] }, "mcpServers[0]", "mcpServers[0] must be one of files."],
    [
      { mcpServers: [{ name: "a", command: "rm" }] },
      "mcpServers[0]",
      "mcpServers[0] must be the name of a configured MCP server, or {name, url} with an https address.",
    ],
    [{ mcpServers: [{ name: "a", url: "http://10.0.0.1/" }] }, "mcpServers[0].url", "mcpServers[0].url must be an https address."],
    [{ needsApproval: { t: "sometimes" } }, "needsApproval.t", 'needsApproval.t must be "always", "never" or {"when": <JSON Schema>}.'],
    [
      { needsApproval: { t: { when: { type: "strin" } } } },
      "needsApproval.t",
      'needsApproval.t must be "always", "never" or {"when": <JSON Schema>}.',
    ],
    [{ limits: { maxSteps: 0 } }, "limits.maxSteps", "limits.maxSteps must be at least 1."],
    [{ limits: { steps: 1 } }, "limits", "limits holds steps, which is unknown."],
  ] as const) {
    const refused = await post({ name: "x", ...wrong });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { error: unknown }).error).toMatchObject({ field, message });
  }
  await first.close();
  const second = await startTestGateway(options);
  expect(await (await fetch(`${second.url}/api/agents/support`, { headers })).json()).toEqual(full);
});

test("over the API null takes a field away, also for good; two that are made at once under one id are one", async () => {
  const dataDir = folder();
  const options = { adminKey: "the-admin-key-of-the-test", dataDir };
  const headers = { Authorization: `Bearer ${options.adminKey}`, "Content-Type": "application/json" };
  const first = await startTestGateway(options);
  const call = async (method: string, path: string, body: object): Promise<[number, unknown]> => {
    const response = await fetch(`${first.url}/api/agents${path}`, { method, headers, body: JSON.stringify(body) });
    return [response.status, await response.json()];
  };
  const made = { id: "a", name: "A", model: "docs-guide", fallbackModel: "docs-guide", reasoning: "low", limits: { maxSteps: 3 } };
  const both = await Promise.all([call("POST", "", made), call("POST", "", made)]);
  expect(both.map(([status]) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  const none = { model: null, fallbackModel: null, reasoning: null, limits: null, needsApproval: null, mcpServers: null };
  const rest = { id: "a", name: "A", instructions: "", tools: [] };
  expect(await call("PATCH", "/a", none)).toEqual([200, rest]);
  for (const [field, value, words] of [
    ["name", null, "name must be a string."],
    ["tools", null, "tools must be an array."],
    ["model", 5, "model must be a string."],
    ["reasoning", "much", "reasoning must be one of low, medium, high."],
    ["limits", { maxSteps: 0 }, "limits.maxSteps must be at least 1."],
  ] as const)
    expect(await call("PATCH", "/a", { [field]: value })).toMatchObject([400, { error: { message: words } }]);
  await first.close();
  const second = await startTestGateway(options);
  expect(await (await fetch(`${second.url}/api/agents/a`, { headers })).json()).toEqual(rest);
});

test("agents of a file are shown by the API and not changed by it", async () => {
  const fixedAgents = [agent("docs", { name: "From the file" })];
  const gateway = await startTestGateway({ adminKey: "the-admin-key-of-the-test", fixedAgents });
  const headers = { Authorization: "Bearer the-admin-key-of-the-test", "Content-Type": "application/json" };
  const call = (method: string, body?: string): Promise<Response> =>
    fetch(`${gateway.url}/api/agents/docs`, { method, headers, ...(body ? { body } : {}) });
  expect(await (await call("GET")).json()).toMatchObject({ name: "From the file" });
  expect((await call("PATCH", '{"name":"x"}')).status).toBe(409);
  expect((await call("DELETE")).status).toBe(409);
});
