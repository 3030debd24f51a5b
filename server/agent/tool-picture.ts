/** A picture that a tool of the client returned, on its way to the model. */
import type { RequestImage } from "../../shared/protocol/request.ts";

/** A result of the form `{image: "data:image/…", …}`, with the picture taken out: as text it would be 40,000 tokens of nothing. */
export function splitPicture(modelText: string): { text: string; image: RequestImage | null } {
  if (!modelText.includes('"data:image/')) return { text: modelText, image: null };
  try {
    const { image: address, ...rest } = JSON.parse(modelText) as Record<string, unknown>;
    const [, mediaType, data] = /^data:(image\/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/]+={0,2})$/.exec(String(address)) ?? [];
    if (mediaType && data) return { text: JSON.stringify({ ...rest, image: "attached" }), image: { mediaType, data } as RequestImage };
  } catch {
    // Not of the form above: text like any other.
  }
  return { text: modelText, image: null };
}
