/** A page of the docs, drawn by the renderer that draws answers. The address is the Markdown file's own: a citation leads here. */
import { TokenRenderer } from "../shared/render/token-renderer.ts";

const page = document.getElementById("page")!;

async function show(): Promise<void> {
  const response = await fetch(location.pathname, { headers: { Accept: "text/markdown" } });
  page.replaceChildren();
  const renderer = new TokenRenderer(page, { headingBase: 1, base: location.href });
  renderer.append(response.ok ? await response.text() : "# Not found\n\nThere is no such page. [Back to the chat](/)");
  renderer.end();
  renderer.flush();
  nameHeadings();
  document.title = `${page.querySelector("h1")?.textContent ?? "Docs"} · chanl-chat`;
  scrollToAnchor();
}

/** The renderer gives no ids to what a model wrote. These pages are our own, and their anchors are the ones the search cites. */
function nameHeadings(): void {
  const seen = new Map<string, number>();
  for (const heading of page.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const slug = (heading.textContent ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    heading.id = count === 0 ? slug : `${slug}-${count}`;
  }
}

function scrollToAnchor(): void {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  target?.scrollIntoView();
  target?.setAttribute("tabindex", "-1");
  target?.focus({ preventScroll: true });
}

addEventListener("hashchange", scrollToAnchor);
void show();
