/**
 * TeX to MathML with Temml, under a closed table of elements, attributes and styles. Temml's tree is walked; its own ways into
 * a document, as markup or as nodes, are not used.
 */
import temml from "temml";

import type { WriteMath } from "../render/math-support.ts";

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";

const ELEMENTS = new Set(
  "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "accent accentunder columnspan depth display displaystyle fence form height largeop linethickness lspace mathbackground mathcolor mathvariant maxsize minsize movablelimits notation rowspan rspace scriptlevel separator stretchy symmetric voffset width".split(
    " ",
  ),
);
const STYLES = new Set(
  "backgroundColor border borderBottom borderLeft borderRight borderTop color fontWeight padding paddingLeft paddingRight textAlign width".split(
    " ",
  ),
);
/** No parentheses: no `url()`. */
const PLAIN_VALUE = /^[\w#%., -]{1,60}$/;
/** What Temml's style sheet would say for alignment. */
const ALIGN: Readonly<Record<string, string>> = { "tml-left": "left", "tml-right": "right" };

/** Bounds what a hostile formula costs: expansions of macros, and sizes in em. */
const LIMITS = { trust: false, throwOnError: true, maxExpand: 200, maxSize: [20, 20] as [number, number] };
/** Longer formulas stay text. */
const MAX_LENGTH = 8_192;
const MAX_NODES = 20_000;

/** A node of Temml's tree: an element, a fragment or a text. */
interface TemmlNode {
  type?: string;
  text?: string;
  children?: TemmlNode[];
  attributes?: Record<string, unknown>;
  style?: Record<string, unknown>;
  classes?: string[];
}

interface Temml {
  __renderToMathMLTree(tex: string, options: typeof LIMITS & { displayMode: boolean }): TemmlNode;
}

export const writeMath: WriteMath = (document, tex, display) => {
  if (tex.length > MAX_LENGTH) return null;
  try {
    const tree = (temml as unknown as Temml).__renderToMathMLTree(tex, { ...LIMITS, displayMode: display });
    return new MathWriter(document).write(tree);
  } catch {
    return null;
  }
};

class MathWriter {
  readonly #document: Document;
  #nodes = 0;

  constructor(document: Document) {
    this.#document = document;
  }

  write(tree: TemmlNode): Element | null {
    if (tree.type !== "math") return null;
    const [math] = this.#make(tree);
    return (math as Element | undefined) ?? null;
  }

  #make(node: TemmlNode): Node[] {
    if (this.#nodes++ > MAX_NODES) throw new RangeError("too large a formula");
    if (node.text !== undefined) return [this.#document.createTextNode(node.text)];
    const children = (node.children ?? []).flatMap((child) => this.#make(child));
    if (node.type === undefined) return children;
    // An element that is not in the table is its content.
    if (!ELEMENTS.has(node.type)) return children;
    const element = this.#document.createElementNS(NAMESPACE, node.type);
    for (const [name, value] of Object.entries(node.attributes ?? {})) {
      if (ATTRIBUTES.has(name) && PLAIN_VALUE.test(String(value))) element.setAttribute(name, String(value));
    }
    const styles = { ...node.style };
    for (const name of node.classes ?? []) if (ALIGN[name]) styles["textAlign"] = ALIGN[name];
    for (const [name, value] of Object.entries(styles)) {
      // Through the object model: a style attribute would need a policy that allows it.
      if (STYLES.has(name) && PLAIN_VALUE.test(String(value))) Object.assign(element.style, { [name]: String(value) });
    }
    element.append(...children);
    return [element];
  }
}
