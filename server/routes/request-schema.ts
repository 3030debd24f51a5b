/** What clients may send, checked field by field before anything else sees it. Unknown fields are left out. */
import { z } from "zod";

import type { ApprovalRequest, ChatRequest, SocketRequest, ToolResultRequest } from "../../shared/protocol/request.ts";
import type { JsonObject, JsonValue } from "../../shared/protocol/chunk.ts";
import { REQUEST_LIMITS } from "../../shared/protocol/request.ts";
import { agentChanges, newAgent } from "../agent/agent-schema.ts";
import { GatewayError } from "../errors.ts";

/** Deepest nesting of a body. Deeper ones only come from somebody who wants to exhaust a stack. */
const MAX_DEPTH = 64;

const id = z.string().min(1).max(REQUEST_LIMITS.idChars);
const json = z.custom<JsonValue>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -");

const image = z.union(
  [
    z.object({ mediaType: z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]), data: z.base64().min(1) }),
    z.object({
      url: z
        .string()
        .max(2000)
        .refine((text) => URL.canParse(text) && new URL(text).protocol === "https:", "must be an https address"),
    }),
  ],
  "must be {mediaType, data} with base64, or {url} with an https address",
);

const message = z.object({
  role: z.enum(["user", "assistant", "system", "tool"]),
  content: z.string().max(REQUEST_LIMITS.contentChars),
  images: z.array(image).max(REQUEST_LIMITS.images).optional(),
  toolCalls: z
    .array(z.object({ id, name: toolName, arguments: json }))
    .max(REQUEST_LIMITS.tools)
    .optional(),
  toolCallId: id.optional(),
  name: z.string().max(REQUEST_LIMITS.idChars).optional(),
});

const chat = z.object({
  agentId: id,
  messages: z.array(message).min(1).max(REQUEST_LIMITS.messages),
  requestId: id.optional(),
  conversationId: id.optional(),
  tools: z
    .array(z.object({ name: toolName, description: z.string().max(4000), parameters: jsonObject, needsApproval: z.boolean().optional() }))
    .max(REQUEST_LIMITS.tools)
    .optional(),
  onDisconnect: z.enum(["continue", "cancel"]).optional(),
});

const toolResult = z
  .object({ toolCallId: id, result: json.optional(), error: z.string().max(10_000).optional() })
  .refine((value) => (value.result === undefined) !== (value.error === undefined), {
    path: ["result"],
    message: "or error must be given, and not both",
  });

const approval = z.object({ toolCallId: id, approved: z.boolean(), arguments: json.optional(), reason: z.string().max(1000).optional() });

const streamId = z.string().min(1).max(REQUEST_LIMITS.idChars);
const socket = z.discriminatedUnion("type", [
  chat.extend({ type: z.literal("chat") }),
  z.object({ type: z.literal("resume"), streamId, lastSeq: z.int().min(0) }),
  z.object({ type: z.literal("cancel"), streamId: streamId.optional() }),
  z.object({ ...toolResult.shape, type: z.literal("tool_result"), streamId }),
  z.object({ ...approval.shape, type: z.literal("approval"), streamId }),
  z.object({ type: z.literal("ping") }),
]);

const session = z.object({
  agentId: id,
  user: id,
  origin: z
    .string()
    .refine(
      (text) => URL.canParse(text) && (new URL(text).origin === text || /^chrome-extension:\/\/[a-p]{32}$/.test(text)),
      "must be an origin such as https://www.example.com",
    )
    .optional(),
  expiresIn: z.int().min(10).max(600).optional(),
  budget: z.int().min(1).max(1_000_000_000).optional(),
});

export type NewAgentRequest = z.infer<typeof newAgent>;
export type AgentChangesRequest = z.infer<typeof agentChanges>;

export const parseChatRequest = (body: unknown): ChatRequest => parse(chat, body);
export const parseToolResult = (body: unknown): ToolResultRequest => parse(toolResult, body);
export const parseApproval = (body: unknown): ApprovalRequest => parse(approval, body);
export const parseSocketRequest = (body: unknown): SocketRequest => {
  const request = parse(socket, body);
  if (request.type === "tool_result") parse(toolResult, request);
  return request;
};
export const parseSessionRequest = (body: unknown): z.infer<typeof session> => parse(session, body);
export const parseNewAgent = (body: unknown): NewAgentRequest => parse(newAgent, body);
export const parseAgentChanges = (body: unknown): AgentChangesRequest => parse(agentChanges, body);

/** @throws GatewayError `bad_request` naming the first field that is wrong; it never quotes the content. */
function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new GatewayError("bad_request", { message: "The request must be a JSON object, sent with Content-Type: application/json." });
  }
  rejectDangerousKeys(body);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue ? fieldName(issue.path) : "";
  throw new GatewayError("bad_request", {
    field,
    message: `${field || "The request"} ${issue ? complaint(issue, at(body, issue.path)) : "is not valid"}.`,
  });
}

/** `__proto__` and `constructor` keys survive `JSON.parse` and become a weapon wherever an object is merged later. */
function rejectDangerousKeys(body: object): void {
  const open: { value: object; depth: number }[] = [{ value: body, depth: 1 }];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.depth > MAX_DEPTH)
      throw new GatewayError("bad_request", { message: `The request is nested deeper than ${MAX_DEPTH} levels.` });
    for (const [key, value] of Object.entries(next.value) as [string, unknown][]) {
      if (key === "__proto__" || key === "constructor" || key === "prototype") {
        throw new GatewayError("bad_request", { field: key, message: `The request holds a key named ${key}, which is not allowed.` });
      }
      if (typeof value === "object" && value !== null) open.push({ value, depth: next.depth + 1 });
    }
  }
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, part) => (typeof part === "number" ? `${name}[${part}]` : name ? `${name}.${String(part)}` : String(part)),
    "",
  );
}

function at(body: object, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined),
    body,
  );
}

function complaint(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== "custom") return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${article(issue.expected)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return issue.discriminator === undefined ? issue.message : "must be one of chat, resume, cancel, tool_result, approval, ping";
    case "unrecognized_keys":
      return `holds ${issue.keys.join(", ")}, which is unknown`;
    case "too_big":
      return `must have at most ${String(issue.maximum)} ${unit(issue.origin)}`;
    case "too_small":
      return issue.origin === "array" || issue.origin === "string" ? "must not be empty" : `must be at least ${String(issue.minimum)}`;
    case "custom":
    case "invalid_format":
      return issue.message;
    default:
      return "is not valid";
  }
}

function article(type: string): string {
  if (type === "int") return "a whole number";
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unit(origin: string): string {
  return origin === "array" ? "entries" : "characters";
}
