/** The shape of an agent, wherever one is written: the agents file and the agents routes. */
import { z } from "zod";

import type { JsonObject } from "../../shared/protocol/chunk.ts";
import { REQUEST_LIMITS } from "../../shared/protocol/request.ts";
import { ownSchemaCheck } from "./argument-schema.ts";
import { mcpServerName } from "./mcp-settings.ts";

const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -");
const modelName = z.string().min(1).max(200);

const schema = z.custom<JsonObject>((value) => {
  try {
    ownSchemaCheck(value as JsonObject);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}, "must be a JSON Schema");

const ownServer = z.strictObject({
  name: mcpServerName,
  url: z
    .string()
    .max(2000)
    .refine((text) => URL.canParse(text) && new URL(text).protocol === "https:", "must be an https address"),
  tools: z.array(z.string().min(1).max(128)).max(256).optional(),
});

export const agentFields = {
  name: z.string().min(1).max(200),
  instructions: z.string().max(REQUEST_LIMITS.contentChars),
  model: modelName,
  fallbackModel: modelName,
  reasoning: z.enum(["low", "medium", "high"]),
  tools: z.array(toolName).max(REQUEST_LIMITS.tools),
  mcpServers: z
    .array(z.union([mcpServerName, ownServer], "must be the name of a configured MCP server, or {name, url} with an https address"))
    .max(16),
  needsApproval: z.record(
    toolName,
    z.union([z.enum(["always", "never"]), z.strictObject({ when: schema })], 'must be "always", "never" or {"when": <JSON Schema>}'),
  ),
  limits: z.strictObject({
    maxSteps: z.int().min(1).max(100).optional(),
    maxOutputTokens: z.int().min(1).max(1_000_000).optional(),
    toolTimeoutMs: z.int().min(100).max(3_600_000).optional(),
  }),
};

export const agentId = z
  .string()
  .min(1)
  .max(REQUEST_LIMITS.idChars)
  .regex(/^[\w.-]+$/, "must be letters, digits, _, . or -");

const optional = z.object(agentFields).partial();

export const newAgent = z.object({
  ...optional.shape,
  id: agentId.optional(),
  name: agentFields.name,
  instructions: agentFields.instructions.default(""),
  tools: agentFields.tools.default([]),
});

/** In a file nobody else reads, a misspelt field is a mistake. */
export const agentDefinition = z.strictObject({ ...newAgent.shape, id: agentId });

/** `null` takes a field away that an agent need not have. */
const removable = <T extends z.ZodType>(field: T) =>
  field
    .nullable()
    .transform((value) => value ?? undefined)
    .optional();

export const agentChanges = optional.extend({
  model: removable(agentFields.model),
  fallbackModel: removable(agentFields.fallbackModel),
  reasoning: removable(agentFields.reasoning),
  mcpServers: removable(agentFields.mcpServers),
  needsApproval: removable(agentFields.needsApproval),
  limits: removable(agentFields.limits),
});
