/**
 * Inline content as nodes, patched: what stays the same keeps its node, a text that grew is appended to, and from the
 * first difference on the nodes are new. Replacing all of a long paragraph cost 2.7 times the layout of appending to it.
 */
import type { Inline } from "../markdown/tree.ts";
import { createElement, type Tag } from "./elements.ts";
import { fillLabel, type RenderLabels } from "./labels.ts";
import { labelMisleads, safeImage, safeLink } from "./url-policy.ts";

export interface InlineContext {
  readonly document: Document;
  readonly labels: RenderLabels;
  /** What relative addresses are relative to; read when a link is made. */
  readonly base: () => string;
  /** Images of these origins are shown at once; of others after a click. */
  readonly imageOrigins: ReadonlySet<string>;
  /** Sets a formula in place of its TeX, when it can. */
  readonly setMath: (holder: HTMLElement, tex: string, display: boolean) => void;
}

/** One inline node of the tree and the DOM node that shows it. */
export interface InlineView {
  source: Inline;
  node: ChildNode;
  readonly children: InlineView[];
}

/**
 * Nodes of a leaf from which on a text that grew gets a new node instead of being appended to. Chromium brings the whole
 * paragraph's list of inline items up to date on each change of a text node, but only once per frame on an insertion:
 * at 100 KB that was two thirds of the script's time. The last text is at most a few hundred characters.
 */
export const LARGE_LEAF = 64;

const WRAPPERS: Readonly<Record<"emphasis" | "strong" | "strikethrough", Tag>> = { emphasis: "em", strong: "strong", strikethrough: "del" };

/**
 * Makes `views`, from index `from` on, show `content`. New nodes go behind the ones that stay; when there are none,
 * before `end` in `parent`.
 */
export function patchInlines(
  context: InlineContext,
  parent: Node,
  views: InlineView[],
  from: number,
  content: readonly Inline[],
  end: Node | null,
): void {
  let same = 0;
  for (; same < content.length; same++) {
    const view = views[from + same];
    const next = content[same];
    if (!view || !next || !update(context, view, next, views.length > LARGE_LEAF)) break;
  }
  const first = from + same;
  const stale = views.splice(first);
  const last = views[first - 1];
  const anchor = stale[0]?.node ?? (last ? last.node.nextSibling : end);
  for (const next of content.slice(same)) {
    const view = create(context, next);
    parent.insertBefore(view.node, anchor);
    views.push(view);
  }
  for (const view of stale) view.node.remove();
}

/** Turns the view of one inline into that of the next without a new node, if that is possible. */
function update(context: InlineContext, view: InlineView, next: Inline, large: boolean): boolean {
  const { source } = view;
  switch (next.kind) {
    case "text":
      if (source.kind !== "text") return false;
      if (source.text === next.text) break;
      if (large) {
        const node = context.document.createTextNode(next.text);
        view.node.replaceWith(node);
        view.node = node;
      } else growText(view.node, source.text, next.text);
      break;
    case "code":
      if (source.kind !== "code") return false;
      growText(view.node.firstChild, source.text, next.text);
      break;
    case "emphasis":
    case "strong":
    case "strikethrough":
      if (source.kind !== next.kind) return false;
      patchInlines(context, view.node, view.children, 0, next.children, null);
      break;
    default:
      return isSame(source, next);
  }
  view.source = next;
  return true;
}

function growText(node: Node | null, before: string, after: string): void {
  if (!isText(node) || before === after) return;
  if (after.startsWith(before)) node.appendData(after.slice(before.length));
  else node.data = after;
}

/** Not `instanceof`: the element may belong to another window. */
function isText(node: Node | null): node is Text {
  return node?.nodeType === 3;
}

function isSame(a: Inline, b: Inline): boolean {
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case "text":
    case "code":
      return b.kind === a.kind && a.text === b.text;
    case "math":
      return b.kind === "math" && a.text === b.text && a.display === b.display;
    case "break":
      return true;
    case "checkbox":
      return b.kind === "checkbox" && a.checked === b.checked;
    case "image":
      return b.kind === "image" && a.src === b.src && a.alt === b.alt && a.title === b.title;
    default: {
      if (!("children" in b) || a.children.length !== b.children.length) return false;
      if (a.kind === "link" && (b.kind !== "link" || a.href !== b.href || a.title !== b.title)) return false;
      return a.children.every((child, index) => {
        const other = b.children[index];
        return other !== undefined && isSame(child, other);
      });
    }
  }
}

function create(context: InlineContext, source: Inline): InlineView {
  const { document, labels } = context;
  const children: InlineView[] = [];
  switch (source.kind) {
    case "text":
      return { source, node: document.createTextNode(source.text), children };
    case "code": {
      const node = createElement(document, "code", { dir: "ltr" });
      node.append(document.createTextNode(source.text));
      return { source, node, children };
    }
    case "math": {
      const node = createElement(document, "code", { class: "math", dir: "ltr" }, source.text);
      context.setMath(node, source.text, source.display);
      return { source, node, children };
    }
    case "break":
      return { source, node: createElement(document, "br"), children };
    case "checkbox": {
      const label = source.checked ? labels.taskDone : labels.taskOpen;
      const node = createElement(document, "input", { type: "checkbox", disabled: "", "aria-label": label });
      if (source.checked) node.setAttribute("checked", "");
      return { source, node, children };
    }
    case "link": {
      const node = createLink(context, source);
      patchInlines(context, node, children, 0, source.children, node.firstChild);
      return { source, node, children };
    }
    case "image":
      return { source, node: createImage(context, source), children };
    default: {
      const node = createElement(document, WRAPPERS[source.kind]);
      patchInlines(context, node, children, 0, source.children, null);
      return { source, node, children };
    }
  }
}

/** A link whose address is not allowed is its label. */
function createLink({ document, base }: InlineContext, source: Inline & { kind: "link" }): HTMLElement {
  const url = safeLink(source.href, base());
  if (!url) return createElement(document, "span");
  const link = createElement(document, "a", {
    href: url.href,
    rel: "noopener noreferrer nofollow ugc",
    ...(url.foreign ? { target: "_blank" } : {}),
    ...(source.title ? { title: source.title } : {}),
  });
  if (url.host && labelMisleads(labelText(source.children), url.host)) {
    link.append(createElement(document, "span", { class: "host", dir: "ltr" }, ` (${url.host})`));
  }
  return link;
}

/**
 * A button in place of the image: loading it would tell its server who reads what, and is how data is smuggled out. The
 * page's owner may trust origins; whatever they redirect to is then trusted too.
 */
function createImage({ document, labels, base, imageOrigins }: InlineContext, source: Inline & { kind: "image" }): HTMLElement {
  const url = safeImage(source.src, base());
  if (!url) return createElement(document, "span", {}, source.alt);
  const show = (): HTMLElement =>
    createElement(document, "img", {
      alt: source.alt,
      referrerpolicy: "no-referrer",
      loading: "lazy",
      ...(source.title ? { title: source.title } : {}),
      src: url.href,
    });
  const holder = createElement(document, "span", { class: "image" });
  if (imageOrigins.has(url.origin)) {
    holder.append(show());
    return holder;
  }
  const label = fillLabel(source.alt ? labels.image : labels.imageWithoutAlt, { alt: source.alt, host: url.host });
  const button = createElement(document, "button", { type: "button" }, label);
  button.addEventListener("click", () => button.replaceWith(show()), { once: true });
  holder.append(button);
  return holder;
}

function labelText(content: readonly Inline[]): string {
  let text = "";
  for (const node of content) {
    if ("text" in node) text += node.text;
    else if ("children" in node) text += labelText(node.children);
  }
  return text;
}
