/** The words of a chat, in the language of its place in the page. They come when they come, and English stands in. */
import { languageOf, loadPhrases, localeFor } from "../locale.ts";
import { createTranslate, type Strings, type Translate } from "../strings.ts";

export class Language {
  readonly #changed: () => void;
  #t: Translate = createTranslate();
  /** As a tag `Intl` takes. */
  #locale = "en";
  /** The language whose words are here or on their way. */
  #phrasesOf: string | null = null;
  #phrases: Partial<Strings> = {};
  #overrides: Partial<Strings> = {};

  /** @param changed the words that were on their way are here */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get t(): Translate {
    return this.#t;
  }

  get locale(): string {
    return this.#locale;
  }

  /** @param overrides the owner's own words, which come before all others */
  choose(element: Element, overrides: Partial<Strings>): void {
    const language = languageOf(element);
    if (language === this.#locale && overrides === this.#overrides) return;
    const locale = localeFor(language);
    this.#locale = language;
    this.#overrides = overrides;
    if (locale !== this.#phrasesOf) {
      this.#phrasesOf = locale;
      this.#phrases = {};
      if (locale !== null) void this.#load(locale);
    }
    this.#translate();
  }

  async #load(locale: string): Promise<void> {
    const phrases = await loadPhrases(locale);
    if (!phrases || this.#phrasesOf !== locale) return;
    this.#phrases = phrases;
    this.#translate();
    this.#changed();
  }

  #translate(): void {
    // Numbers and plurals of a language there are no words for are those of the English that stands in.
    this.#t = createTranslate(this.#overrides, this.#phrases, this.#phrasesOf === null ? "en" : this.#locale);
  }
}
