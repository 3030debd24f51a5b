/** Agents, for whoever has the admin key. */
import { randomBytes } from "node:crypto";

import { Router, type Request } from "express";

import { agentExists, type AgentChanges, type AgentStore } from "../agent/agent-store.ts";
import { GatewayError } from "../errors.ts";
import { jsonBody } from "./json-body.ts";
import { parseAgentChanges, parseNewAgent } from "./request-schema.ts";

export interface AgentRoutesOptions {
  agents: AgentStore;
  /** Names of the gateway's tools. */
  toolNames: readonly string[];
  /** Names of the configured MCP servers. */
  mcpServerNames: readonly string[];
  /** Agents that only their file changes. */
  fixedIds: ReadonlySet<string>;
}

export function agentRoutes({ agents, toolNames, mcpServerNames, fixedIds }: AgentRoutesOptions): Router {
  const router = Router();

  router.get("/", async (_request, response) => {
    response.json({ agents: await agents.list() });
  });

  router.post("/", jsonBody(), async (request, response) => {
    const asked = parseNewAgent(request.body);
    checkNames(asked);
    const id = asked.id ?? `agent_${randomBytes(9).toString("hex")}`;
    if (await agents.get(id)) throw agentExists();
    response.status(201).json(await agents.create({ ...asked, id }));
  });

  router.get("/:id", async (request, response) => {
    response.json(found(await agents.get(agentId(request))));
  });

  router.patch("/:id", jsonBody(), async (request, response) => {
    const changes = parseAgentChanges(request.body);
    checkNames(changes);
    checkChangeable(agentId(request));
    response.json(found(await agents.update(agentId(request), changes)));
  });

  router.delete("/:id", async (request, response) => {
    checkChangeable(agentId(request));
    found((await agents.delete(agentId(request))) || undefined);
    response.status(204).end();
  });

  return router;

  function checkNames({ tools = [], mcpServers = [] }: Pick<AgentChanges, "tools" | "mcpServers">): void {
    checkName("tools", tools, toolNames, "the gateway has no tools");
    // An agent's own server is an address, checked when it is connected to.
    checkName("mcpServers", mcpServers, mcpServerNames, "the gateway has no MCP servers");
  }

  function checkName(field: string, names: readonly unknown[], known: readonly string[], none: string): void {
    const unknown = names.findIndex((name) => typeof name === "string" && !known.includes(name));
    if (unknown === -1) return;
    const words = known.length > 0 ? `one of ${known.join(", ")}` : `left out: ${none}`;
    throw new GatewayError("bad_request", { field: `${field}[${unknown}]`, message: `${field}[${unknown}] must be ${words}.` });
  }

  function checkChangeable(id: string): void {
    if (fixedIds.has(id))
      throw new GatewayError("conflict", { field: "id", message: "id: this agent is in AGENTS_FILE. Change it there." });
  }
}

function agentId(request: Request): string {
  return String(request.params["id"]);
}

function found<T>(agent: T | undefined): T {
  if (agent === undefined) throw new GatewayError("not_found", { field: "id", message: "There is no such agent." });
  return agent;
}
