/** A code block: its bar, and text that only ever grows. */
import { createElement } from "./elements.ts";
import { fillLabel, type RenderLabels } from "./labels.ts";

/**
 * Lines per box. One growing text in one box is laid out as a whole on each append; in boxes of 32 lines a block of 1,200
 * lines took a quarter of the time.
 */
const GROUP_LINES = 32;
/** Longest text node, in characters: appending copies the node's text. */
const NODE_LENGTH = 8_192;
/** How long "Copied" is shown, in ms. */
const COPIED_MS = 2_000;

export class CodeWriter {
  /** The whole block, bar included. */
  readonly element: HTMLElement;
  readonly #document: Document;
  readonly #code: HTMLElement;
  #group: HTMLElement | null = null;
  #node: Text | null = null;
  #lines = 0;
  #pending: string[] = [];

  constructor(document: Document, info: string, labels: RenderLabels) {
    this.#document = document;
    const language = /^[\w+#.-]+/.exec(info)?.[0] ?? "";
    const name = language ? fillLabel(labels.codeBlock, { lang: language }) : labels.code;
    const bar = createElement(document, "div", { class: "bar" });
    const copy = createElement(document, "button", { type: "button", class: "copy" }, labels.copyCode);
    const pre = createElement(document, "pre", { role: "group", "aria-label": name });
    this.#code = createElement(document, "code", language ? { class: `language-${language}` } : {});
    this.element = createElement(document, "div", { class: "code", dir: "ltr" });
    bar.append(createElement(document, "span", { class: "lang" }, language || labels.code), copy);
    pre.append(this.#code);
    this.element.append(bar, pre);
    copyOnClick(copy, this.#code, labels);
  }

  /** Where the text ends. */
  get tail(): HTMLElement {
    return this.#group ?? this.#code;
  }

  /** Kept until `flush`: a replay brings thousands of lines per frame. */
  append(text: string): void {
    this.#pending.push(text);
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const text = this.#pending.join("");
    this.#pending = [];
    for (let at = 0; at < text.length; ) {
      if (!this.#group || this.#lines >= GROUP_LINES) this.#newGroup();
      let end = at;
      while (this.#lines < GROUP_LINES) {
        const lineEnd = text.indexOf("\n", end);
        end = lineEnd < 0 ? text.length : lineEnd + 1;
        if (lineEnd < 0) break;
        this.#lines++;
      }
      this.#add(text.slice(at, end));
      at = end;
    }
  }

  #newGroup(): void {
    // Shown as a block by the style sheet. The line end at the end of a block box adds no line, so the text stays exact.
    this.#group = createElement(this.#document, "span", { class: "lines" });
    this.#code.append(this.#group);
    this.#node = null;
    this.#lines = 0;
  }

  #add(text: string): void {
    const node = this.#node;
    // Never between the two halves of a surrogate pair.
    if (node && (node.length < NODE_LENGTH || /[\uD800-\uDBFF]$/.test(node.data.slice(-1)))) {
      node.appendData(text);
      return;
    }
    const next = this.#document.createTextNode(text);
    if (node) node.after(next);
    else this.#group?.prepend(next);
    this.#node = next;
  }
}

function copyOnClick(button: HTMLElement, code: HTMLElement, labels: RenderLabels): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  button.addEventListener("click", () => {
    void copyText(code.textContent ?? "").then((written) => {
      if (!written) return;
      button.textContent = labels.copied;
      clearTimeout(timer);
      timer = setTimeout(() => {
        button.textContent = labels.copyCode;
      }, COPIED_MS);
    });
  });
}

/** Whether the text reached the clipboard: it is absent in insecure contexts and can be refused. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
