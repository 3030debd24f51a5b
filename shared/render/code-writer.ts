/** A code block: its bar with the language and the buttons, and its text. */
import { createButton, createElement } from "./elements.ts";
import { fillLabel, type RenderLabels } from "./labels.ts";
import { languageName } from "./language-names.ts";
import { LineBoxes } from "./line-boxes.ts";

/** How long "Copied" is shown, in ms. */
const COPIED_MS = 2_000;
/** A block of more lines is folded when its answer is complete; the style sheet shows 18 of them. */
const FOLDED_ABOVE = 24;

/**
 * Colours the text of a complete block whenever it likes, without changing a character.
 * @returns forgets the block if it has not been coloured yet
 */
export type HighlightCode = (code: Element, language: string) => () => void;

export interface CodeWriter {
  /** The whole block, bar included. */
  readonly element: HTMLElement;
  readonly pre: HTMLElement;
  readonly code: HTMLElement;
  /** The first word of the info string, in lower case; empty when there is none. */
  readonly language: string;
  readonly text: LineBoxes;
  /** Shows only the beginning of a long block, with a button for the rest. */
  fold(): void;
}

export function createCode(document: Document, info: string, labels: RenderLabels): CodeWriter {
  const word = /^[\w+#.-]+/.exec(info)?.[0] ?? "";
  const name = languageName(word);
  const element = createElement(document, "div", { class: "code", part: "code", dir: "ltr" });
  const bar = createElement(document, "div", { class: "bar" });
  const pre = createElement(document, "pre", {
    tabindex: "0",
    role: "group",
    "aria-label": word ? fillLabel(labels.codeBlock, { lang: name }) : labels.code,
  });
  const code = createElement(document, "code", { class: word ? `language-${word}` : null });
  const text = new LineBoxes(code, "span");
  const wrap = createButton(document, "wrap", labels.wrapLines, () => setPressed(pre.classList.toggle("wrapped")));
  const setPressed = (pressed: boolean): void => wrap.setAttribute("aria-pressed", String(pressed));
  setPressed(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const copy = createButton(document, "copy", labels.copyCode, () => void copied());
  const copied = async (): Promise<void> => {
    // It is absent in insecure contexts and can be refused.
    try {
      await navigator.clipboard.writeText(code.textContent ?? "");
    } catch {
      return;
    }
    copy.textContent = labels.copied;
    clearTimeout(timer);
    timer = setTimeout(() => {
      copy.textContent = labels.copyCode;
    }, COPIED_MS);
  };
  bar.append(createElement(document, "span", { class: "lang" }, name || labels.code), wrap, copy);
  pre.append(code);
  element.append(bar, pre);
  return {
    element,
    pre,
    code,
    language: word.toLowerCase(),
    text,
    fold() {
      if (text.lines <= FOLDED_ABOVE) return;
      pre.classList.add("folded");
      const more = createButton(document, "more", fillLabel(labels.showAll, { n: String(text.lines) }), () => {
        pre.classList.remove("folded");
        more.remove();
        // Who came by keyboard goes on where the rest begins.
        copy.focus();
      });
      element.append(more);
    },
  };
}
