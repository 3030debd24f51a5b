/** A Markdown page, cut into the sections its headings make. */

export interface MarkdownSection {
  /** The section's own heading; the page's title for what stands before the first one below it. */
  heading: string;
  /** Headings above this one, outermost first, without the page's title. */
  trail: string[];
  /** The anchor a renderer such as GitHub's gives the heading; `""` for the top of the page. */
  anchor: string;
  /** The Markdown under the heading, without the heading, up to the next heading of any level. */
  text: string;
}

export interface MarkdownPage {
  title: string;
  sections: MarkdownSection[];
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$/;

export function splitMarkdown(source: string, fallbackTitle: string): MarkdownPage {
  const lines = withoutFrontMatter(source).split(/\r\n|\r|\n/);
  const anchors = new Map<string, number>();
  const sections: MarkdownSection[] = [];
  let title = "";
  let open: { level: number; heading: string }[] = [];
  let current: MarkdownSection = { heading: "", trail: [], anchor: "", text: "" };
  let body: string[] = [];
  let fence: string | undefined;

  const close = (): void => {
    current.text = body
      .join("\n")
      .replace(/<!--[\s\S]*?-->/g, "")
      .trim();
    body = [];
    if (current.text) sections.push(current);
  };

  for (const line of lines) {
    const mark = FENCE.exec(line)?.[1];
    if (mark) {
      if (fence === undefined) fence = mark;
      else if (mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) fence = undefined;
    }
    const heading = fence === undefined && !mark ? HEADING.exec(line) : null;
    if (!heading) {
      body.push(line);
      continue;
    }
    close();
    const level = heading[1]?.length ?? 1;
    const text = plainText(heading[2] ?? "");
    const anchor = uniqueAnchor(text, anchors);
    if (level === 1 && !title) {
      title = text;
      current = { heading: text, trail: [], anchor: "", text: "" };
      continue;
    }
    open = open.filter((above) => above.level < level);
    current = { heading: text, trail: open.map((above) => above.heading), anchor, text: "" };
    open.push({ level, heading: text });
  }
  close();
  const named = title || fallbackTitle;
  for (const section of sections) section.heading ||= named;
  return { title: named, sections };
}

/** The blocks of a section, split at blank lines outside code fences. */
export function splitBlocks(text: string): string[] {
  const blocks: string[] = [];
  let block: string[] = [];
  let fence: string | undefined;
  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line)?.[1];
    if (mark) {
      if (fence === undefined) fence = mark;
      else if (mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) fence = undefined;
    }
    if (line.trim() === "" && fence === undefined) {
      if (block.length > 0) blocks.push(block.join("\n"));
      block = [];
    } else {
      block.push(line);
    }
  }
  if (block.length > 0) blocks.push(block.join("\n"));
  return blocks;
}

/** Inline Markdown without its marks: for headings, snippets and search. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[`*]+|(?<!\w)_+|_+(?!\w)/g, "")
    .replace(/<[^>\s][^>]*>/g, (tag) => (/^<\/?[a-z]+-[a-z-]*>$/i.test(tag) ? tag : ""))
    .replace(/\s+/g, " ")
    .trim();
}

function uniqueAnchor(heading: string, seen: Map<string, number>): string {
  const slug = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
  const count = seen.get(slug) ?? 0;
  seen.set(slug, count + 1);
  return count === 0 ? slug : `${slug}-${count}`;
}

function withoutFrontMatter(source: string): string {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  return /^---\r?\n/.test(text) ? text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "") : text;
}
