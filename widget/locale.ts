/** The languages the widget speaks besides English, each a chunk of its own that is loaded for the pages that need it. */
import type { Strings } from "./strings.ts";

const LOCALES: Record<string, () => Promise<{ phrases: Strings }>> = {
  ar: () => import("./locales/ar.ts"),
  de: () => import("./locales/de.ts"),
  es: () => import("./locales/es.ts"),
  fr: () => import("./locales/fr.ts"),
  he: () => import("./locales/he.ts"),
  ja: () => import("./locales/ja.ts"),
  pt: () => import("./locales/pt.ts"),
  zh: () => import("./locales/zh.ts"),
};

/** `de-AT` → `de`; `null` for English and for what there are no words for. */
export function localeFor(language: string): string | null {
  const [base = ""] = language.toLowerCase().split("-");
  return Object.hasOwn(LOCALES, base) ? base : null;
}

/** `null` when they cannot be had: the widget goes on in English. */
export async function loadPhrases(locale: string): Promise<Strings | null> {
  try {
    return (await LOCALES[locale]?.())?.phrases ?? null;
  } catch {
    return null;
  }
}

/** The language of an element's place in the page, as a tag `Intl` takes; `en` where there is none. */
export function languageOf(element: Element): string {
  const tag = element.closest("[lang]")?.getAttribute("lang") || "en";
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en";
  } catch {
    return "en";
  }
}
