/**
 * Delimiter runs of `*`, `_` and `~`, and the algorithm that pairs them
 * (https://spec.commonmark.org/0.31.2/#phase-2-inline-structure, https://github.github.com/gfm/#strikethrough-extension-).
 *
 * A pairing only marks its two runs: a run remembers what it closes and what it opens, and the tree is built from the
 * marks in one pass at the end. Nothing is moved while pairing.
 */

export type Wrapper = "emphasis" | "strong" | "strikethrough";

export interface DelimiterRun {
  readonly kind: "run";
  readonly char: string;
  /** Offset in the text. */
  readonly at: number;
  /** Length as written; the "multiple of three" rule looks at it. */
  readonly length: number;
  /** Characters not used up yet; they are literal text when they stay. */
  left: number;
  readonly canOpen: boolean;
  readonly canClose: boolean;
  /** How many wrappers end here, innermost first. */
  closes: number;
  /** What begins here, innermost first. */
  readonly opens: Wrapper[];
  previous: DelimiterRun | null;
  next: DelimiterRun | null;
}

const SPACE = /\s/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;

/** The run at `offset`, with its flanking; null when its length makes it text (`~~~` and longer). */
export function scanDelimiterRun(text: string, offset: number): DelimiterRun | null {
  const char = text[offset] ?? "";
  let end = offset + 1;
  while (text[end] === char) end++;
  const length = end - offset;
  if (char === "~" && length > 2) return null;
  const before = characterBefore(text, offset);
  const after = end < text.length ? String.fromCodePoint(text.codePointAt(end) ?? 10) : "\n";
  const beforeSpace = SPACE.test(before);
  const beforePunctuation = PUNCTUATION.test(before);
  const afterSpace = SPACE.test(after);
  const afterPunctuation = PUNCTUATION.test(after);
  const left = !afterSpace && (!afterPunctuation || beforeSpace || beforePunctuation);
  const right = !beforeSpace && (!beforePunctuation || afterSpace || afterPunctuation);
  const intraword = char === "_";
  return {
    kind: "run",
    char,
    at: offset,
    length,
    left: length,
    canOpen: left && (!intraword || !right || beforePunctuation),
    canClose: right && (!intraword || !left || afterPunctuation),
    closes: 0,
    opens: [],
    previous: null,
    next: null,
  };
}

function characterBefore(text: string, offset: number): string {
  if (offset === 0) return "\n";
  const unit = text.charCodeAt(offset - 1);
  const lowSurrogate = unit >= 0xdc_00 && unit <= 0xdf_ff && offset > 1;
  return String.fromCodePoint(text.codePointAt(offset - (lowSurrogate ? 2 : 1)) ?? 10);
}

export class DelimiterStack {
  top: DelimiterRun | null = null;

  push(run: DelimiterRun): void {
    run.previous = this.top;
    if (this.top) this.top.next = run;
    this.top = run;
  }

  #remove(run: DelimiterRun): void {
    if (run.previous) run.previous.next = run.next;
    if (run.next) run.next.previous = run.previous;
    else this.top = run.previous;
  }

  /** Drops everything above `bottom`. */
  cut(bottom: DelimiterRun | null): void {
    this.top = bottom;
    if (bottom) bottom.next = null;
  }

  /**
   * Pairs what lies above `bottom`. Runs that may still open stay on the stack, so it can be called again after more
   * runs have come: a closer only ever looks back.
   *
   * `bottoms` remembers, per kind of closer, below which run there is no opener for it. Without it "a**b" repeated
   * would look back over the whole stack each time.
   */
  pair(bottom: DelimiterRun | null): void {
    const bottoms = new Map<string, DelimiterRun | null>();
    let closer = this.top;
    while (closer && closer.previous !== bottom) closer = closer.previous;
    while (closer) {
      if (!closer.canClose) {
        closer = closer.next;
        continue;
      }
      const kind: string = closer.char === "~" ? `~${closer.length}` : `${closer.char}${closer.canOpen}${closer.length % 3}`;
      const floor = bottoms.has(kind) ? bottoms.get(kind) : bottom;
      let opener = closer.previous;
      while (opener && opener !== bottom && opener !== floor && !matches(opener, closer)) opener = opener.previous;
      if (opener && opener !== bottom && opener !== floor) {
        const used: number = closer.char === "~" ? closer.length : opener.left >= 2 && closer.left >= 2 ? 2 : 1;
        opener.opens.push(closer.char === "~" ? "strikethrough" : used === 2 ? "strong" : "emphasis");
        closer.closes++;
        opener.left -= used;
        closer.left -= used;
        opener.next = closer;
        closer.previous = opener;
        if (opener.left === 0) this.#remove(opener);
        if (closer.left === 0) {
          this.#remove(closer);
          closer = closer.next;
        }
      } else {
        bottoms.set(kind, closer.previous);
        if (!closer.canOpen) this.#remove(closer);
        closer = closer.next;
      }
    }
  }
}

function matches(opener: DelimiterRun, closer: DelimiterRun): boolean {
  if (opener.char !== closer.char || !opener.canOpen) return false;
  if (closer.char === "~") return opener.length === closer.length;
  // Rules 9 and 10 of emphasis: lengths that sum to a multiple of three pair only when both are.
  const odd = (closer.canOpen || opener.canClose) && closer.length % 3 !== 0 && (opener.length + closer.length) % 3 === 0;
  return !odd;
}
