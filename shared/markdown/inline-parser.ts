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
import { type Autolink, scanAngleAutolink, scanBareAutolink, splitEmails } from "./autolinks.ts";
import { type DelimiterRun, DelimiterStack, scanDelimiterRun, type Wrapper } from "./delimiters.ts";
import { readEntity } from "./entities.ts";
import { INCOMPLETE, type LinkTarget, MAX_LABEL, normalizeLabel, type Scanned, scanInlineTarget, scanLabel } from "./links.ts";
import type { MarkdownOptions } from "./leaf.ts";
import type { References } from "./references.ts";
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
}

/** A bare or angle autolink: text when it turns out to stand inside a link, because links do not nest. */
interface Address extends Pick<Autolink, "href" | "text"> {
  readonly kind: "address";
}

type Token = Inline | DelimiterRun | Address;

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
const TASK = /^\[([ \txX])\](?=[ \t\n])/;
/** Openers further back than this are shown as written: what is that old is rather a lone asterisk than unfinished emphasis. */
const SPECULATION_REACH = 512;
/** Text between two checkpoints. Smaller means less to read again per frame, larger fewer text nodes. */
const CHECKPOINT_STEP = 256;
/** Wrappers in wrappers. Deeper ones lose their mark but not their text; browsers fail at a few thousand nested elements. */
const MAX_NESTING = 32;

export function parseInlines(text: string, options: InlineOptions): InlineResult {
  return new InlineParser(text, options).parse();
}

class InlineParser {
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
  /** A backtick run or a formula's opener without a partner was seen: its partner may still come. */
  #openCode = false;
  #settledLength = 0;
  #settledTokens = 0;
  #nextCheckpoint = CHECKPOINT_STEP;

  constructor(text: string, options: InlineOptions) {
    this.#options = options;
    this.#text = options.speculative ? withoutPartialMarker(text) : text;
  }

  parse(): InlineResult {
    const text = this.#text;
    if (this.#options.task) this.#task();
    while (this.#pos < text.length) {
      SPECIAL.lastIndex = this.#pos;
      const match = SPECIAL.exec(text);
      const at = match ? match.index : text.length;
      if (at > this.#pos) this.#plain(at);
      if (match) this.#special(match[0]);
    }
    this.#finish();
    const content = this.#build(0, this.#settledTokens, false);
    const settledNodes = content.length;
    for (const node of this.#build(this.#settledTokens, this.#tokens.length, false)) content.push(node);
    return { content, settledLength: this.#settledLength, settledNodes };
  }

  #task(): void {
    const match = TASK.exec(this.#text);
    if (match) {
      this.#tokens.push({ kind: "checkbox", checked: match[1] === "x" || match[1] === "X" });
      this.#pos = 3;
    } else if (this.#options.speculative && /^\[(?:[ \txX]\]?)?$/.test(this.#text)) {
      this.#pos = this.#text.length;
    }
  }

  #push(text: string): void {
    if (text !== "") this.#tokens.push({ kind: "text", text });
  }

  /** Text without any special character, from the position up to `end`. */
  #plain(end: number): void {
    const start = this.#pos;
    this.#pos = end;
    if (end >= this.#nextCheckpoint && this.#brackets.length === 0 && !this.#openCode) {
      const at = this.#checkpoint(start, end);
      if (at > 0) {
        this.#push(this.#text.slice(start, at));
        this.#settledLength = at;
        this.#settledTokens = this.#tokens.length;
        this.#push(this.#text.slice(at, end));
        this.#nextCheckpoint = at + CHECKPOINT_STEP;
        return;
      }
    }
    this.#push(this.#text.slice(start, end));
  }

  /** Offset after a space inside the plain text where everything before is settled, or 0. */
  #checkpoint(start: number, end: number): number {
    // In the piece only: a search through the whole text would be quadratic where there are no spaces.
    const space = start + this.#text.slice(start, end - 1).lastIndexOf(" ");
    if (space < start || this.#text[space + 1] === " ") return 0;
    this.#delimiters.pair(null);
    for (let run = this.#delimiters.top; run; run = run.previous) {
      if (!run.canOpen) continue;
      // Asked again after as much text as has been waiting: the stack of openers may be long.
      this.#nextCheckpoint = end + Math.max(CHECKPOINT_STEP, end - this.#settledLength);
      return 0;
    }
    this.#delimiters.cut(null);
    return space + 1;
  }

  #special(match: string): void {
    switch (match[0]) {
      case "\n":
        return this.#lineEnd();
      case "\\":
        return this.#backslash();
      case "$":
        if (!this.#math()) this.#literal("$");
        return;
      case "`":
        return this.#code();
      case "*":
      case "_":
      case "~":
        return this.#run();
      case "[":
      case "!":
        return this.#openBracket(match.length);
      case "]":
        return this.#closeBracket();
      case "<":
        return this.#angle();
      case "&": {
        const entity = readEntity(this.#text, this.#pos);
        this.#push(entity?.text ?? "&");
        this.#pos = entity?.end ?? this.#pos + 1;
        return;
      }
      default:
        return this.#bareAddress(match);
    }
  }

  #lineEnd(): void {
    const last = this.#tokens.at(-1);
    let hard = false;
    if (last?.kind === "text" && last.text.endsWith(" ")) {
      hard = last.text.endsWith("  ");
      this.#tokens[this.#tokens.length - 1] = { kind: "text", text: trimSpacesEnd(last.text) };
    }
    this.#pos++;
    while (this.#text[this.#pos] === " ") this.#pos++;
    if (hard) this.#tokens.push({ kind: "break" });
    else this.#push("\n");
  }

  #literal(text: string): void {
    this.#push(text);
    this.#pos += text.length;
  }

  #math(): boolean {
    const found = this.#options.math?.(this.#text, this.#pos);
    if (found === INCOMPLETE) this.#openCode = true;
    if (!found || found === INCOMPLETE) return false;
    this.#tokens.push({ kind: "math", ...found.value });
    this.#pos = found.end;
    return true;
  }

  #backslash(): void {
    const next = this.#text[this.#pos + 1];
    if ((next === "(" || next === "[") && this.#math()) return;
    if (next === "\n") {
      this.#tokens.push({ kind: "break" });
      this.#pos += 2;
    } else if (next !== undefined && ESCAPABLE.test(next)) {
      this.#push(next);
      this.#pos += 2;
    } else {
      this.#push("\\");
      this.#pos++;
    }
  }

  #code(): void {
    const text = this.#text;
    const open = this.#pos;
    let start = open;
    while (text[start] === "`") start++;
    const length = start - open;
    if (!this.#backticksKnown || (this.#backticks.get(length) ?? -1) >= start) {
      for (let at = text.indexOf("`", start); at >= 0; at = text.indexOf("`", at)) {
        let end = at;
        while (text[end] === "`") end++;
        // Never back: a search that stops early sees only the first runs, and the last one counts.
        if (at > (this.#backticks.get(end - at) ?? -1)) this.#backticks.set(end - at, at);
        if (end - at === length) {
          this.#tokens.push({ kind: "code", text: codeText(text.slice(start, at)) });
          this.#pos = end;
          return;
        }
        at = end;
      }
      this.#backticksKnown = true;
    }
    if (this.#options.speculative && text.length - open <= SPECULATION_REACH) {
      const rest = codeText(text.slice(start));
      if (rest !== "") this.#tokens.push({ kind: "code", text: rest });
      this.#pos = text.length;
      return;
    }
    this.#openCode = true;
    this.#push(text.slice(open, start));
    this.#pos = start;
  }

  #run(): void {
    const run = scanDelimiterRun(this.#text, this.#pos);
    if (run && (run.canOpen || run.canClose)) {
      this.#tokens.push(run);
      this.#delimiters.push(run);
      this.#pos += run.length;
      return;
    }
    const char = this.#text[this.#pos];
    const start = this.#pos;
    while (this.#text[this.#pos] === char) this.#pos++;
    this.#push(this.#text.slice(start, this.#pos));
  }

  #openBracket(length: number): void {
    const below = this.#brackets.at(-1);
    if (below) below.nested = true;
    const token = this.#tokens.length;
    this.#push(length === 2 ? "![" : "[");
    this.#pos += length;
    this.#brackets.push({ token, at: this.#pos, image: length === 2, delimiters: this.#delimiters.top, nested: false });
  }

  #popBracket(): void {
    this.#brackets.pop();
    this.#inactive = Math.min(this.#inactive, this.#brackets.length);
  }

  #closeBracket(): void {
    const close = this.#pos++;
    const opener = this.#brackets.at(-1);
    if (!opener) return this.#push("]");
    if (!opener.image && this.#brackets.length <= this.#inactive) {
      this.#popBracket();
      return this.#push("]");
    }
    const target = this.#target(opener, close);
    if (target === INCOMPLETE) {
      // Only the label is shown until the target is there.
      this.#tokens[opener.token] = { kind: "text", text: "" };
      this.#popBracket();
      this.#pos = this.#text.length;
      return;
    }
    if (!target) {
      this.#popBracket();
      return this.#push("]");
    }
    this.#pos = target.end;
    this.#delimiters.pair(opener.delimiters);
    this.#delimiters.cut(opener.delimiters);
    const children = this.#build(opener.token + 1, this.#tokens.length, !opener.image);
    this.#tokens.length = opener.token;
    this.#popBracket();
    const { href, title } = target.value;
    if (opener.image) this.#tokens.push({ kind: "image", src: href, title, alt: plainText(children) });
    else {
      this.#tokens.push({ kind: "link", href, title, children });
      this.#inactive = this.#brackets.length;
    }
  }

  /** What a `]` at `close` points to: an inline target, or a reference. */
  #target(opener: Bracket, close: number): Scanned<LinkTarget> | typeof INCOMPLETE | null {
    const text = this.#text;
    const { speculative } = this.#options;
    const after = close + 1;
    const mayGrow = speculative && text.length - opener.at <= SPECULATION_REACH;
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

  #angle(): void {
    const link = scanAngleAutolink(this.#text, this.#pos);
    if (!link) {
      this.#push("<");
      this.#pos++;
      return;
    }
    this.#tokens.push({ kind: "address", href: link.href, text: link.text });
    this.#pos = link.end;
  }

  #bareAddress(match: string): void {
    const link = this.#options.bareAddresses !== false && scanBareAutolink(this.#text, this.#pos, this.#brackets.length > 0);
    // One that reaches the end of growing text is not complete yet.
    if (link && !(this.#options.speculative && link.reachesEnd)) {
      this.#tokens.push({ kind: "address", href: link.href, text: link.text });
      this.#pos = link.end;
      return;
    }
    const end = link ? link.end : this.#pos + match.length;
    this.#push(this.#text.slice(this.#pos, end));
    this.#pos = end;
  }

  #finish(): void {
    this.#delimiters.pair(null);
    if (!this.#options.speculative) return;
    const reach = this.#text.length - SPECULATION_REACH;
    for (const bracket of this.#brackets) {
      if (bracket.at >= reach) this.#tokens[bracket.token] = { kind: "text", text: "" };
    }
    for (let run = this.#delimiters.top; run && run.at >= reach; run = run.previous) {
      if (!run.canOpen) continue;
      if (run.char === "~") run.opens.push("strikethrough");
      else for (let left = run.left; left > 0; left -= 2) run.opens.push(left === 1 ? "emphasis" : "strong");
      run.left = 0;
    }
  }

  /** Builds the nodes of the tokens in `[from, to)`: wraps what the runs marked, joins texts. */
  #build(from: number, to: number, insideLink: boolean): Inline[] {
    const root: Inline[] = [];
    const open: { wrapper: Wrapper; children: Inline[] }[] = [];
    let children = root;
    let ignored = 0;
    let text = "";
    let growing = false;
    const flush = (): void => {
      if (text === "") return;
      const parts = insideLink || this.#options.bareAddresses === false ? null : splitEmails(text, growing);
      if (parts) for (const part of parts) children.push(part);
      else children.push({ kind: "text", text });
      text = "";
    };
    const close = (): void => {
      flush();
      const top = open.pop();
      if (!top) return;
      children = open.at(-1)?.children ?? root;
      if (top.children.length > 0) children.push({ kind: top.wrapper, children: top.children });
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
        for (let count = token.opens.length - 1; count >= 0; count--) {
          const wrapper = token.opens[count];
          if (open.length >= MAX_NESTING || wrapper === undefined) {
            ignored++;
            continue;
          }
          flush();
          children = [];
          open.push({ wrapper, children });
        }
      } else if (token.kind === "address" && insideLink) text += token.text;
      else if (token.kind === "link" && insideLink) text += plainText(token.children);
      else {
        flush();
        if (token.kind === "address") {
          children.push({ kind: "link", href: token.href, title: "", children: [{ kind: "text", text: token.text }] });
        } else children.push(token);
      }
    }
    growing = this.#options.speculative && to === this.#tokens.length;
    // Wrappers still open are speculative: they close where the text stops.
    while (open.length > 0) close();
    flush();
    return root;
  }
}

/** Markup at the end of growing text that may be the beginning of something longer. */
function withoutPartialMarker(text: string): string {
  const tail = text.slice(-40);
  const marker = /(?:[*_~`]+|\\|&#?[a-zA-Z0-9]{0,31})$/.exec(tail);
  return marker ? text.slice(0, text.length - marker[0].length) : text;
}

/** Line ends become spaces; one space on each side goes, unless there is nothing else (spec: code spans). */
function codeText(source: string): string {
  const text = source.replaceAll("\n", " ");
  return text.length > 1 && text.startsWith(" ") && text.endsWith(" ") && /[^ ]/.test(text) ? text.slice(1, -1) : text;
}

function trimSpacesEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === " ") end--;
  return text.slice(0, end);
}

/** Text of content without its markup: the description of an image. */
function plainText(content: readonly Inline[]): string {
  let text = "";
  for (const node of content) {
    if (node.kind === "text" || node.kind === "code" || node.kind === "math") text += node.text;
    else if (node.kind === "image") text += node.alt;
    else if (node.kind === "break") text += "\n";
    else if ("children" in node) text += plainText(node.children);
  }
  return text;
}
