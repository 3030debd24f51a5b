/**
 * Which page is beside the panel, and what Chrome lets us do there. Chrome tells a page's address only where the person used
 * the extension (`activeTab`) or allowed its site; everywhere else it stays unknown, and that is right.
 */

/** One document in one tab. After a navigation it is another one, and nothing that was allowed for this one holds. */
export interface PageTarget {
  tabId: number;
  documentId: string;
  origin: string;
  url: string;
  title: string;
}

export type PageState =
  | { kind: "readable"; target: PageTarget }
  /** Chrome hides it until the person shows it. */
  | { kind: "hidden"; tabId: number }
  /** Chrome's own pages, the Web Store, other extensions, files. */
  | { kind: "closed"; tabId: number };

/** A person can read it, so it may be repeated to them. */
export class PageError extends Error {
  override readonly name = "PageError";
}

export async function activeTabId(windowId: number): Promise<number | null> {
  const [tab] = await chrome.tabs.query({ active: true, windowId });
  return tab?.id ?? null;
}

/** Asks the tab itself: what it answers is true now, whatever was known before. */
export async function lookAt(tabId: number): Promise<PageState> {
  try {
    const [frame] = await chrome.scripting.executeScript({
      target: { tabId },
      func: () => ({ url: location.href, origin: location.origin, title: document.title.slice(0, 300) }),
    });
    const { result, documentId } = frame ?? {};
    if (!result || documentId === undefined || !/^https?:/.test(result.url)) return { kind: "closed", tabId };
    return { kind: "readable", target: { tabId, documentId, ...result } };
  } catch (error) {
    return { kind: isClosed(error, await addressOf(tabId)) ? "closed" : "hidden", tabId };
  }
}

/** Runs a self-contained function in exactly this document. @throws PageError when it is gone or out of reach. */
export async function runIn<Args extends unknown[], Result>(
  target: Pick<PageTarget, "tabId" | "documentId" | "origin">,
  func: (...args: Args) => Result,
  args: Args,
): Promise<Awaited<Result>> {
  let frames: chrome.scripting.InjectionResult<Awaited<Result>>[];
  try {
    frames = await chrome.scripting.executeScript({ target: { tabId: target.tabId, documentIds: [target.documentId] }, func, args });
  } catch {
    throw new PageError(`The page at ${target.origin} is no longer there, or Chrome no longer shows it to the extension.`);
  }
  return frames[0]?.result as Awaited<Result>;
}

/** Calls back when the tab in front changes, loads something else, or what we may see changes. Returns how to stop. */
export function watchPages(windowId: number, changed: () => void): () => void {
  const onActivated = (info: { windowId: number }): void => void (info.windowId === windowId && changed());
  const onUpdated = (_id: number, change: { status?: string; url?: string; title?: string }, tab: chrome.tabs.Tab): void => {
    if (tab.windowId === windowId && tab.active && (change.status !== undefined || change.url !== undefined)) changed();
  };
  chrome.tabs.onActivated.addListener(onActivated);
  chrome.tabs.onUpdated.addListener(onUpdated);
  chrome.permissions.onAdded.addListener(changed);
  chrome.permissions.onRemoved.addListener(changed);
  return () => {
    chrome.tabs.onActivated.removeListener(onActivated);
    chrome.tabs.onUpdated.removeListener(onUpdated);
    chrome.permissions.onAdded.removeListener(changed);
    chrome.permissions.onRemoved.removeListener(changed);
  };
}

export const sitePattern = (origin: string): string => `${new URL(origin).protocol}//${new URL(origin).hostname}/*`;

async function addressOf(tabId: number): Promise<string | undefined> {
  return (await chrome.tabs.get(tabId).catch(() => undefined))?.url;
}

/** Chrome says the same of a page it hides and of one nobody may read, except where it names its own. */
function isClosed(error: unknown, url: string | undefined): boolean {
  if (url !== undefined && !/^https?:/.test(url)) return true;
  return /chrome:\/\/|chrome-extension:\/\/|extensions gallery|error page|file:\/\//i.test(error instanceof Error ? error.message : "");
}
