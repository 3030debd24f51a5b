/**
 * Inline content as nodes, patched: what stays the same keeps its node, a text that grew is appended to, and from the
 * first difference on the nodes are new. Replacing all of a long paragraph cost 2.7 times the layout of appending to it.
 */
import { plainText } from "../markdown/plain-text.ts";
import type { Inline } from "../markdown/tree.ts";
import { createButton, createElement, type Tag } from "./elements.ts";
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
  const { source, node, children } = view;
  switch (next.kind) {
    case "text":
    case "code":
      if (source.kind !== next.kind) return false;
      if (large && next.kind === "text" && source.text !== next.text) {
        view.node = context.document.createTextNode(next.text);
        node.replaceWith(view.node);
      } else growText(node.firstChild ?? node, source.text, next.text);
      break;
    case "emphasis":
    case "strong":
    case "strikethrough":
      if (source.kind !== next.kind) return false;
      patchInlines(context, node, children, 0, next.children, null);
      break;
    default:
      // All of them are made in one place each, so their properties are in the same order.
      return JSON.stringify(source) === JSON.stringify(next);
  }
  view.source = next;
  return true;
}

function growText(node: Node, before: string, after: string): void {
  if (!isText(node) || before === after) return;
  if (after.startsWith(before)) node.appendData(after.slice(before.length));
  else node.data = after;
}

/** Not `instanceof`: the element may belong to another window. */
function isText(node: Node): node is Text {
  return node.nodeType === 3;
}

function create(context: InlineContext, source: Inline): InlineView {
  const node = createNode(context, source);
  const children: InlineView[] = [];
  if ("children" in source) patchInlines(context, node, children, 0, source.children, node.firstChild);
  return { source, node, children };
}

function createNode(context: InlineContext, source: Inline): ChildNode {
  const { document, labels } = context;
  switch (source.kind) {
    case "text":
      return document.createTextNode(source.text);
    case "code":
      return createElement(document, "code", { dir: "ltr" }, source.text);
    case "math": {
      const node = createElement(document, "code", { class: "math", dir: "ltr" }, source.text);
      context.setMath(node, source.text, source.display);
      return node;
    }
    case "break":
      return createElement(document, "br");
    case "checkbox":
      return createElement(document, "input", {
        type: "checkbox",
        disabled: "",
        "aria-label": source.checked ? labels.taskDone : labels.taskOpen,
        checked: source.checked ? "" : null,
      });
    case "link":
      return createLink(context, source);
    case "image":
      return createImage(context, source);
    default:
      return createElement(document, WRAPPERS[source.kind]);
  }
}

/** A link whose address is not allowed is its label. */
function createLink({ document, base }: InlineContext, source: Inline & { kind: "link" }): HTMLElement {
  const url = safeLink(source.href, base());
  if (!url) return createElement(document, "span");
  const link = createElement(document, "a", {
    href: url.href,
    rel: "noopener noreferrer nofollow ugc",
    target: url.foreign ? "_blank" : null,
    title: source.title || null,
  });
  if (url.host && labelMisleads(plainText(source.children), url.host)) {
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
      title: source.title || null,
      src: url.href,
    });
  const holder = createElement(document, "span", { class: "image" });
  if (imageOrigins.has(url.origin)) {
    holder.append(show());
    return holder;
  }
  const label = fillLabel(source.alt ? labels.image : labels.imageWithoutAlt, { alt: source.alt, host: url.host });
  const button = createButton(document, null, label, () => button.replaceWith(show()));
  holder.append(button);
  return holder;
}
