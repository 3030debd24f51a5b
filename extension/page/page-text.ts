/** Text of a page or a selection, ready to be sent along: cut to what a model can take, and told how much that is. */
import type { ContextPart } from "../../shared/session/message.ts";
import { PageError, runIn, type PageTarget } from "./access.ts";
import { selectionOf, SNAPSHOT_LIMITS, snapshotPage } from "./snapshot.ts";

/** About 12,000 tokens; half of what one request may hold. */
export const MAX_PAGE_CHARS = 48_000;

export async function readPage(target: PageTarget): Promise<ContextPart> {
  const [snapshot, { readableText }] = await Promise.all([
    runIn(target, snapshotPage, [SNAPSHOT_LIMITS.nodes, SNAPSHOT_LIMITS.chars]),
    import("./readable-text.ts"),
  ]);
  if (new URL(snapshot.url).origin !== target.origin) throw new PageError("The page went somewhere else while it was read.");
  const text = readableText(snapshot);
  if (text === "") throw new PageError(`There is no text on the page at ${target.origin}.`);
  return part("page", snapshot, text, snapshot.cut);
}

/** `null` when nothing is selected. */
export async function readSelection(target: PageTarget): Promise<ContextPart | null> {
  const { text, ...page } = await runIn(target, selectionOf, [MAX_PAGE_CHARS + 1]);
  return text.trim() === "" ? null : part("selection", page, text);
}

/**
 * The selection the context menu was opened on. Chrome hands its text over without line breaks; where the frame may be read,
 * it is taken as it is there, if it is still the same.
 */
export async function selectionFromMenu(tabId: number, frameId: number, menuText: string): Promise<ContextPart | null> {
  const fold = (text: string): string => text.replace(/\s+/g, " ").trim();
  try {
    const [frame] = await chrome.scripting.executeScript({
      target: { tabId, frameIds: [frameId] },
      func: selectionOf,
      args: [MAX_PAGE_CHARS + 1],
    });
    const found = frame?.result;
    if (found && found.text.trim() !== "" && (menuText === "" || fold(found.text) === fold(menuText)))
      return part("selection", found, found.text);
  } catch {
    // A frame of another site, or a page that may not be read.
  }
  if (menuText.trim() === "") return null;
  const tab = await chrome.tabs.get(tabId).catch(() => null);
  return part("selection", { url: tab?.url ?? "", title: tab?.title ?? "" }, menuText);
}

function part(kind: "page" | "selection", { url, title }: { url: string; title: string }, text: string, cut = false): ContextPart {
  const trimmed = cut || text.length > MAX_PAGE_CHARS;
  return {
    type: "context",
    id: crypto.randomUUID(),
    kind,
    title,
    url,
    text: text.slice(0, MAX_PAGE_CHARS),
    ...(trimmed ? { trimmed } : {}),
  };
}
