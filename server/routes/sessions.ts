/** Sessions, for a site's own back end: it has the secret, its pages get tokens. */
import { Router } from "express";

import { requireSecret } from "../auth/admin-key.ts";
import { MAX_SESSION_S, type SessionTokens } from "../auth/session-tokens.ts";
import type { AgentStore } from "../agent/agent-store.ts";
import { GatewayError } from "../errors.ts";
import { jsonBody } from "./json-body.ts";
import { parseSessionRequest } from "./request-schema.ts";

export interface SessionRoutesOptions {
  agents: AgentStore;
  siteSecret: string | undefined;
  tokens: SessionTokens | undefined;
}

export function sessionRoutes({ agents, siteSecret, tokens }: SessionRoutesOptions): Router {
  const router = Router();
  const guard = requireSecret(siteSecret, {
    closed: "Sessions are closed: set SITE_SECRET at the gateway to open them.",
    refused: "Sessions need the site's secret: Authorization: Bearer <SITE_SECRET>.",
  });
  router.post("/", guard, jsonBody(), async (request, response) => {
    if (!tokens) throw new GatewayError("forbidden");
    const { expiresIn = MAX_SESSION_S, ...claims } = parseSessionRequest(request.body);
    if (!(await agents.get(claims.agentId)))
      throw new GatewayError("not_found", { field: "agentId", message: `agentId: there is no agent "${claims.agentId}".` });
    const { token, expiresAt } = await tokens.issue(claims, expiresIn);
    response.setHeader("Cache-Control", "no-store");
    response.status(201).json({ token, expiresAt: new Date(expiresAt).toISOString() });
  });
  return router;
}
