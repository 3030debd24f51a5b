/** A conversation as a file: JSON with everything in it, or Markdown to read. */
import { type ChatMessage, messageText } from "../shared/session/message.ts";

export function exportConversation(
  messages: readonly ChatMessage[],
  format: "json" | "markdown",
  names: { you: string; bot: string },
): string {
  if (format === "json") return JSON.stringify({ v: 1, messages }, null, 2);
  return messages
    .map((message) => {
      const heading = `### ${message.role === "user" ? names.you : names.bot}`;
      const sources = message.parts.flatMap((part) =>
        part.type === "source" ? [`- ${part.url ? `[${part.title}](${part.url})` : part.title}`] : [],
      );
      return [heading, messageText(message).trim(), ...(sources.length > 0 ? [sources.join("\n")] : [])].filter(Boolean).join("\n\n");
    })
    .join("\n\n")
    .concat("\n");
}
