/**
 * Agents and MCP servers in a file of JSON that lies beside the configuration: `{"agents": [...], "mcpServers": {...}}`.
 * `${NAME}` in the texts of an MCP server stands for an environment variable, so that no key has to stand in the file.
 */
import { readFileSync } from "node:fs";

import { z } from "zod";

import { ConfigError } from "../config.ts";
import type { AgentDefinition } from "./agent-store.ts";
import { agentDefinition } from "./agent-schema.ts";
import { mcpServers, type McpServerSettings } from "./mcp-settings.ts";

export interface AgentsFile {
  agents: AgentDefinition[];
  mcpServers: Record<string, McpServerSettings>;
}

const SCHEMA = z.strictObject({ agents: z.array(agentDefinition).default([]), mcpServers: mcpServers.default({}) });

/** @throws ConfigError naming the file and the place in it. */
export function loadAgentsFile(path: string, environment: Readonly<Record<string, string | undefined>>): AgentsFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why = error instanceof SyntaxError ? "is not JSON" : `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new ConfigError(`AGENTS_FILE ${path} ${why}`);
  }
  const parsed = SCHEMA.safeParse(value);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      ({ path: place, message }) => `AGENTS_FILE ${path}: ${place.map(String).join(".") || "it"} ${wording(message)}`,
    );
    throw new ConfigError(lines.join("\n"));
  }
  const { agents, mcpServers: servers } = parsed.data;
  const twice = agents.find(({ id }, at) => agents.findIndex((other) => other.id === id) !== at);
  if (twice) throw new ConfigError(`AGENTS_FILE ${path}: there are two agents with the id ${twice.id}`);
  return { agents, mcpServers: substitute(servers, path, environment) as Record<string, McpServerSettings> };
}

function substitute(value: unknown, path: string, environment: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const found = environment[name];
      if (found === undefined) throw new ConfigError(`AGENTS_FILE ${path} names the variable ${name}, which is not set`);
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((entry) => substitute(entry, path, environment));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, substitute(entry, path, environment)]));
}

/** Zod's words begin a sentence; here they end one. */
function wording(message: string): string {
  return message.startsWith("must") ? message : `is not valid: ${message}`;
}
