/** What of a rendered answer has been spoken, and what can be: whole sentences while it grows, the rest at its end. */
import type { Translate } from "../strings.ts";

const BLOCKS = "p,h1,h2,h3,h4,h5,h6,ul,ol,li,blockquote,pre,table,div,hr,section";
/** A sentence ends where its mark is followed by a space; the full-width marks need none. */
const SENTENCE_END = /[.!?؟।…]+["'”’)\]]*(?=\s)|[。！？]/gu;

interface Leaf {
  element: Element;
  text: string;
  /** Spoken as one phrase, once it is closed. */
  whole: boolean;
}

export class SpokenText {
  readonly #t: Translate;
  readonly #done = new WeakSet<Element>();
  /** The start of a leaf that has been spoken. */
  readonly #begun = new WeakMap<Element, string>();
  #open: Element | null = null;

  constructor(t: Translate) {
    this.#t = t;
  }

  /** @param complete nothing more will come, so what is left is spoken whatever it ends with */
  take(hosts: readonly Element[], complete: boolean, t: Translate = this.#t): string[] {
    const leaves = hosts.flatMap((host) => [...leavesOf(host, t)]);
    const phrases: string[] = [];
    leaves.forEach((leaf, at) => {
      if (this.#done.has(leaf.element)) return;
      const closed = complete || at < leaves.length - 1;
      if (leaf.whole) {
        if (closed) {
          phrases.push(leaf.text);
          this.#done.add(leaf.element);
        }
        return;
      }
      const spoken = this.#spokenOf(leaf);
      const rest = leaf.text.slice(spoken.length);
      const end = closed ? rest.length : lastSentenceEnd(rest);
      const phrase = rest.slice(0, end).trim();
      if (phrase) phrases.push(phrase);
      if (closed) this.#done.add(leaf.element);
      else {
        this.#begun.set(leaf.element, leaf.text.slice(0, spoken.length + end));
        this.#open = leaf.element;
      }
    });
    return phrases;
  }

  /** While it grows a leaf may be re-read (`*a` becomes emphasis) or replaced (a paragraph becomes a heading): what was said stays said. */
  #spokenOf(leaf: Leaf): string {
    const before = this.#begun.get(leaf.element) ?? (this.#open && !this.#open.isConnected ? (this.#begun.get(this.#open) ?? "") : "");
    let same = 0;
    while (same < before.length && before[same] === leaf.text[same]) same += 1;
    return leaf.text.slice(0, same === before.length ? same : Math.min(before.length, leaf.text.length));
  }
}

function lastSentenceEnd(text: string): number {
  let end = 0;
  for (const match of text.matchAll(SENTENCE_END)) end = match.index + match[0].length;
  return end;
}

/** The blocks of an answer in reading order, each with its own text, without the text of blocks inside it. */
function* leavesOf(element: Element, t: Translate): Generator<Leaf> {
  const special = specialPhrase(element, t);
  if (special !== null) {
    yield { element, text: special, whole: true };
    return;
  }
  let text = "";
  const inner: Element[] = [];
  for (const node of element.childNodes) {
    if (node instanceof Element && node.matches(BLOCKS)) inner.push(node);
    else if (!(node instanceof Element && (node.getAttribute("aria-hidden") === "true" || node.tagName === "BUTTON")))
      text += node.textContent ?? "";
  }
  text = text.replace(/\s+/g, " ").trimStart();
  if (text.trim()) yield { element, text, whole: false };
  for (const child of inner) yield* leavesOf(child, t);
}

function specialPhrase(element: Element, t: Translate): string | null {
  if (element.matches(".code, pre")) {
    const code = element.matches("pre") ? element : element.querySelector("pre");
    const lines = (code?.textContent ?? "").replace(/\n$/, "").split("\n").length;
    const lang = /language-(\S+)/.exec(element.querySelector("code")?.className ?? "")?.[1] ?? "";
    return lang ? t("say.code", { lang, n: lines }) : t("say.codePlain", { n: lines });
  }
  if (element.matches(".tw, table")) {
    const table = element.matches("table") ? element : element.querySelector("table");
    if (!table) return null;
    return t("say.table", { cols: table.querySelectorAll("thead th").length, rows: table.querySelectorAll("tbody tr").length });
  }
  return null;
}
