/** What a stream has said so far, as the fewest chunks that give the same message. */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";

/** Adds one chunk to a merged list, in place. */
export function mergeChunk(chunks: StreamChunk[], chunk: StreamChunk): void {
  const last = chunks.at(-1);
  switch (chunk.type) {
    case "token":
      if (last?.type === "token" && last.refusal === chunk.refusal)
        chunks[chunks.length - 1] = { ...last, content: last.content + chunk.content };
      else chunks.push(chunk);
      return;
    case "reasoning":
      if (last?.type === "reasoning") chunks[chunks.length - 1] = { ...last, content: last.content + chunk.content };
      else chunks.push(chunk);
      return;
    case "tool_call_delta": {
      const at = chunks.findIndex((other) => other.type === "tool_call_delta" && other.index === chunk.index);
      const open = chunks[at];
      if (open?.type === "tool_call_delta") chunks[at] = { ...open, ...chunk, arguments: open.arguments + chunk.arguments };
      else chunks.push(chunk);
      return;
    }
    case "tool_call": {
      // The complete call says all its fragments said, at the place where the first of them stood.
      const at = chunks.findIndex((other) => other.type === "tool_call_delta" && other.index === chunk.index);
      if (at === -1) chunks.push(chunk);
      else chunks[at] = chunk;
      return;
    }
    case "tool_progress": {
      const at = chunks.findIndex((other) => other.type === "tool_progress" && other.id === chunk.id);
      if (at === -1) chunks.push(chunk);
      else chunks[at] = chunk;
      return;
    }
    case "usage": {
      const at = chunks.findIndex((other) => other.type === "usage");
      if (at === -1) chunks.push(chunk);
      else chunks[at] = { ...chunks[at], ...chunk };
      return;
    }
    case "snapshot":
      chunks.splice(0, chunks.length, ...chunk.message.chunks);
      return;
    default:
      chunks.push(chunk);
  }
}
