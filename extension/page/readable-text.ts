/** A page's tree → the text of its article, as light Markdown. Loaded when a page is read for the first time. */
import { Readability } from "@mozilla/readability";

import type { PageNode, PageSnapshot } from "./snapshot.ts";

/** An article shorter than this is no article: the whole page is taken. */
const ARTICLE_CHARS = 250;

const TAG = /^[a-z][a-z0-9-]*$/;

export function readableText(snapshot: PageSnapshot): string {
  const whole = textOf(build(snapshot).body);
  const article = articleOf(snapshot);
  const text = article ? textOf(article) : "";
  // On a page of many small parts Readability keeps one of them.
  return text.length >= ARTICLE_CHARS && text.length >= whole.length / 20 ? text : whole;
}

function articleOf(snapshot: PageSnapshot): Element | null {
  const page = build(snapshot);
  const { body } = page;
  // Readability keeps the page as markup to try again with other settings. Trusted Types refuse markup, so it gets nodes.
  const first = body.cloneNode(true);
  Object.defineProperty(body, "innerHTML", {
    get: () => "",
    set() {
      body.replaceChildren(...first.cloneNode(true).childNodes);
    },
  });
  const parsed = new Readability<Element>(page, { disableJSONLD: true, serializer: (node) => node as Element }).parse();
  return parsed?.content ?? null;
}

/** A document nobody shows: nothing in it loads or runs. */
function build({ tree, title }: PageSnapshot): Document {
  const page = document.implementation.createHTMLDocument(title);
  const open: { from: PageNode; to: Element }[] = [{ from: tree, to: page.body }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { from, to } = next;
    for (const child of from[2]) {
      if (typeof child === "string") {
        to.append(child);
        continue;
      }
      const [tag, attributes] = child;
      const element = page.createElement(TAG.test(tag) ? tag : "div");
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      to.append(element);
      open.push({ from: child, to: element });
    }
  }
  return page;
}

const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY DD DETAILS DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN NAV OL P PRE SECTION SUMMARY TABLE TR UL".split(
    " ",
  ),
);

/** Headings, list items, rows and code keep their form; everything else becomes paragraphs. */
export function textOf(root: Element): string {
  let text = "";
  const newline = (count: number): void => {
    text = text.replace(/[ \n]+$/, "") + "\n".repeat(count);
  };
  const write = (node: Node, inPre: boolean): void => {
    if (node.nodeType === Node.TEXT_NODE) {
      const data = node.nodeValue ?? "";
      if (inPre) text += data;
      else {
        const folded = data.replace(/\s+/g, " ");
        text += /\s$/.test(text) || text === "" ? folded.trimStart() : folded;
      }
      return;
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const { tagName } = node as Element;
    if (tagName === "BR") {
      text += "\n";
      return;
    }
    const isBlock = BLOCKS.has(tagName);
    const isTight = tagName === "LI" || tagName === "TR" || tagName === "DT" || tagName === "DD";
    if (isBlock && text !== "") newline(isTight ? 1 : 2);
    if (/^H[1-6]$/.test(tagName)) text += `${"#".repeat(Number(tagName[1]))} `;
    else if (tagName === "LI") text += "- ";
    else if (tagName === "PRE") text += "```\n";
    else if ((tagName === "TD" || tagName === "TH") && node.previousSibling) text += " | ";
    for (const child of node.childNodes) write(child, inPre || tagName === "PRE");
    if (tagName === "PRE") text = `${text.trimEnd()}\n\`\`\``;
    if (isBlock) newline(isTight ? 1 : 2);
  };
  write(root, false);
  return text.trim();
}
