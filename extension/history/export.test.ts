import { expect, test } from "vitest";

import { DEFAULT_SETTINGS } from "../settings.ts";
import { ImportError, parseExport } from "./export.ts";

const conversation = {
  id: "c1",
  title: "Tides",
  pinned: true,
  createdAt: 1,
  updatedAt: 2,
  messages: [
    { id: "m1", role: "user", status: "complete", createdAt: 1, parts: [{ type: "text", text: "What are tides?" }] },
    {
      id: "m2",
      role: "assistant",
      status: "complete",
      createdAt: 2,
      parts: [
        { type: "reasoning", text: "Hm." },
        { type: "tool_call", index: 0, id: "t", name: "look", argumentsText: "{}", state: "complete", result: { a: [1] } },
        { type: "text", text: "Water." },
        { type: "source", id: "s", title: "Sea", url: "https://example.com" },
      ],
    },
  ],
};
const file = {
  format: "chanl-chat",
  v: 1,
  conversations: [conversation],
  prompts: [{ id: "p", name: "fix", text: "Fix" }],
  settings: { theme: "dark" },
};

test("a file of ours is read as it is", () => {
  expect(parseExport(JSON.stringify(file))).toEqual({ ...file, settings: { ...DEFAULT_SETTINGS, theme: "dark" } });
});

test("what is not ours is left out: no key of a stranger gets into the database or the settings", () => {
  const odd = {
    ...file,
    conversations: [{ ...conversation, token: "x" }],
    settings: { theme: "dark", token: "x", server: "javascript:alert(1)" },
    extra: 1,
  };
  expect(parseExport(JSON.stringify(odd))).toEqual({ ...file, settings: { ...DEFAULT_SETTINGS, theme: "dark" } });
});

const broken = (change: (copy: typeof file) => void): string => {
  const copy = structuredClone(file);
  change(copy);
  return JSON.stringify(copy);
};

test.each([
  ["{", "not JSON"],
  ["[]", "not an export"],
  ['{"format":"chanl-chat","v":2}', "version 2"],
  ['{"format":"chanl-chat","v":1}', "incomplete"],
  [broken(({ conversations }) => void (conversations[0]!.messages[0]!.role = "system")), "Conversation 1"],
  [broken(({ conversations }) => void (conversations[0]!.messages[0]!.parts[0]!.type = "html")), "Conversation 1"],
  [broken(({ conversations }) => void (conversations[0]!.createdAt = Number.NaN)), "Conversation 1"],
  [broken(({ conversations }) => void (conversations[0]!.id = "")), "Conversation 1"],
  [broken(({ prompts }) => void (prompts[0]!.name = "two words")), "Prompt 1"],
])("%s is refused with what is wrong", (text, reason) => {
  expect(() => parseExport(text)).toThrow(ImportError);
  expect(() => parseExport(text)).toThrow(reason);
});
