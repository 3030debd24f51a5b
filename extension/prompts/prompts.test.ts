import { expect, test } from "vitest";

import { fillIn, isPrompt, MAX_PROMPT_CHARS, variablesOf } from "./prompts.ts";

const VALUES = { selection: "{{page}} $& $1", page: "this page", url: "https://example.com", title: "T", lang: "English" };

test("variables are filled in once: what stands in a value is not looked at again", () => {
  expect(fillIn("{{selection}} | {{ page }} | {{url}}", VALUES)).toBe("{{page}} $& $1 | this page | https://example.com");
});

test("a word that is no variable stays as it is", () => {
  expect(fillIn("{{constructor}} {{name}} {page}", VALUES)).toBe("{{constructor}} {{name}} {page}");
  expect(variablesOf("{{constructor}} {{selection}} {{ lang }}")).toEqual(new Set(["selection", "lang"]));
});

test.each([
  [{ id: "a", name: "fix", text: "Fix it" }, true],
  [{ id: "a", name: "überprüfen", text: "x" }, true],
  [{ id: "a", name: "with space", text: "x" }, false],
  [{ id: "a", name: "", text: "x" }, false],
  [{ id: "", name: "a", text: "x" }, false],
  [{ id: "a", name: "a", text: "" }, false],
  [{ id: "a", name: "a", text: "x".repeat(MAX_PROMPT_CHARS + 1) }, false],
  [null, false],
])("%j is a prompt: %s", (value, expected) => {
  expect(isPrompt(value)).toBe(expected);
});
