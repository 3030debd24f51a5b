/**
 * The page as a person sees it, taken by a function that runs inside it: a tree of elements and text, without what is hidden,
 * without scripts, frames and what is typed into fields. No markup leaves the page, so none has to be parsed again.
 */

/** A tag, the few attributes that tell what it is, and its children. */
export type PageNode = [tag: string, attributes: Record<string, string>, children: (PageNode | string)[]];

export interface PageSnapshot {
  url: string;
  title: string;
  lang: string;
  selection: string;
  tree: PageNode;
  /** The page had more elements or more text than was asked for. */
  cut: boolean;
}

export const SNAPSHOT_LIMITS = { nodes: 40_000, chars: 600_000 } as const;

/** Self-contained: it is sent into the page as it stands, and runs in the extension's isolated world. */
export function snapshotPage(maxNodes: number, maxChars: number): PageSnapshot {
  const LEFT_OUT = new Set(
    "SCRIPT STYLE NOSCRIPT TEMPLATE IFRAME OBJECT EMBED SVG CANVAS VIDEO AUDIO INPUT TEXTAREA SELECT OPTION DATALIST LINK META HEAD".split(
      " ",
    ),
  );
  const KEPT = ["id", "class", "role", "itemprop", "rel", "lang", "dir"];
  let nodes = 0;
  let chars = 0;
  let cut = false;

  /** Text that nobody sees is where instructions to a model are hidden. */
  const isReadable = (element: Element): boolean => {
    if (!element.checkVisibility({ visibilityProperty: true })) return false;
    const { fontSize, color } = getComputedStyle(element);
    if (Number.parseFloat(fontSize) < 2 || /^rgba\(.*, 0\)$/.test(color)) return false;
    const { right, bottom, width, height } = element.getBoundingClientRect();
    return (right + scrollX > 0 && bottom + scrollY > 0 && (width > 1 || height > 1)) || (width === 0 && height === 0);
  };
  const childrenOf = (element: Element): Iterable<Node> => {
    if (element instanceof HTMLSlotElement) {
      const assigned = element.assignedNodes();
      return assigned.length > 0 ? assigned : element.childNodes;
    }
    // The closed ones too: an extension may look into them, and people see what is in them.
    const shadow = chrome.dom?.openOrClosedShadowRoot?.(element as HTMLElement) ?? element.shadowRoot;
    return (shadow ?? element).childNodes;
  };
  const tree: PageNode = ["body", {}, []];
  const open: { from: Element; to: PageNode }[] = document.body ? [{ from: document.body, to: tree }] : [];
  for (let next = open.pop(); next; next = open.pop()) {
    const { from, to } = next;
    let readable: boolean | undefined;
    for (const child of childrenOf(from)) {
      if (nodes >= maxNodes || chars >= maxChars) {
        cut = true;
        break;
      }
      if (child instanceof Text) {
        const text = child.data.slice(0, maxChars - chars);
        if (text.trim() === "") {
          if (text !== "") to[2].push(" ");
          continue;
        }
        readable ??= isReadable(from);
        if (!readable) continue;
        chars += text.length;
        to[2].push(text);
      } else if (child instanceof Element && !LEFT_OUT.has(child.tagName.toUpperCase())) {
        if (child.tagName !== "SLOT" && !child.checkVisibility({ opacityProperty: true })) {
          if (getComputedStyle(child).display !== "contents") continue;
        }
        nodes++;
        const attributes: Record<string, string> = {};
        for (const name of KEPT) {
          const value = child.getAttribute(name);
          if (value) attributes[name] = value.slice(0, 200);
        }
        if (child instanceof HTMLAnchorElement && /^https?:/.test(child.href)) attributes["href"] = child.href.slice(0, 2000);
        const node: PageNode = [child.tagName.toLowerCase(), attributes, []];
        to[2].push(node);
        open.push({ from: child, to: node });
      }
    }
  }
  return {
    url: location.href,
    title: document.title.slice(0, 300),
    lang: document.documentElement.lang.slice(0, 35),
    selection: String(getSelection() ?? "").slice(0, maxChars),
    tree,
    cut,
  };
}

/** Self-contained as well: what is selected in a frame, as the person sees it, line breaks and all. */
export function selectionOf(maxChars: number): { url: string; title: string; text: string } {
  return { url: location.href, title: document.title.slice(0, 300), text: String(getSelection() ?? "").slice(0, maxChars) };
}
