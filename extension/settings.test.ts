import { beforeEach, expect, test } from "vitest";

import { migrateSettings, SETTINGS_VERSION } from "./settings-migrations.ts";
import { chatEndpoint, DEFAULT_SETTINGS, loadSettings, normaliseServer, saveSettings, serverPattern } from "./settings.ts";

/** `chrome.storage.sync` as far as settings use it. The real one is used in the end-to-end tests. */
let stored: Record<string, unknown> = {};

beforeEach(() => {
  stored = {};
  const sync = {
    get: (keys: string[] = Object.keys(stored)) =>
      Promise.resolve(Object.fromEntries(keys.filter((key) => key in stored).map((key) => [key, stored[key]]))),
    set: (values: Record<string, unknown>) => Promise.resolve(void Object.assign(stored, values)),
    remove: (keys: string | string[]) => Promise.resolve([keys].flat().forEach((key) => delete stored[key])),
  };
  (globalThis as { chrome?: unknown }).chrome = { storage: { sync } };
});

test("without anything stored the defaults hold", async () => {
  expect(await loadSettings()).toEqual(DEFAULT_SETTINGS);
});

test("only what differs from the defaults is stored", async () => {
  await saveSettings({ ...DEFAULT_SETTINGS, server: "https://chat.example" });
  expect(stored).toEqual({ server: "https://chat.example", version: SETTINGS_VERSION });
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

test("settings of 0.1.0, which had no version, are as they were", async () => {
  stored = { server: "https://chat.example", agentId: "shop", theme: "dark" };
  expect(await loadSettings()).toEqual({ ...DEFAULT_SETTINGS, server: "https://chat.example", agentId: "shop", theme: "dark" });
  expect(stored["version"]).toBe(SETTINGS_VERSION);
});

test("migrations run in order, each once, from wherever the settings are; what they leave out is removed", async () => {
  const ran: number[] = [];
  const migrations = [1, 2, 3].map((to) => ({
    to,
    run({ [`old${to}`]: old, ...rest }: Readonly<Record<string, unknown>>) {
      ran.push(to);
      return { ...rest, [`new${to}`]: old };
    },
  }));
  stored = { version: 1, old2: "b", old3: "c" };
  await migrateSettings(migrations);
  expect(stored).toEqual({ version: 3, new2: "b", new3: "c" });
  await migrateSettings(migrations);
  expect(ran).toEqual([2, 3]);
});

test("settings of a newer version, synced from another computer, are left alone", async () => {
  stored = { version: SETTINGS_VERSION + 1, server: "https://chat.example", somethingNew: true };
  await migrateSettings();
  expect(stored).toEqual({ version: SETTINGS_VERSION + 1, server: "https://chat.example", somethingNew: true });
});

test("with nothing stored nothing is written", async () => {
  await loadSettings();
  expect(stored).toEqual({});
});

test("host access is asked for one server, of which match patterns know no port", () => {
  expect(serverPattern("https://chat.example:8443/base")).toBe("https://chat.example/*");
  expect(serverPattern("http://127.0.0.1:3000")).toBe("http://127.0.0.1/*");
});
