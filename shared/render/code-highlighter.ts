/**
 * Colours of complete code blocks, in idle time: each box of 32 lines is read once. With the grammars it is a chunk of its own,
 * which the renderer asks for with the first complete block.
 */
import { highlight } from "../highlight/highlighter.ts";
import type { CodeToken, Highlight } from "../highlight/tokens.ts";
import type { HighlightCode } from "./code-writer.ts";
import { createElement } from "./elements.ts";
import { whenIdle } from "./idle.ts";

/** Work per idle slice, in ms. One box takes about 1 ms. */
const SLICE_MS = 8;
/** The longest a slice waits for idle time, in ms. */
const IDLE_TIMEOUT_MS = 1_000;
/** A comment or string that spans boxes is read together with what follows, up to so many boxes or characters; beyond, the rest stays plain. */
const MAX_BOXES = 8;
const MAX_CHARACTERS = 16_384;

interface Job {
  readonly language: string;
  readonly boxes: readonly Element[];
  /** The next box to colour. */
  at: number;
  /** Boxes that are read together. */
  count: number;
}

export interface HighlightOptions {
  /** @defaultValue the grammars of highlight.js */
  highlight?: Highlight;
  /** Clock in ms that bounds a slice. @defaultValue `performance.now` */
  now?: () => number;
}

/** The blocks that wait, of all messages of a page: they share its idle time. */
class CodeHighlighter {
  readonly #highlight: Highlight;
  readonly #now: () => number;
  #jobs: Job[] = [];
  #scheduled = false;

  constructor({ highlight: tokensOf = highlight, now = () => performance.now() }: HighlightOptions) {
    this.#highlight = tokensOf;
    this.#now = now;
  }

  add(code: Element, language: string): () => void {
    const job: Job = { language, boxes: [...code.children].filter((child) => child.className === "lines"), at: 0, count: 1 };
    this.#jobs.push(job);
    this.#schedule();
    return () => {
      this.#jobs = this.#jobs.filter((other) => other !== job);
    };
  }

  #schedule(): void {
    if (this.#scheduled || this.#jobs.length === 0) return;
    this.#scheduled = true;
    const run = (): void => {
      this.#scheduled = false;
      this.#slice();
      this.#schedule();
    };
    whenIdle(run, IDLE_TIMEOUT_MS);
  }

  #slice(): void {
    const start = this.#now();
    while (this.#now() - start < SLICE_MS) {
      const job = this.#jobs[0];
      if (!job) return;
      const [first] = job.boxes;
      // New nodes would take a selection away: wait for the next slice, behind the others.
      if (first?.parentElement && isSelected(first.parentElement)) {
        this.#jobs.push(...this.#jobs.splice(0, 1));
        return;
      }
      if (!this.#step(job)) this.#jobs.shift();
    }
  }

  /** Colours the next boxes of a block; false when it is done. */
  #step(job: Job): boolean {
    const boxes = job.boxes.slice(job.at, job.at + job.count);
    const text = boxes.map((box) => box.textContent ?? "").join("");
    if (boxes.length === 0 || text.length > MAX_CHARACTERS) return false;
    const result = this.#highlight(job.language, text);
    if (!result) return false;
    if (result.open && job.at + job.count < job.boxes.length) {
      job.count++;
      return job.count <= MAX_BOXES;
    }
    paint(boxes, result.tokens);
    job.at += job.count;
    job.count = 1;
    return job.at < job.boxes.length;
  }
}

/** Puts the tokens in place of the plain text, cut where a box ends. */
function paint(boxes: readonly Element[], tokens: readonly CodeToken[]): void {
  let token = 0;
  let used = 0;
  for (const box of boxes) {
    const nodes: Node[] = [];
    for (let left = box.textContent?.length ?? 0; left > 0;) {
      const { text, kind } = tokens[token] ?? { text: "", kind: null };
      const part = text.slice(used, used + left);
      if (part === "") return;
      nodes.push(kind ? createElement(box.ownerDocument, "span", { class: `hl-${kind}` }, part) : box.ownerDocument.createTextNode(part));
      left -= part.length;
      used += part.length;
      if (used === text.length) {
        token++;
        used = 0;
      }
    }
    // The caret stays.
    for (const node of Array.from(box.childNodes)) if (node.nodeType === 3) node.remove();
    box.prepend(...nodes);
  }
}

function isSelected(element: Element): boolean {
  const root = element.getRootNode();
  // In Chromium a shadow root has a selection of its own; elsewhere the document's reaches inside.
  const selection = (root as Partial<DocumentOrShadowRootWithSelection>).getSelection?.() ?? element.ownerDocument.getSelection();
  if (!selection || selection.isCollapsed) return false;
  return element.contains(selection.anchorNode) || element.contains(selection.focusNode);
}

interface DocumentOrShadowRootWithSelection {
  getSelection(): Selection | null;
}

/** @returns colours a complete block when there is time; what that returns forgets it */
export function createCodeHighlighter(options: HighlightOptions = {}): HighlightCode {
  const highlighter = new CodeHighlighter(options);
  return (code, language) => highlighter.add(code, language);
}

/** The one of the page. */
export const highlightCode: HighlightCode = createCodeHighlighter();
