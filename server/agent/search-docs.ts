/** The tool `search_docs`: the best sections of the docs for a question, with citations. */
import type { JsonValue, SourceChunk } from "../../shared/protocol/chunk.ts";
import { snippetOf, type DocsHit, type DocsIndex } from "../providers/docs-index.ts";
import { SEARCH_DOCS, type SearchDocsAnswer } from "../providers/docs-passages.ts";
import { ToolError, type Tool, type ToolOutcome } from "./tool.ts";

const MAX_LIMIT = 10;
const DEFAULT_LIMIT = 5;
/** A section longer than this is cut for the model, in characters: five of them have to fit into one result. */
const SECTION_CHARS = 6000;

export interface SearchDocsOptions {
  index: () => Promise<DocsIndex>;
  /** Address a location (`embed.md#attributes`) lies under, ending with `/`; without one the citations carry no link. */
  baseUrl: () => string | undefined;
}

export function createSearchDocs(options: SearchDocsOptions): Tool {
  return {
    name: SEARCH_DOCS,
    description: "Searches the documentation and returns the sections that fit the question best. Cite them by their number, like [1].",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string", description: "What to look for, in the words of the docs" },
        limit: { type: "integer", minimum: 1, maximum: MAX_LIMIT, description: "Most sections to return" },
      },
      required: ["query"],
    },
    async run(input, { reserveCitations }): Promise<ToolOutcome> {
      const { query, limit } = readInput(input);
      const index = await options.index();
      const found = index.search(query, limit);
      const base = options.baseUrl();
      const first = reserveCitations(found.hits.length);
      const linked = (section: Pick<DocsHit, "title" | "heading" | "location">) => ({
        title: section.title,
        heading: section.heading,
        ...(base === undefined ? {} : { url: base + section.location }),
      });
      const answer: SearchDocsAnswer = {
        query,
        hits: found.hits.map((hit, position) => ({
          id: String(first + position),
          ...linked(hit),
          score: hit.score,
          text: withAbsoluteLinks(hit.text.slice(0, SECTION_CHARS), base, hit.location),
        })),
        nearest: found.nearest.map(linked),
      };
      return {
        result: { hits: answer.hits.map(({ id, title, heading, score }) => ({ id, title, heading, score })) },
        modelText: JSON.stringify(answer),
        sources: found.hits.map((hit, position): SourceChunk => ({
          type: "source",
          id: String(first + position),
          title: hit.heading === hit.title ? hit.title : `${hit.title}: ${hit.heading}`,
          ...(base === undefined ? {} : { url: base + hit.location }),
          snippet: snippetOf(hit.text),
        })),
      };
    },
  };
}

function readInput(input: JsonValue): { query: string; limit: number } {
  const { query, limit } = typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
  if (typeof query !== "string" || query.trim() === "") throw new ToolError("`query` must be a text.");
  const wanted = typeof limit === "number" && Number.isInteger(limit) ? limit : DEFAULT_LIMIT;
  return { query: query.trim().slice(0, 500), limit: Math.min(Math.max(1, wanted), MAX_LIMIT) };
}

/** A passage is read far from its page, so its relative links have to name the page. Code is left alone. */
function withAbsoluteLinks(markdown: string, base: string | undefined, location: string): string {
  const page = location.split("#")[0] ?? location;
  return markdown
    .split(/(^(?:`{3,}|~{3,})[\s\S]*?^(?:`{3,}|~{3,})[ \t]*$|`[^`\n]*`)/m)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, link)))
    .join("");

  function link(_: string, image: string, text: string, target: string): string {
    if (image) return text;
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return `[${text}](${target})`;
    if (base === undefined) return text;
    if (target.startsWith("#")) return `[${text}](${base}${page}${target})`;
    return `[${text}](${resolvePath(base, page, target)})`;
  }
}

function resolvePath(base: string, page: string, target: string): string {
  // A stand-in origin lets URL do the `..` arithmetic for bases that are paths only.
  const resolved = new URL(target, new URL(page, new URL(base, "http://docs.invalid"))).href;
  return /^https?:/i.test(base) ? resolved : resolved.replace("http://docs.invalid", "");
}
