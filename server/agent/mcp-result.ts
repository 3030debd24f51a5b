/** What an MCP tool answered → what our tools answer. */
import type { JsonValue } from "../../shared/protocol/chunk.ts";
import { ToolError, type ToolOutcome } from "./tool.ts";

const NO_TEXT: Readonly<Record<string, string>> = { image: "image", audio: "audio", resource: "file" };

/** @throws ToolError with the server's words when it says the call failed: they are meant for the model. */
export function resultOf(answer: Record<string, unknown>): ToolOutcome {
  const blocks = Array.isArray(answer["content"]) ? (answer["content"] as Record<string, unknown>[]) : [];
  const text = blocks.map(textOf).filter(Boolean).join("\n");
  if (answer["isError"] === true) throw new ToolError(text || "The tool reported a failure without words.");
  const structured = answer["structuredContent"];
  if (structured !== undefined) return { result: structured as JsonValue };
  return { result: text };
}

/** Text as it is; of what is none, that it was there: the model cannot read it, and megabytes of base64 help nobody. */
function textOf(block: Record<string, unknown>): string {
  if (block["type"] === "text") return String(block["text"]);
  if (block["type"] === "resource_link") return `[${String(block["name"])}](${String(block["uri"])})`;
  const resource = block["resource"] as Record<string, unknown> | undefined;
  if (typeof resource?.["text"] === "string") return resource["text"];
  const type = String(block["type"]);
  return `[${NO_TEXT[type] ?? type}${typeof block["mimeType"] === "string" ? `: ${block["mimeType"]}` : ""}]`;
}
