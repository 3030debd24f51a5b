/**
 * What the worker hands to the panel of a window: one value in `storage.session`, which only the extension's own pages can
 * reach. The extension has no message listeners at all, so there is no sender to check and nobody who could pretend to be one.
 */

/** What a gesture meant: a tab that the extension may now see, or a question. Each lives until a panel takes it, or for `INTENT_MS`. */
export type Intent =
  | { kind: "selection"; tabId: number; frameId: number; text: string; at: number }
  | { kind: "page"; tabId: number; at: number }
  /** Typed into the address bar. */
  | { kind: "question"; text: string; at: number };

/** A hand-off nobody took is no longer what the person wants. */
const INTENT_MS = 30_000;

const intentKey = (windowId: number): string => `intent:${windowId}`;
const waitingKey = (windowId: number): string => `waiting:${windowId}`;

export function putIntent(windowId: number, intent: Intent): Promise<void> {
  return chrome.storage.session.set({ [intentKey(windowId)]: intent });
}

/** Calls back with each intent for this window, the one that waits already first. Each is taken once. */
export function onIntent(windowId: number, listener: (intent: Intent) => void): void {
  const key = intentKey(windowId);
  const take = (value: unknown): void => {
    if (!isIntent(value)) return;
    void chrome.storage.session.remove(key);
    if (Date.now() - value.at < INTENT_MS) listener(value);
  };
  chrome.storage.session.onChanged.addListener((changes) => take(changes[key]?.newValue));
  void chrome.storage.session.get(key).then((stored) => take(stored[key]));
}

/** The next click on the toolbar button shows the panel a page instead of closing the panel. */
export function waitForPage(windowId: number, tabId: number): Promise<void> {
  return chrome.storage.session.set({ [waitingKey(windowId)]: { tabId, at: Date.now() } });
}

/** Whether the panel waits to be shown the page of a tab; asked once. */
export async function takeWaiting(windowId: number, tabId: number): Promise<boolean> {
  const key = waitingKey(windowId);
  const waiting = (await chrome.storage.session.get(key))[key] as { tabId: number; at: number } | undefined;
  if (waiting) await chrome.storage.session.remove(key);
  return waiting?.tabId === tabId && Date.now() - waiting.at < INTENT_MS;
}

function isIntent(value: unknown): value is Intent {
  if (typeof value !== "object" || value === null) return false;
  const { kind, tabId, at, frameId, text } = value as Record<string, unknown>;
  if (typeof at !== "number") return false;
  if (kind === "question") return typeof text === "string";
  if (typeof tabId !== "number") return false;
  return kind === "page" || (kind === "selection" && typeof frameId === "number" && typeof text === "string");
}
