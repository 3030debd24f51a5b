/** "Ask about this": from the context menu, of a selection or of the page, and from its shortcut. Opens the panel, never closes it. */
import { putIntent } from "./intent.ts";

const SELECTION = "ask-selection";
const PAGE = "ask-page";

/** Chrome keeps the items over restarts: they are made when the extension is installed or updated. */
export function createMenus(): void {
  chrome.contextMenus.removeAll(() => {
    chrome.contextMenus.create({ id: SELECTION, title: chrome.i18n.getMessage("menuSelection"), contexts: ["selection"] });
    chrome.contextMenus.create({ id: PAGE, title: chrome.i18n.getMessage("menuPage"), contexts: ["page"] });
  });
}

export function onMenu({ menuItemId, selectionText = "", frameId = 0 }: chrome.contextMenus.OnClickData, tab?: chrome.tabs.Tab): void {
  if (tab?.id === undefined || tab.id === chrome.tabs.TAB_ID_NONE) return;
  // Before any `await`, or the gesture is gone.
  void chrome.sidePanel.open({ windowId: tab.windowId });
  const at = Date.now();
  if (menuItemId === SELECTION) void putIntent(tab.windowId, { kind: "selection", tabId: tab.id, frameId, text: selectionText, at });
  else if (menuItemId === PAGE) void putIntent(tab.windowId, { kind: "page", tabId: tab.id, at });
}

export function onCommand(command: string, tab?: chrome.tabs.Tab): void {
  if (command !== SELECTION || tab?.id === undefined) return;
  void chrome.sidePanel.open({ windowId: tab.windowId });
  void putIntent(tab.windowId, { kind: "selection", tabId: tab.id, frameId: 0, text: "", at: Date.now() });
}
