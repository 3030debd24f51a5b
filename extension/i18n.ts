/** The extension's words, from `_locales`. The widget brings its own. */
import type english from "./public/_locales/en/messages.json";

export type MessageKey = keyof typeof english;

/** @param holes what stands for `$1` to `$9`. */
export function t(key: MessageKey, ...holes: (string | number)[]): string {
  return chrome.i18n.getMessage(key, holes.map(String)) || key;
}

/** The language the words above are in, as a `lang`. */
export const language = (): string => chrome.i18n.getMessage("@@ui_locale").replace("_", "-");

export const number = (value: number): string => new Intl.NumberFormat(chrome.i18n.getUILanguage()).format(value);

/** Gives a page of the extension its language and direction, and fills each `data-t` (text) and `data-t-label` (label). */
export function localise(page: Document): void {
  page.documentElement.lang = language();
  page.documentElement.dir = chrome.i18n.getMessage("@@bidi_dir");
  for (const element of page.querySelectorAll<HTMLElement>("[data-t]")) element.textContent = t(element.dataset["t"] as MessageKey);
  for (const element of page.querySelectorAll<HTMLElement>("[data-t-label]"))
    element.setAttribute("aria-label", t(element.dataset["tLabel"] as MessageKey));
}
