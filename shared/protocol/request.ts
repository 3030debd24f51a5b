/** What a client sends: over `POST /api/chat/stream`, and with a `type` in front over the WebSocket. */
import type { JsonObject, JsonValue } from "./chunk.ts";

export type Role = "user" | "assistant" | "system" | "tool";

/** One call an assistant message made; sent back so that the model sees its own history. */
export interface RequestToolCall {
  id: string;
  name: string;
  arguments: JsonValue;
}

/** A picture a person shows the model: its bytes, or a public address that the model's provider reads. */
export type RequestImage = { mediaType: "image/png" | "image/jpeg" | "image/gif" | "image/webp"; data: string } | { url: string };

/** A message of the conversation as the model sees it. `tool` messages answer the call named by `toolCallId`. */
export interface RequestMessage {
  role: Role;
  content: string;
  /** Of a `user` message; `data` is base64. They count into the 256 KB of a request. */
  images?: RequestImage[];
  toolCalls?: RequestToolCall[];
  toolCallId?: string;
  name?: string;
}

/** A tool that runs in the client. `parameters` is a JSON Schema object. */
export interface ClientToolDefinition {
  name: string;
  description: string;
  parameters: JsonObject;
  /** A person has to approve each call before it runs. @defaultValue `false` */
  needsApproval?: boolean;
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

/** What a person decided about a call that waits. */
export interface ApprovalRequest {
  toolCallId: string;
  approved: boolean;
  /** To run it with these instead of the model's. They have to fit the tool's schema. */
  arguments?: JsonValue;
  /** Told to the model. At most 1000 characters. */
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
  images: 8,
  idChars: 128,
} as const;
