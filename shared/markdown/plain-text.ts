import type { Inline } from "./tree.ts";

/** Text of content without its markup: the description of an image, the label of a link. */
export function plainText(content: readonly Inline[]): string {
  let text = "";
  for (const node of content) {
    if ("text" in node) text += node.text;
    else if ("children" in node) text += plainText(node.children);
    else if (node.kind === "image") text += node.alt;
    else if (node.kind === "break") text += "\n";
  }
  return text;
}
