/**
 * The toolbar button and the shortcut open the panel, and close it when it is open.
 *
 * `openPanelOnActionClick` would open it without us, but then `action.onClicked` never fires and `activeTab` is never
 * granted. `open()` must come before any `await`, or the gesture is gone: so it is called at once, and undone when the panel
 * turns out to have been open.
 */
const key = (windowId: number): string => `open:${windowId}`;

export function togglePanel({ windowId }: { windowId: number }): void {
  const before = chrome.storage.session.get(key(windowId));
  const opening = chrome.sidePanel.open({ windowId });
  void Promise.all([before, opening]).then(([state]) => {
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
