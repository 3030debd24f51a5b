/** The extension's words, from `_locales`. The widget brings its own. */
import type english from "./public/_locales/en/messages.json";

export type MessageKey = keyof typeof english;

/** @param holes what stands for `$1` to `$9`. */
export function t(key: MessageKey, ...holes: (string | number)[]): string {
  return chrome.i18n.getMessage(key, holes.map(String)) || key;
}

/** The language the words above are in, as a `lang`. Not Chrome's own: where we do not speak that, the words are English. */
export const language = (): string => t("language");

const RIGHT_TO_LEFT = new Set(["ar", "he"]);

export const number = (value: number): string => new Intl.NumberFormat(chrome.i18n.getUILanguage()).format(value);

/** Gives a page of the extension its language and direction, and fills each `data-t` (text) and `data-t-label` (label). */
export function localise(page: Document): void {
  page.documentElement.lang = language();
  page.documentElement.dir = RIGHT_TO_LEFT.has(language()) ? "rtl" : "ltr";
  for (const element of page.querySelectorAll<HTMLElement>("[data-t]")) element.textContent = t(element.dataset["t"] as MessageKey);
  for (const element of page.querySelectorAll<HTMLElement>("[data-t-label]"))
    element.setAttribute("aria-label", t(element.dataset["tLabel"] as MessageKey));
}
