/** Full-text search over a folder of Markdown files, by section. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";

import MiniSearch from "minisearch";

import { plainText, splitMarkdown } from "./markdown-sections.ts";
import { terms, toTerm, words } from "./search-terms.ts";

/** More than this is no folder of documentation, and would be read into memory. */
const MAX_FILES = 2000;
const MAX_FILE_BYTES = 1_048_576;

/**
 * Part of the question's weight (rare words weigh more) that a section has to contain to count as an answer.
 * Half is not enough: "capital" alone does not answer "What is the capital of France?".
 */
const MIN_COVERAGE = 0.51;

export interface DocsHit {
  /** Title of the page. */
  title: string;
  /** Heading of the section; the title where the section is the top of the page. */
  heading: string;
  /** Path inside the folder and anchor, such as `embed.md#attributes`. */
  location: string;
  /** Markdown of the section. */
  text: string;
  /** Higher is better; comparable inside one answer only. */
  score: number;
}

export interface DocsSearch {
  hits: DocsHit[];
  /** What comes closest when nothing matches. */
  nearest: Pick<DocsHit, "title" | "heading" | "location">[];
}

interface IndexedSection {
  id: number;
  title: string;
  heading: string;
  text: string;
}

export class DocsIndex {
  /** Path → Markdown of every page. */
  readonly pages = new Map<string, string>();
  readonly #hits: DocsHit[] = [];
  readonly #documentFrequency = new Map<string, number>();
  readonly #search = new MiniSearch<IndexedSection>({
    fields: ["title", "heading", "text"],
    tokenize: words,
    processTerm: toTerm,
    searchOptions: {
      boost: { heading: 4, title: 3 },
      // Short words have too many neighbours: "part" is no misspelt "port".
      fuzzy: (term) => (term.length > 5 ? 0.15 : false),
      prefix: (term) => term.length > 3,
      weights: { fuzzy: 0.3, prefix: 0.4 },
      // A README tells in short what the pages tell in full.
      boostDocument: (id) => (/^readme\b/i.test(this.#hits[id as number]?.location ?? "") ? 0.6 : 1),
    },
  });

  /** Reads every `.md` below the given folders and files. A path that is missing is an error that names it. */
  static async load(paths: readonly string[], ignore: (path: string) => boolean = () => false): Promise<DocsIndex> {
    const index = new DocsIndex();
    for (const path of paths) {
      const isFolder = (await stat(path)).isDirectory();
      const files = isFolder ? await markdownFiles(path) : [path];
      for (const file of files) {
        const name = isFolder ? relative(path, file).split(sep).join("/") : basename(file);
        if (!ignore(name) && (await stat(file)).size <= MAX_FILE_BYTES) index.add(name, await readFile(file, "utf8"));
      }
    }
    return index;
  }

  add(path: string, markdown: string): void {
    this.pages.set(path, markdown);
    const page = splitMarkdown(markdown, basename(path, ".md"));
    for (const section of page.sections) {
      const id = this.#hits.length;
      const heading = [...section.trail, section.heading].join(" › ");
      this.#hits.push({
        title: page.title,
        heading,
        location: section.anchor ? `${path}#${section.anchor}` : path,
        text: section.text,
        score: 0,
      });
      // At the top of a page heading and title are the same words, which must not count twice.
      this.#search.add({ id, title: page.title, heading: heading === page.title ? "" : heading, text: section.text });
      for (const term of terms(`${page.title} ${heading} ${section.text}`)) {
        this.#documentFrequency.set(term, (this.#documentFrequency.get(term) ?? 0) + 1);
      }
    }
  }

  /** Titles of the pages, in order. */
  get titles(): string[] {
    return [...new Set(this.#hits.map((hit) => hit.title))];
  }

  search(query: string, limit: number): DocsSearch {
    const asked = terms(query);
    if (asked.length === 0) return { hits: [], nearest: this.#topsOfPages(limit) };
    const total = asked.reduce((sum, term) => sum + this.#weight(term), 0);
    const ranked = this.#search
      .search(query)
      .map((result) => {
        let covered = 0;
        for (const term of asked) covered += this.#weight(term) * bestMatch(term, result.terms);
        return { id: result.id as number, coverage: covered / total, score: result.score * (0.5 + covered / total) };
      })
      .toSorted((a, b) => b.score - a.score);
    const found = ranked.filter((result) => result.coverage >= MIN_COVERAGE).slice(0, limit);
    if (found.length > 0)
      return { hits: found.map(({ id, score }) => ({ ...this.#hit(id), score: Math.round(score * 100) / 100 })), nearest: [] };
    const close = ranked.slice(0, 3).map(({ id }) => this.#hit(id));
    return { hits: [], nearest: close.length > 0 ? close : this.#topsOfPages(3) };
  }

  #hit(id: number): DocsHit {
    const hit = this.#hits[id];
    if (!hit) throw new RangeError(`no section ${id}`);
    return hit;
  }

  #topsOfPages(limit: number): DocsHit[] {
    return this.#hits.filter((hit) => !hit.location.includes("#")).slice(0, limit);
  }

  /** Inverse document frequency. A word the docs never use weighs as much as a rare one, not more: it may be just a way of asking. */
  #weight(term: string): number {
    return Math.log(1 + this.#hits.length / Math.max(2, this.#documentFrequency.get(term) ?? 0));
  }
}

/** The first sentence or two of a section, without marks. */
export function snippetOf(text: string, chars = 180): string {
  const prose = plainText(text.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, " ").replace(/^[|>#\s*-]+/gm, " "));
  const plain = prose || plainText(text);
  return plain.length <= chars ? plain : `${plain.slice(0, plain.lastIndexOf(" ", chars) > 0 ? plain.lastIndexOf(" ", chars) : chars)}…`;
}

/** 1 for the word itself, less for its beginning and for a misspelling. */
function bestMatch(term: string, matched: readonly string[]): number {
  let best = 0;
  for (const candidate of matched) {
    if (candidate === term) return 1;
    if (term.length > 3 && candidate.startsWith(term)) best = Math.max(best, 0.5);
    else if (Math.abs(candidate.length - term.length) <= 1 && candidate[0] === term[0] && term.length > 5) best = Math.max(best, 0.5);
  }
  return best;
}

async function markdownFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && /\.(md|markdown)$/i.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter(
      (path) =>
        !relative(folder, path)
          .split(sep)
          .some((part) => part.startsWith(".") || part === "node_modules"),
    );
  if (files.length > MAX_FILES) throw new Error(`${folder} holds ${files.length} Markdown files; at most ${MAX_FILES} are read`);
  return files.toSorted();
}
