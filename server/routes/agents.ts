/** Agents, for whoever has the admin key. */
import { randomBytes } from "node:crypto";

import { Router, type Request } from "express";

import type { AgentStore } from "../agent/agent-store.ts";
import { GatewayError } from "../errors.ts";
import { jsonBody } from "./json-body.ts";
import { parseAgentChanges, parseNewAgent } from "./request-schema.ts";

export interface AgentRoutesOptions {
  agents: AgentStore;
  /** Names of the gateway's tools. */
  toolNames: readonly string[];
}

export function agentRoutes({ agents, toolNames }: AgentRoutesOptions): Router {
  const router = Router();

  router.get("/", async (_request, response) => {
    response.json({ agents: await agents.list() });
  });

  router.post("/", jsonBody(), async (request, response) => {
    const asked = parseNewAgent(request.body);
    checkTools(asked.tools);
    const id = asked.id ?? `agent_${randomBytes(9).toString("hex")}`;
    if (await agents.get(id)) throw new GatewayError("conflict", { field: "id", message: "id: there already is an agent with this id." });
    response.status(201).json(await agents.create({ ...asked, id }));
  });

  router.get("/:id", async (request, response) => {
    response.json(found(await agents.get(agentId(request))));
  });

  router.patch("/:id", jsonBody(), async (request, response) => {
    const changes = parseAgentChanges(request.body);
    checkTools(changes.tools ?? []);
    response.json(found(await agents.update(agentId(request), changes)));
  });

  router.delete("/:id", async (request, response) => {
    found((await agents.delete(agentId(request))) || undefined);
    response.status(204).end();
  });

  return router;

  function checkTools(names: readonly string[]): void {
    const unknown = names.findIndex((name) => !toolNames.includes(name));
    if (unknown === -1) return;
    const known = toolNames.length > 0 ? `one of ${toolNames.join(", ")}` : "left out: the gateway has no tools";
    throw new GatewayError("bad_request", { field: `tools[${unknown}]`, message: `tools[${unknown}] must be ${known}.` });
  }
}

function agentId(request: Request): string {
  return String(request.params["id"]);
}

function found<T>(agent: T | undefined): T {
  if (agent === undefined) throw new GatewayError("not_found", { field: "id", message: "There is no such agent." });
  return agent;
}
