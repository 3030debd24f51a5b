/** Pictures on their way to a model: what a user sent along, and what a tool of the client returned. */
import type { RequestMessage } from "../../shared/protocol/request.ts";

/** A `data:` address taken apart. */
export interface Picture {
  mediaType: string;
  data: string;
}

export function parsePicture(url: string): Picture | null {
  const match = /^data:(image\/(?:jpeg|png|webp));base64,([A-Za-z0-9+/]+={0,2})$/.exec(url);
  return match ? { mediaType: match[1]!, data: match[2]! } : null;
}

/** A tool's result of the form `{image: "data:image/…", …}`, with the picture taken out: as text it would be 40,000 tokens of nothing. */
export function splitPicture({ role, content }: RequestMessage): { text: string; image: string | null } {
  if (role !== "tool" || !content.includes('"data:image/')) return { text: content, image: null };
  try {
    const { image, ...rest } = JSON.parse(content) as Record<string, unknown>;
    if (typeof image === "string" && parsePicture(image)) return { text: JSON.stringify({ ...rest, image: "attached" }), image };
  } catch {
    // Not the form above: text like any other.
  }
  return { text: content, image: null };
}
