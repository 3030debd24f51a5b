/** A code block: its bar with the copy button, and its text. */
import { createElement } from "./elements.ts";
import { fillLabel, type RenderLabels } from "./labels.ts";
import { LineBoxes } from "./line-boxes.ts";

/** How long "Copied" is shown, in ms. */
const COPIED_MS = 2_000;

export interface CodeWriter {
  /** The whole block, bar included. */
  readonly element: HTMLElement;
  readonly text: LineBoxes;
}

export function createCode(document: Document, info: string, labels: RenderLabels): CodeWriter {
  const language = /^[\w+#.-]+/.exec(info)?.[0] ?? "";
  const name = language ? fillLabel(labels.codeBlock, { lang: language }) : labels.code;
  const element = createElement(document, "div", { class: "code", dir: "ltr" });
  const bar = createElement(document, "div", { class: "bar" });
  const copy = createElement(document, "button", { type: "button", class: "copy" }, labels.copyCode);
  const pre = createElement(document, "pre", { role: "group", "aria-label": name });
  const code = createElement(document, "code", language ? { class: `language-${language}` } : {});
  bar.append(createElement(document, "span", { class: "lang" }, language || labels.code), copy);
  pre.append(code);
  element.append(bar, pre);
  copyOnClick(copy, code, labels);
  return { element, text: new LineBoxes(code, "span") };
}

function copyOnClick(button: HTMLElement, code: HTMLElement, labels: RenderLabels): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const restore = (): void => {
    button.textContent = labels.copyCode;
  };
  const copy = async (): Promise<void> => {
    if (!(await copyText(code.textContent ?? ""))) return;
    button.textContent = labels.copied;
    clearTimeout(timer);
    timer = setTimeout(restore, COPIED_MS);
  };
  button.addEventListener("click", () => void copy());
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
