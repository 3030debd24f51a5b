import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { loadAgentsFile } from "./agents-file.ts";

function file(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), "chanl-agents-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "agents.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

test("agents and MCP servers are read, and keys come from the environment", () => {
  const path = file({
    agents: [{ id: "a", name: "A", mcpServers: ["web"] }],
    mcpServers: {
      web: { type: "http", url: "https://mcp.example.com/${TENANT}", headers: { Authorization: "Bearer ${WEB_KEY}" }, tools: ["search"] },
      files: { command: "node", args: ["server.mjs", "${TENANT}"], needsApproval: "always", timeoutMs: 5000 },
    },
  });
  expect(loadAgentsFile(path, { TENANT: "t1", WEB_KEY: "k" })).toEqual({
    agents: [{ id: "a", name: "A", instructions: "", tools: [], mcpServers: ["web"] }],
    mcpServers: {
      web: { url: "https://mcp.example.com/t1", headers: { Authorization: "Bearer k" }, tools: ["search"] },
      files: { command: "node", args: ["server.mjs", "t1"], needsApproval: "always", timeoutMs: 5000 },
    },
  });
  expect(() => loadAgentsFile(path, { TENANT: "t1" })).toThrow(`AGENTS_FILE ${path} names the variable WEB_KEY, which is not set`);
});

test.each<[unknown, string]>([
  ["{", "is not JSON"],
  [{ agents: [{ id: "a" }] }, "agents.0.name"],
  [{ agents: [{ id: "a", name: "A", instrutions: "x" }] }, "instrutions"],
  [{ agents: [{ id: "a b", name: "A" }] }, "agents.0.id must be letters, digits, _, . or -"],
  [
    {
      agents: [
        { id: "a", name: "A" },
        { id: "a", name: "B" },
      ],
    },
    "there are two agents with the id a",
  ],
  [{ mcpServers: { "a b": { command: "x" } } }, "mcpServers.a b"],
  [{ mcpServers: { a: { comand: "x" } } }, "mcpServers.a"],
  [{ mcpServers: { a: { url: "ftp://x" } } }, "mcpServers.a.url must be an http or https address"],
  [{ agent: [] }, "agent"],
])("%j is refused with its place", (content, words) => {
  const path = file(content);
  expect(() => loadAgentsFile(path, {})).toThrow(words);
  expect(() => loadAgentsFile(path, {})).toThrow(path);
});

test("a file that is not there is named", () => {
  expect(() => loadAgentsFile("/nowhere/agents.json", {})).toThrow("AGENTS_FILE /nowhere/agents.json cannot be read");
});
