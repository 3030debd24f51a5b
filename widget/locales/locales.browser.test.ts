import { afterEach, describe, expect, it, test } from "vitest";

import { languageOf, loadPhrases, localeFor } from "../locale.ts";
import { createTranslate, ENGLISH, type Phrase, type StringKey } from "../strings.ts";
import { mount, settle, texts, unmountAll, wait } from "../testing/mount.ts";

afterEach(() => {
  unmountAll();
  document.documentElement.removeAttribute("lang");
});

const LOCALES = ["ar", "de", "es", "fr", "he", "ja", "pt", "zh"];
const forms = (phrase: Phrase): string[] => (typeof phrase === "string" ? [phrase] : Object.values(phrase));
const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([hole]) => hole).toSorted();

describe.each(LOCALES)("%s", (locale) => {
  it("has every phrase and no other, with the same parameters, in the plurals the language has", async () => {
    const phrases = (await loadPhrases(locale))!;
    expect(Object.keys(phrases).toSorted()).toEqual(Object.keys(ENGLISH).toSorted());
    const { pluralCategories } = new Intl.PluralRules(locale).resolvedOptions();
    for (const [key, phrase] of Object.entries(phrases) as [StringKey, Phrase][]) {
      const english = holes(forms(ENGLISH[key]).at(-1)!);
      expect(holes(forms(phrase).at(-1)!), key).toEqual(english);
      for (const form of forms(phrase)) {
        expect(form.trim(), key).not.toBe("");
        for (const hole of holes(form)) expect(english, key).toContain(hole);
      }
      if (typeof phrase === "object") for (const form of Object.keys(phrase)) expect(pluralCategories, `${key} ${form}`).toContain(form);
    }
    // Words, not English again: some are the same in both.
    const same = (Object.keys(ENGLISH) as StringKey[]).filter((key) => JSON.stringify(phrases[key]) === JSON.stringify(ENGLISH[key]));
    expect(same.length).toBeLessThan(12);
  });
});

test("plurals and numbers are the language's", async () => {
  const ar = createTranslate({}, (await loadPhrases("ar"))!, "ar");
  const of = (n: number): string => ar("launcher.openUnread", { n });
  expect(new Set([of(1), of(2), of(3), of(11)]).size).toBe(4);
  const de = createTranslate({}, (await loadPhrases("de"))!, "de");
  expect(de("log.earlier", { n: 1_234 })).toBe("Frühere Nachrichten zeigen (1.234)");
  expect(de("tool.folded", { n: 1 })).toBe("1 Werkzeug benutzt");
});

test.each([
  ["de", "de"],
  ["de-AT", "de"],
  ["PT-br", "pt"],
  ["zh-Hans-CN", "zh"],
  ["en", null],
  ["nl", null],
  ["", null],
  ["constructor", null],
])("%j speaks %j", (language, locale) => expect(localeFor(language)).toBe(locale));

test("a lang that is no language tag is English, not an error", () => {
  const element = document.createElement("div");
  element.lang = "not a tag!";
  expect(languageOf(element)).toBe("en");
});

it("speaks the page's language, follows its change, and keeps the owner's own words", async () => {
  document.documentElement.lang = "de-CH";
  const { chat, root, input } = await mount({ strings: { "empty.title": "Grüezi" } });
  await wait(50);
  await settle(chat);
  expect(input.placeholder).toBe("Nachricht schreiben…");
  expect(texts(root, ".greet")).toEqual(["Grüezi"]);
  chat.lang = "ja";
  await wait(50);
  await settle(chat);
  expect(input.placeholder).toBe("メッセージを入力…");
  chat.lang = "en";
  await settle(chat);
  expect(input.placeholder).toBe("Write a message…");
});
