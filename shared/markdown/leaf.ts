/**
 * The inline content of one paragraph, heading or cell while its text grows: what is settled is never read again, what
 * is not is read at most a constant number of times.
 */
import { InlineParser } from "./inline-parser.ts";
import type { INCOMPLETE, Scanned } from "./links.ts";
import type { BlockCounters } from "./block-parser.ts";
import type { References, WaitingLeaf } from "./references.ts";
import { withoutEnd } from "./runs.ts";
import type { Inline, TreeSink } from "./tree.ts";

/**
 * Unsettled text above this many characters (an opener that never closes) is read again only when it has grown by an
 * eighth; in between, new text is shown as it is. The readings then form a geometric series: at most nine times the text.
 */
const BACK_OFF = 4_096;

/** So much is shown as it is at once when it cannot be markup, instead of reading the unsettled text again. */
const PLAIN_STEP = 256;
const PLAIN = /^[\p{L}\p{N} ,;]+$/u;

/** The formula at an offset; `INCOMPLETE` when more text could still make it one. Looks ahead a bounded number of characters. */
export type MathScan = (text: string, offset: number) => Scanned<{ text: string; display: boolean }> | typeof INCOMPLETE | null;

/** Parts of the syntax that can be switched off and on. */
export interface MarkdownOptions {
  /**
   * Addresses without brackets (`https://example.com`, `www.example.com`, `a@example.com`) are links, as in GFM.
   * @defaultValue `true`
   */
  bareAddresses?: boolean | undefined;
  /** Finds mathematics in a line. With it, a line of `$$` also begins a block of code in the language `math`. @defaultValue none */
  math?: MathScan | undefined;
}

/** What the leaves of a document share. */
export interface LeafContext<H> {
  readonly options: MarkdownOptions;
  readonly references: References;
  readonly counters: BlockCounters;
  readonly sink: TreeSink<H>;
}

export class Leaf<H> implements WaitingLeaf {
  readonly #context: LeafContext<H>;
  readonly #handle: H;
  readonly #task: boolean;
  readonly #trim: (text: string) => string;
  /** Text that is not settled, as far as it has been read. The settled text before it is not kept here. */
  #tail = "";
  /** Text after it that is shown unread, and text that is not shown yet. */
  #raw = "";
  #fresh = "";
  /** Nodes shown for the settled text, for the rest of what was read, and for the raw text. */
  #settledNodes = 0;
  #readNodes = 0;
  #rawNodes = 0;
  /** The last text of what was read, as it is written, when plain words can only make it longer. */
  #growing: string | null = null;
  #beginning = true;
  /** The whole text, kept only while definitions are missing. */
  #text = "";
  readonly #missing = new Set<string>();

  /**
   * @param task a leading `[x]` is a checkbox
   * @param trim takes off what the end of the text does not show
   */
  constructor(context: LeafContext<H>, handle: H, task = false, trim = trimEnd) {
    this.#context = context;
    this.#handle = handle;
    this.#task = task;
    this.#trim = trim;
  }

  get length(): number {
    return this.#text.length;
  }

  add(text: string): void {
    this.#fresh += text;
  }

  /** Starts over with another text. */
  restart(text: string): void {
    this.#tail = "";
    this.#raw = "";
    this.#fresh = text;
    this.#settledNodes = 0;
    this.#beginning = true;
    this.#missing.clear();
  }

  /** Shows the content of a leaf that still grows. */
  show(): void {
    const fresh = this.#fresh;
    if (fresh === "") return;
    const read = this.#tail.length;
    const unread = this.#raw.length + fresh.length;
    const shown = this.#settledNodes + this.#readNodes;
    if (this.#growing !== null && unread < PLAIN_STEP && PLAIN.test(fresh)) {
      this.#growing += fresh;
      this.#inline(shown - 1, [{ kind: "text", text: this.#trim(this.#growing) }]);
    } else if (read > BACK_OFF && unread < read / 8) {
      this.#growing = null;
      this.#inline(shown + this.#rawNodes++, [{ kind: "text", text: fresh }]);
    } else {
      this.#read(true);
      return;
    }
    this.#context.counters.inlineBytes += fresh.length;
    this.#raw += fresh;
    this.#fresh = "";
  }

  /** Shows the content of a leaf whose text is complete. `text` is the whole of it, for when a definition comes later. */
  finish(text: string): void {
    this.#read(false);
    this.#tail = "";
    if (this.#missing.size === 0) return;
    this.#text = text;
    this.#context.references.wait(this, this.#missing);
  }

  readAgain(): ReadonlySet<string> {
    this.restart(this.#text);
    this.#read(false);
    this.#tail = "";
    return this.#missing;
  }

  #inline(from: number, content: readonly Inline[]): void {
    this.#context.counters.ops++;
    this.#context.sink.inline(this.#handle, from, content);
  }

  #read(speculative: boolean): void {
    const { options, references, counters } = this.#context;
    const text = this.#tail + this.#raw + this.#fresh;
    const shown = this.#trim(text);
    const { content, settledLength, settledNodes, calm } = new InlineParser(shown, {
      ...options,
      references,
      missing: this.#missing,
      speculative,
      task: this.#task && this.#beginning,
    }).parse();
    counters.inlineBytes += text.length;
    this.#inline(this.#settledNodes, content);
    if (settledLength > 0) this.#beginning = false;
    this.#settledNodes += settledNodes;
    this.#readNodes = content.length - settledNodes;
    this.#rawNodes = 0;
    const last = content.at(-1);
    // The space at the end is not shown before something follows it.
    this.#growing = calm && last?.kind === "text" && !mayBeAddress(last.text) ? last.text + text.slice(shown.length) : null;
    this.#tail = text.slice(settledLength);
    this.#raw = "";
    this.#fresh = "";
  }
}

/** Whether more words can change the text: it ends with what may be an address. */
function mayBeAddress(text: string): boolean {
  return /[@:/.]/.test(text.slice(text.lastIndexOf(" ") + 1));
}

/** White space at the end of a leaf is no hard break. */
function trimEnd(text: string): string {
  return withoutEnd(text, " \t\n");
}
