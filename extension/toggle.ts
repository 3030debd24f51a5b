/**
 * The toolbar button and the shortcut open the panel, and close it when it is open.
 *
 * `openPanelOnActionClick` would open it without us, but then `action.onClicked` never fires and `activeTab` is never
 * granted. `open()` must come before any `await`, or the gesture is gone: so it is called at once, and undone when the panel
 * turns out to have been open. A panel that waits to see a page stays: the click has just shown it.
 */
import { putIntent, takeWaiting } from "./intent.ts";

const OPEN = "open:";
const key = (windowId: number): string => `${OPEN}${windowId}`;

/** What says that a panel is open is no data of a person, and stays as long as the panel does. */
export const isOpenMark = (name: string): boolean => name.startsWith(OPEN);

export function togglePanel({ windowId, id: tabId }: chrome.tabs.Tab): void {
  const before = chrome.storage.session.get(key(windowId));
  const waited = takeWaiting(windowId, tabId ?? chrome.tabs.TAB_ID_NONE);
  const opening = chrome.sidePanel.open({ windowId });
  void Promise.all([before, waited, opening]).then(([state, isWaiting]) => {
    if (isWaiting && tabId !== undefined) return putIntent(windowId, { kind: "page", tabId, at: Date.now() });
    if (state[key(windowId)]) return chrome.sidePanel.close({ windowId });
    return undefined;
  });
}

export function rememberOpen({ windowId }: { windowId: number }): void {
  void chrome.storage.session.set({ [key(windowId)]: true });
}

export function rememberClosed({ windowId }: { windowId: number }): void {
  void chrome.storage.session.remove(key(windowId));
}
