/** The keyword in the address bar: a question typed there opens the panel, which asks it. Costs no permission. */
import { putIntent } from "./intent.ts";

/** Which window the person types in. Chrome tells it to no omnibox event, and asking at Enter would come after the gesture. */
let typingIn: number = chrome.windows.WINDOW_ID_CURRENT;

export function onTyping(): void {
  void chrome.omnibox.setDefaultSuggestion({ description: chrome.i18n.getMessage("omniboxHint") });
  void chrome.windows.getLastFocused().then(({ id }) => (typingIn = id ?? typingIn));
}

export function onEntered(text: string): void {
  // Before any `await`, or the gesture is gone.
  const opening = chrome.sidePanel.open({ windowId: typingIn });
  void Promise.all([chrome.windows.getLastFocused(), opening]).then(([{ id }]) =>
    id === undefined || text.trim() === "" ? undefined : putIntent(id, { kind: "question", text, at: Date.now() }),
  );
}
