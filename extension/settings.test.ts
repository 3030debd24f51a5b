import { beforeEach, expect, test } from "vitest";

import { chatEndpoint, DEFAULT_SETTINGS, loadSettings, normaliseServer, saveSettings } from "./settings.ts";

/** `chrome.storage.sync` as far as settings use it. The real one is used in the end-to-end tests. */
let stored: Record<string, unknown> = {};

beforeEach(() => {
  stored = {};
  const sync = {
    get: (keys: string[]) => Promise.resolve(Object.fromEntries(keys.filter((key) => key in stored).map((key) => [key, stored[key]]))),
    set: (values: Record<string, unknown>) => Promise.resolve(void Object.assign(stored, values)),
    remove: (keys: string[]) => Promise.resolve(keys.forEach((key) => delete stored[key])),
  };
  (globalThis as { chrome?: unknown }).chrome = { storage: { sync } };
});

test("without anything stored the defaults hold", async () => {
  expect(await loadSettings()).toEqual(DEFAULT_SETTINGS);
});

test("only what differs from the defaults is stored", async () => {
  await saveSettings({ ...DEFAULT_SETTINGS, server: "https://chat.example" });
  expect(stored).toEqual({ server: "https://chat.example" });
  expect(await loadSettings()).toEqual({ ...DEFAULT_SETTINGS, server: "https://chat.example" });
  await saveSettings(DEFAULT_SETTINGS);
  expect(stored).toEqual({});
});

test("a stored value of a wrong type is ignored", async () => {
  stored = { server: 7, theme: "purple" };
  expect(await loadSettings()).toEqual(DEFAULT_SETTINGS);
});

test.each([
  ["http://127.0.0.1:3000", "http://127.0.0.1:3000"],
  ["http://localhost:8080/", "http://localhost:8080"],
  ["127.0.0.1:3000", "http://127.0.0.1:3000"],
  ["chat.example", "https://chat.example"],
  ["  https://chat.example/base/  ", "https://chat.example/base"],
  ["https://chat.example/api/chat", "https://chat.example"],
])("%s is used as %s", (input, expected) => {
  expect(normaliseServer(input)).toBe(expected);
  expect(chatEndpoint({ ...DEFAULT_SETTINGS, server: expected })).toBe(`${expected}/api/chat`);
});

test.each([
  "",
  "http://chat.example",
  "ftp://chat.example",
  "javascript:alert(1)",
  "https://user:secret@chat.example",
  "https://chat.example/?token=1",
  "not an address",
])("%j is refused", (input) => {
  expect(normaliseServer(input)).toBeNull();
});
