import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

type Messages = Record<string, { message: string }>;

const folder = join(import.meta.dirname, "public", "_locales");
const LOCALES = ["ar", "de", "en", "es", "fr", "he", "ja", "pt", "zh_CN"];
const load = (locale: string): Messages => JSON.parse(readFileSync(join(folder, locale, "messages.json"), "utf8")) as Messages;
const english = load("en");
const holes = (text: string): string[] => [...text.matchAll(/\$\d|\{\{\w+\}\}/g)].map(String).toSorted();

test("these languages are there", () => {
  expect(readdirSync(folder).toSorted()).toEqual(LOCALES);
});

test.each(LOCALES)("%s has every message, with the same holes, and nothing else", (locale) => {
  const messages = load(locale);
  expect(Object.keys(messages)).toEqual(Object.keys(english));
  for (const [key, { message }] of Object.entries(messages)) {
    expect(message.trim(), key).not.toBe("");
    expect(holes(message), key).toEqual(holes(english[key]!.message));
  }
  // Limits of the Chrome Web Store.
  expect(messages["description"]!.message.length).toBeLessThanOrEqual(132);
  expect(messages["name"]!.message.length).toBeLessThanOrEqual(75);
});

test("every message is used, and every one that is used exists", () => {
  const sources = readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|html)$/.test(entry.name) && !entry.name.endsWith(".test.ts"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
  const unused = Object.keys(english).filter(
    (key) => !sources.includes(`"${key}"`) && !sources.includes(`__MSG_${key}__`) && !key.startsWith("decision_"),
  );
  expect(unused).toEqual([]);
  const inPages = [...sources.matchAll(/data-t(?:-label)?="(\w+)"/g)].map(([, key]) => key!);
  expect(inPages.filter((key) => !(key in english))).toEqual([]);
});
