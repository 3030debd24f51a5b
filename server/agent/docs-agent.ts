/** The built-in agent: it answers questions about the docs. */
import { SEARCH_DOCS } from "../providers/docs-passages.ts";
import type { AgentDefinition } from "./agent-store.ts";

export function docsAgent(): AgentDefinition {
  return {
    id: "docs",
    name: "Docs",
    instructions:
      "You answer questions about this product from its documentation. Search it with search_docs before you answer, and answer only from what you found. " +
      "Cite the sections you use by their numbers, like [1]. When the documentation does not say, tell that plainly. Be short and exact; quote code as it stands.",
    tools: [SEARCH_DOCS],
  };
}
