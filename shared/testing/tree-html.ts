/** A `TreeSink` that keeps the tree and prints it as the HTML the CommonMark specification shows. Tests only. */
import type { MathScan } from "../markdown/leaf.ts";
import { MarkdownStream } from "../markdown/markdown-stream.ts";
import type { BlockStart, Inline, TreeSink } from "../markdown/tree.ts";

export interface TreeNode {
  readonly start: BlockStart;
  readonly parent: TreeNode | null;
  readonly children: TreeNode[];
  inline: Inline[];
  text: string;
  loose: boolean;
  closed: boolean;
}

export class TreeRecorder implements TreeSink<TreeNode> {
  root: TreeNode | null = null;
  /** Number of nodes taken back. */
  removed = 0;

  open(parent: TreeNode | null, start: BlockStart): TreeNode {
    if (parent?.closed) throw new Error(`open in a closed ${parent.start.kind}`);
    const node: TreeNode = { start, parent, children: [], inline: [], text: "", loose: false, closed: false };
    if (parent) parent.children.push(node);
    else this.root = node;
    return node;
  }

  append(code: TreeNode, text: string): void {
    if (code.closed || code.start.kind !== "code") throw new Error("append to what is no open code block");
    code.text += text;
  }

  inline(leaf: TreeNode, from: number, content: readonly Inline[]): void {
    if (from > leaf.inline.length) throw new Error(`inline from ${from} of ${leaf.inline.length}`);
    if (leaf.closed && from !== 0) throw new Error("inline of a closed leaf must start at 0");
    leaf.inline.splice(from, leaf.inline.length, ...content);
  }

  loosen(list: TreeNode): void {
    if (list.closed || list.loose || list.start.kind !== "list") throw new Error("loosen");
    list.loose = true;
  }

  remove(block: TreeNode): void {
    if (block.closed || block.start.kind !== "paragraph" || block.parent?.children.at(-1) !== block) throw new Error("remove");
    block.parent.children.pop();
    this.removed++;
  }

  close(block: TreeNode): void {
    if (block.closed || block.children.some((child) => !child.closed)) throw new Error(`close ${block.start.kind}`);
    block.closed = true;
  }

  html(): string {
    return this.root ? blocksHtml(this.root.children) : "";
  }
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Percent-encodes what a URL cannot hold, and leaves what is encoded already. */
function encodeHref(href: string): string {
  return escapeHtml(encodeURI(href.replaceAll(/[\uD800-\uDFFF]/gu, "\uFFFD")).replace(/%25([0-9a-fA-F]{2})/g, "%$1"));
}

function blocksHtml(nodes: readonly TreeNode[]): string {
  return nodes.map((node) => `${blockHtml(node)}\n`).join("");
}

function blockHtml(node: TreeNode): string {
  const { start } = node;
  switch (start.kind) {
    case "paragraph":
      return `<p>${inlineHtml(node.inline)}</p>`;
    case "heading":
      return `<h${start.level}>${inlineHtml(node.inline)}</h${start.level}>`;
    case "rule":
      return "<hr />";
    case "quote":
      return `<blockquote>\n${blocksHtml(node.children)}</blockquote>`;
    case "code": {
      const language = start.info.split(/[ \t]/)[0] ?? "";
      return `<pre><code${language ? ` class="language-${escapeHtml(language)}"` : ""}>${escapeHtml(node.text)}</code></pre>`;
    }
    case "list": {
      const tag = start.ordered ? "ol" : "ul";
      const attribute = start.ordered && start.start !== 1 ? ` start="${start.start}"` : "";
      return `<${tag}${attribute}>\n${node.children.map((item) => `${itemHtml(item, node.loose)}\n`).join("")}</${tag}>`;
    }
    case "table": {
      const [header, ...rows] = node.children;
      const body = rows.map((row) => `${rowHtml(row)}\n`).join("");
      return `<table>\n<thead>\n${header ? rowHtml(header) : ""}\n</thead>\n${body ? `<tbody>\n${body}</tbody>\n` : ""}</table>`;
    }
    default:
      return blocksHtml(node.children);
  }
}

function itemHtml(item: TreeNode, loose: boolean): string {
  let html = "<li>";
  for (const [index, child] of item.children.entries()) {
    if (child.start.kind === "paragraph" && !loose) {
      html += inlineHtml(child.inline);
      if (index < item.children.length - 1) html += "\n";
    } else html += `${html === "<li>" ? "\n" : ""}${blockHtml(child)}\n`;
  }
  return `${html}</li>`;
}

function rowHtml(row: TreeNode): string {
  const cells = row.children.map((cell) => {
    if (cell.start.kind !== "cell") return "";
    const tag = cell.start.header ? "th" : "td";
    const align = cell.start.align === "start" ? "left" : cell.start.align === "end" ? "right" : cell.start.align;
    return `<${tag}${align ? ` align="${align}"` : ""}>${inlineHtml(cell.inline)}</${tag}>\n`;
  });
  return `<tr>\n${cells.join("")}</tr>`;
}

function inlineHtml(content: readonly Inline[]): string {
  return content.map(nodeHtml).join("");
}

function nodeHtml(node: Inline): string {
  switch (node.kind) {
    case "text":
      return escapeHtml(node.text);
    case "code":
      return `<code>${escapeHtml(node.text)}</code>`;
    case "math":
      return `<code class="${node.display ? "display " : ""}math">${escapeHtml(node.text)}</code>`;
    case "break":
      return "<br />\n";
    case "checkbox":
      return `<input ${node.checked ? 'checked="" ' : ""}disabled="" type="checkbox">`;
    case "emphasis":
      return `<em>${inlineHtml(node.children)}</em>`;
    case "strong":
      return `<strong>${inlineHtml(node.children)}</strong>`;
    case "strikethrough":
      return `<del>${inlineHtml(node.children)}</del>`;
    case "link":
      return `<a href="${encodeHref(node.href)}"${titleHtml(node.title)}>${inlineHtml(node.children)}</a>`;
    default:
      return `<img src="${encodeHref(node.src)}" alt="${escapeHtml(node.alt)}"${titleHtml(node.title)} />`;
  }
}

function titleHtml(title: string): string {
  return title ? ` title="${escapeHtml(title)}"` : "";
}

export interface RenderMarkdownOptions {
  bareAddresses?: boolean;
  math?: MathScan;
  /** Length of the next piece; a flush follows each. Without it the text comes in one piece. */
  cuts?: () => number;
}

/** The HTML of a text. */
export function renderMarkdown(markdown: string, { bareAddresses, math, cuts }: RenderMarkdownOptions = {}): string {
  const recorder = new TreeRecorder();
  const stream = new MarkdownStream(recorder, { bareAddresses, math });
  for (let at = 0; at < markdown.length;) {
    const length = cuts ? cuts() : markdown.length;
    stream.write(markdown.slice(at, at + length));
    if (cuts) stream.flush();
    at += length;
  }
  stream.end();
  return recorder.html();
}
