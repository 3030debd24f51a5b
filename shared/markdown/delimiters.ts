/**
 * Delimiter runs of `*`, `_` and `~`, and the algorithm that pairs them
 * (https://spec.commonmark.org/0.31.2/#phase-2-inline-structure, https://github.github.com/gfm/#strikethrough-extension-).
 *
 * A pairing only marks its two runs: a run remembers what it closes and what it opens, and the tree is built from the
 * marks in one pass at the end. Nothing is moved while pairing.
 */
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
  /** The wrappers that begin here, outermost first, by the number of characters they use: two make strong emphasis of `*`. */
  readonly opens: number[];
  previous: DelimiterRun | null;
  next: DelimiterRun | null;
}

const PUNCTUATION = /[\p{P}\p{S}]/u;

/** The run from `at` to `end`, with its flanking; null when it is text, such as `~~~` and a `*` between spaces. */
export function readDelimiterRun(text: string, at: number, end: number): DelimiterRun | null {
  const char = text.charAt(at);
  const length = end - at;
  // Whole characters: the one before may be a surrogate pair. The ends of the text count as white space.
  const before = text.substring(at - ((text.charCodeAt(at - 1) & 0xfc_00) === 0xdc_00 ? 2 : 1), at);
  const after = String.fromCodePoint(text.codePointAt(end) ?? 10);
  const beforeSpace = before.trim() === "";
  const beforePunctuation = PUNCTUATION.test(before);
  const afterSpace = after.trim() === "";
  const afterPunctuation = PUNCTUATION.test(after);
  const left = !afterSpace && (!afterPunctuation || beforeSpace || beforePunctuation);
  const right = !beforeSpace && (!beforePunctuation || afterSpace || afterPunctuation);
  const intraword = char === "_";
  const canOpen = left && (!intraword || !right || beforePunctuation);
  const canClose = right && (!intraword || !left || afterPunctuation);
  if (!(canOpen || canClose) || (char === "~" && length > 2)) return null;
  return { kind: "run", char, at, length, left: length, canOpen, canClose, closes: 0, opens: [], previous: null, next: null };
}

export class DelimiterStack {
  top: DelimiterRun | null = null;

  push(run: DelimiterRun): void {
    run.previous = this.top;
    if (this.top) this.top.next = run;
    this.top = run;
  }

  #remove({ previous, next }: DelimiterRun): void {
    if (previous) previous.next = next;
    if (next) next.previous = previous;
    else this.top = previous;
  }

  /** Drops everything above `bottom`. */
  cut(bottom: DelimiterRun | null): void {
    this.top = bottom;
    if (bottom) bottom.next = null;
  }

  /**
   * Pairs what lies above `bottom`. Only runs that may still open stay on the stack, so it can be called again after more
   * runs have come: a closer only ever looks back.
   *
   * `floors` remembers, per kind of closer, below which run there is no opener for it. Without it "a**b" repeated
   * would look back over the whole stack each time.
   */
  pair(bottom: DelimiterRun | null): void {
    const floors = new Map<string, DelimiterRun | null>();
    let closer = this.top;
    while (closer && closer.previous !== bottom) closer = closer.previous;
    while (closer) {
      const { char, canOpen, canClose, length, previous }: DelimiterRun = closer;
      const next: DelimiterRun | null = closer.next;
      if (!canClose) {
        closer = next;
        continue;
      }
      const kind = char + canOpen + (length % 3);
      const floor = floors.get(kind) ?? bottom;
      let opener = previous;
      while (opener && opener !== bottom && opener !== floor && !matches(opener, closer)) opener = opener.previous;
      if (opener && opener !== bottom && opener !== floor) {
        const used = Math.min(2, opener.left, closer.left);
        opener.opens.unshift(used);
        closer.closes++;
        opener.left -= used;
        closer.left -= used;
        opener.next = closer;
        closer.previous = opener;
        if (opener.left === 0) this.#remove(opener);
        if (closer.left > 0) continue;
        this.#remove(closer);
      } else {
        floors.set(kind, previous);
        if (!canOpen) this.#remove(closer);
      }
      closer = next;
    }
  }
}

function matches(opener: DelimiterRun, closer: DelimiterRun): boolean {
  const { char, length } = closer;
  if (opener.char !== char || !opener.canOpen) return false;
  if (char === "~") return opener.length === length;
  // Rules 9 and 10 of emphasis: lengths that sum to a multiple of three pair only when both are.
  return !(closer.canOpen || opener.canClose) || length % 3 === 0 || (opener.length + length) % 3 !== 0;
}
