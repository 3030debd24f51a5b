/** What `search_docs` tells a model: the contract between the tool and whoever reads its result. */

export const SEARCH_DOCS = "search_docs";

export interface SearchDocsPassage {
  /** Number of the citation, from "1": the marker `[1]` in the answer and the `source` event share it. */
  id: string;
  title: string;
  heading: string;
  url?: string;
  score: number;
  /** Markdown, links made absolute. */
  text: string;
}

export interface SearchDocsAnswer {
  query: string;
  hits: SearchDocsPassage[];
  nearest: { title: string; heading: string; url?: string }[];
}
