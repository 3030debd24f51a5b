/** What a client sends: over `POST /api/chat/stream`, and with a `type` in front over the WebSocket. */
import type { JsonObject, JsonValue } from "./chunk.ts";

export type Role = "user" | "assistant" | "system" | "tool";

/** One call an assistant message made; sent back so that the model sees its own history. */
export interface RequestToolCall {
  id: string;
  name: string;
  arguments: JsonValue;
}

/** A message of the conversation as the model sees it. `tool` messages answer the call named by `toolCallId`. */
export interface RequestMessage {
  role: Role;
  content: string;
  toolCalls?: RequestToolCall[];
  toolCallId?: string;
  name?: string;
  /** Pictures a user sends along, as `data:image/…;base64,` addresses of JPEG, PNG or WebP. At most four. */
  images?: string[];
}

/** A tool that runs in the client. `parameters` is a JSON Schema object. */
export interface ClientToolDefinition {
  name: string;
  description: string;
  parameters: JsonObject;
}

export interface ChatRequest {
  agentId: string;
  messages: RequestMessage[];
  /** Unique per send. The same id attaches to the run that already exists, so a retried POST never pays twice. */
  requestId?: string;
  conversationId?: string;
  tools?: ClientToolDefinition[];
  /** What a lost connection means: keep generating for the grace time, or cancel. @defaultValue `"continue"` */
  onDisconnect?: "continue" | "cancel";
}

/** The answer of a tool that ran in the client. */
export interface ToolResultRequest {
  toolCallId: string;
  result?: JsonValue;
  error?: string;
}

export interface ApprovalRequest {
  toolCallId: string;
  approved: boolean;
  arguments?: JsonValue;
  reason?: string;
}

/** Client → gateway over the WebSocket. */
export type SocketRequest =
  | ({ type: "chat" } & ChatRequest)
  | { type: "resume"; streamId: string; lastSeq: number }
  | { type: "cancel"; streamId?: string }
  | ({ type: "tool_result"; streamId: string } & ToolResultRequest)
  | ({ type: "approval"; streamId: string } & ApprovalRequest)
  | { type: "ping" };

/** Limits the gateway holds requests to; the widget stops earlier. */
export const REQUEST_LIMITS = {
  bodyBytes: 262_144,
  messages: 200,
  contentChars: 100_000,
  tools: 64,
  idChars: 128,
} as const;
