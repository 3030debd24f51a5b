/**
 * Inline structure of one leaf: code spans, emphasis, links, images, autolinks, entities, hard breaks. One pass over the
 * text, then one over the tokens; linear whatever the input (cmark's pathological cases are among the tests).
 *
 * Two additions to the specification's algorithm, both for text that is still arriving:
 *
 * - Checkpoints. Where no bracket, delimiter or code span is open, nothing that follows can change what came before.
 *   The last such place is reported, and the caller never reads the text before it again.
 * - Speculation. While the text has no end yet, markup that is open is shown as if it closed where the text stops, and
 *   a half-arrived marker at the very end is left out, so that neither `**` nor `](https://` flashes up. A link becomes
 *   one only when it is complete.
 */
import { addWithEmails, scanAngleAutolink, scanBareAutolink } from "./autolinks.ts";
import { type DelimiterRun, DelimiterStack, readDelimiterRun } from "./delimiters.ts";
import { readEntity } from "./entities.ts";
import { INCOMPLETE, type LinkTarget, MAX_LABEL, normalizeLabel, type Scanned, scanInlineTarget, scanLabel } from "./links.ts";
import type { MarkdownOptions } from "./leaf.ts";
import { plainText } from "./plain-text.ts";
import type { References } from "./references.ts";
import { endOfRun, withoutEnd } from "./runs.ts";
import type { Inline } from "./tree.ts";

export interface InlineOptions extends MarkdownOptions {
  references: References;
  /** Receives the labels that were not found. */
  missing: Set<string>;
  /** The text goes on: see above. */
  speculative: boolean;
  /** A leading `[ ]` or `[x]` is a checkbox. */
  task: boolean;
}

export interface InlineResult {
  content: Inline[];
  /** Characters and nodes of `content` that no further text can change. */
  settledLength: number;
  settledNodes: number;
  /** Nothing is open: letters and spaces behind it can only make its last text longer. */
  calm: boolean;
}

type Token = Inline | DelimiterRun;
type Wrapper = "emphasis" | "strong" | "strikethrough";

interface Bracket {
  readonly token: number;
  /** Offset after the `[`. */
  readonly at: number;
  readonly image: boolean;
  readonly delimiters: DelimiterRun | null;
  /** Another `[` came after it, so its text cannot be a label. */
  nested: boolean;
}

const SPECIAL = /[\n\\`*_~[\]<&$]|!\[|www\.|(?:https?|ftp):\/\//gi;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const PARTIAL_MARKER = /(?:[*_~`]+|\\|&#?[a-zA-Z0-9]{0,31})$/;
const TASK = /^\[([ \txX])\](?=[ \t\n])/;
/** Openers further back than this are shown as written: what is that old is rather a lone asterisk than unfinished emphasis. */
const SPECULATION_REACH = 512;
/** Text between two checkpoints. Smaller means less to read again per frame, larger fewer text nodes. */
const CHECKPOINT_STEP = 256;
/** Wrappers in wrappers. Deeper ones lose their mark but not their text; browsers fail at a few thousand nested elements. */
const MAX_NESTING = 32;

export class InlineParser {
  readonly #text: string;
  readonly #options: InlineOptions;
  #pos = 0;
  readonly #tokens: Token[] = [];
  readonly #delimiters = new DelimiterStack();
  readonly #brackets: Bracket[] = [];
  /** Brackets below this index cannot become links, because a link was found inside them. */
  #inactive = 0;
  /** Last offset of a backtick run per length, known once a search has run to the end: makes failing searches free. */
  readonly #backticks = new Map<number, number>();
  #backticksKnown = false;
  /** Something was seen whose meaning may change: a backtick run or a formula without an end, the end of a link's text, an address. */
  #waiting = false;
  #settledLength = 0;
  #settledTokens = 0;
  #nextCheckpoint = CHECKPOINT_STEP;

  constructor(text: string, options: InlineOptions) {
    this.#options = options;
    this.#text = options.speculative ? withoutPartialMarker(text) : text;
    this.#waiting = this.#text !== text;
  }

  parse(): InlineResult {
    const text = this.#text;
    if (this.#options.task) this.#task();
    while (this.#pos < text.length) {
      SPECIAL.lastIndex = this.#pos;
      const match = SPECIAL.exec(text);
      const at = match ? match.index : text.length;
      if (at > this.#pos) this.#plain(at);
      if (!match) break;
      if (!this.#special(match[0])) this.#literal(at + match[0].length);
    }
    this.#finish();
    const content = this.#build(0, this.#settledTokens, false);
    const settledNodes = content.length;
    this.#build(this.#settledTokens, this.#tokens.length, false, content);
    const calm = this.#options.speculative && !this.#waiting && this.#brackets.length === 0 && this.#delimiters.top === null;
    return { content, settledLength: this.#settledLength, settledNodes, calm };
  }

  #task(): void {
    const [, mark] = TASK.exec(this.#text) ?? [];
    if (mark !== undefined) this.#add({ kind: "checkbox", checked: mark.trim() !== "" }, 3);
    else if (this.#options.speculative && /^\[(?:[ \txX]\]?)?$/.test(this.#text)) this.#pos = this.#text.length;
  }

  /** Goes on at `end`, with a token for what lies before it. */
  #add(token: Token, end: number): true {
    this.#tokens.push(token);
    this.#pos = end;
    return true;
  }

  /** What lies before `end` is text. */
  #literal(end: number): true {
    return this.#add({ kind: "text", text: this.#text.slice(this.#pos, end) }, end);
  }

  /** Text without any special character, from the position up to `end`. */
  #plain(end: number): void {
    if (end >= this.#nextCheckpoint && this.#brackets.length === 0 && !this.#waiting) {
      const at = this.#checkpoint(end);
      if (at > 0) {
        this.#literal(at);
        this.#settledLength = at;
        this.#settledTokens = this.#tokens.length;
        this.#nextCheckpoint = at + CHECKPOINT_STEP;
      }
    }
    this.#literal(end);
  }

  /** Offset after a space inside the plain text where everything before is settled, or 0. */
  #checkpoint(end: number): number {
    // In the piece only: a search through the whole text would be quadratic where there are no spaces.
    const space = this.#text.slice(this.#pos, end - 1).lastIndexOf(" ");
    const at = this.#pos + space + 1;
    if (space < 0 || this.#text[at] === " ") return 0;
    this.#delimiters.pair(null);
    if (!this.#delimiters.top) return at;
    // Asked again after as much text as has been waiting: the stack of openers may be long.
    this.#nextCheckpoint = end + Math.max(CHECKPOINT_STEP, end - this.#settledLength);
    return 0;
  }

  /** Reads what `mark` begins; false when it is only text. */
  #special(mark: string): boolean {
    switch (mark) {
      case "\n":
        return this.#lineEnd();
      case "\\":
        return this.#backslash();
      case "$":
        return this.#math();
      case "`":
        return this.#code();
      case "*":
      case "_":
      case "~": {
        const end = endOfRun(this.#text, mark, this.#pos);
        const run = readDelimiterRun(this.#text, this.#pos, end);
        if (!run) return this.#literal(end);
        this.#delimiters.push(run);
        return this.#add(run, end);
      }
      case "[":
      case "![":
        return this.#openBracket(mark);
      case "]":
        return this.#closeBracket();
      case "<":
        return this.#scanned(scanAngleAutolink(this.#text, this.#pos));
      case "&": {
        const entity = readEntity(this.#text, this.#pos);
        return entity !== null && this.#add({ kind: "text", text: entity.text }, entity.end);
      }
      default:
        return this.#bareAddress(mark);
    }
  }

  #scanned(found: Scanned<Inline> | null): boolean {
    return found !== null && this.#add(found.value, found.end);
  }

  #lineEnd(): boolean {
    const last = this.#tokens.at(-1);
    let hard = false;
    if (last?.kind === "text") {
      hard = last.text.endsWith("  ");
      this.#tokens[this.#tokens.length - 1] = { kind: "text", text: withoutEnd(last.text, " ") };
    }
    return this.#add(hard ? { kind: "break" } : { kind: "text", text: "\n" }, endOfRun(this.#text, " ", this.#pos + 1));
  }

  #math(): boolean {
    const found = this.#options.math?.(this.#text, this.#pos);
    if (found !== INCOMPLETE) return this.#scanned(found ? { value: { kind: "math", ...found.value }, end: found.end } : null);
    this.#waiting = true;
    return false;
  }

  #backslash(): boolean {
    const next = this.#text.charAt(this.#pos + 1);
    if (/[([]/.test(next) && this.#math()) return true;
    if (next === "\n") return this.#add({ kind: "break" }, this.#pos + 2);
    return ESCAPABLE.test(next) && this.#add({ kind: "text", text: next }, this.#pos + 2);
  }

  #code(): boolean {
    const text = this.#text;
    const start = endOfRun(text, "`", this.#pos);
    const length = start - this.#pos;
    if (!this.#backticksKnown || (this.#backticks.get(length) ?? -1) >= start) {
      for (let at = text.indexOf("`", start); at >= 0; at = text.indexOf("`", at)) {
        const end = endOfRun(text, "`", at);
        // Never back: a search that stops early sees only the first runs, and the last one counts.
        if (at > (this.#backticks.get(end - at) ?? -1)) this.#backticks.set(end - at, at);
        if (end - at === length) return this.#add({ kind: "code", text: codeText(text.slice(start, at)) }, end);
        at = end;
      }
      this.#backticksKnown = true;
    }
    if (this.#options.speculative && text.length - this.#pos <= SPECULATION_REACH) {
      const rest = codeText(text.slice(start));
      if (rest !== "") return this.#add({ kind: "code", text: rest }, text.length);
      this.#pos = text.length;
      return true;
    }
    this.#waiting = true;
    return this.#literal(start);
  }

  #openBracket({ length }: string): boolean {
    const below = this.#brackets.at(-1);
    if (below) below.nested = true;
    this.#brackets.push({
      token: this.#tokens.length,
      at: this.#pos + length,
      image: length === 2,
      delimiters: this.#delimiters.top,
      nested: false,
    });
    return false;
  }

  #closeBracket(): boolean {
    const opener = this.#brackets.at(-1);
    if (!opener) return false;
    const { token, image, delimiters } = opener;
    const target = image || this.#brackets.length > this.#inactive ? this.#target(opener, this.#pos) : null;
    this.#brackets.pop();
    this.#inactive = Math.min(this.#inactive, this.#brackets.length);
    if (!target) return false;
    if (target === INCOMPLETE) {
      // Only the label is shown until the target is there.
      this.#tokens[token] = { kind: "text", text: "" };
      this.#waiting = true;
      this.#pos = this.#text.length;
      return true;
    }
    this.#delimiters.pair(delimiters);
    this.#delimiters.cut(delimiters);
    const children = this.#build(token + 1, this.#tokens.length, !image);
    this.#tokens.length = token;
    const { href, title } = target.value;
    if (!image) this.#inactive = this.#brackets.length;
    return this.#add(
      image ? { kind: "image", src: href, title, alt: plainText(children) } : { kind: "link", href, title, children },
      target.end,
    );
  }

  /** What a `]` at `close` points to: an inline target, or a reference. */
  #target(opener: Bracket, close: number): Scanned<LinkTarget> | typeof INCOMPLETE | null {
    const text = this.#text;
    const after = close + 1;
    const mayGrow = this.#options.speculative && text.length - opener.at <= SPECULATION_REACH;
    if (text[after] === "(") {
      const inline = scanInlineTarget(text, after);
      if (inline === INCOMPLETE ? mayGrow : inline) return inline;
    }
    const label = text[after] === "[" ? scanLabel(text, after) : null;
    if (mayGrow && (after === text.length || (text[after] === "[" && !label && !text.includes("\n", after)))) return INCOMPLETE;
    const end = label?.end ?? after;
    let reference: string | undefined;
    if (label && label.value !== "") reference = label.value;
    else if (!opener.nested && close - opener.at <= MAX_LABEL) reference = text.slice(opener.at, close);
    if (reference === undefined || !/[^ \t\n]/.test(reference)) return null;
    const key = normalizeLabel(reference);
    const target = this.#options.references.find(key);
    if (target) return { value: target, end };
    this.#options.missing.add(key);
    return null;
  }

  #bareAddress(prefix: string): boolean {
    if (this.#options.bareAddresses === false) return false;
    const link = scanBareAutolink(this.#text, this.#pos, prefix, this.#brackets.length > 0);
    // One that reaches the end of growing text is not complete yet, and takes in what is left of the end when more comes.
    if (!link?.reachesEnd || !this.#options.speculative) return this.#scanned(link);
    this.#waiting = true;
    return this.#literal(link.end);
  }

  #finish(): void {
    this.#delimiters.pair(null);
    if (!this.#options.speculative) return;
    const reach = this.#text.length - SPECULATION_REACH;
    for (const { at, token } of this.#brackets) if (at >= reach) this.#tokens[token] = { kind: "text", text: "" };
    for (let run = this.#delimiters.top; run && run.at >= reach; run = run.previous) {
      for (; run.left > 0; run.left = Math.max(0, run.left - 2)) run.opens.unshift(run.left);
    }
  }

  /** Adds the nodes of the tokens in `[from, to)` to `root`: wraps what the runs marked, joins texts. */
  #build(from: number, to: number, insideLink: boolean, root: Inline[] = []): Inline[] {
    const bareAddresses = !insideLink && this.#options.bareAddresses !== false;
    const open: { kind: Wrapper; children: Inline[] }[] = [];
    let children = root;
    let ignored = 0;
    let text = "";
    const flush = (growing = false): void => {
      if (bareAddresses && text.includes("@")) addWithEmails(children, text, growing);
      else if (text !== "") children.push({ kind: "text", text });
      text = "";
    };
    const close = (growing = false): void => {
      flush(growing);
      const top = open.pop();
      children = open.at(-1)?.children ?? root;
      if (top && top.children.length > 0) children.push(top);
    };
    for (let index = from; index < to; index++) {
      const token = this.#tokens[index];
      if (!token) break;
      if (token.kind === "text") text += token.text;
      else if (token.kind === "run") {
        for (let count = token.closes; count > 0; count--) {
          if (ignored > 0) ignored--;
          else close();
        }
        text += token.char.repeat(token.left);
        for (const used of token.opens) {
          if (open.length >= MAX_NESTING) {
            ignored++;
            continue;
          }
          flush();
          children = [];
          open.push({ kind: token.char === "~" ? "strikethrough" : used > 1 ? "strong" : "emphasis", children });
        }
      } else if (insideLink && token.kind === "link") text += plainText(token.children);
      else {
        flush();
        children.push(token);
      }
    }
    const growing = this.#options.speculative && to === this.#tokens.length;
    // Wrappers still open are speculative: they close where the text stops.
    while (open.length > 0) close(growing);
    flush(growing);
    return root;
  }
}

/** Markup at the end of growing text that may be the beginning of something longer. */
function withoutPartialMarker(text: string): string {
  const marker = PARTIAL_MARKER.exec(text.slice(-40));
  return marker ? text.slice(0, -marker[0].length) : text;
}

/** Line ends become spaces; one space on each side goes, unless there is nothing else (spec: code spans). */
function codeText(source: string): string {
  const text = source.replaceAll("\n", " ");
  return text.startsWith(" ") && text.endsWith(" ") && /[^ ]/.test(text) ? text.slice(1, -1) : text;
}
