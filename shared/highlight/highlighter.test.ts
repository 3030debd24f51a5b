import { expect, test } from "vitest";

import { highlight } from "./highlighter.ts";

test("the texts of the tokens are the code", () => {
  const code = 'const a = `x ${b + "1"} y`; // <b>&amp;</b>\nclass A extends B { get x() { return /re/g; } }\n';
  for (const language of ["typescript", "ts", "javascript", "python", "html", "css", "json", "bash", "sql", "rust", "diff", "yaml", "php"])
    expect(
      highlight(language, code)
        ?.tokens.map(({ text }) => text)
        .join(""),
    ).toBe(code);
});

test("tokens have their kind", () => {
  const tokens = highlight("ts", "const answer: number = 42; // why\n")?.tokens ?? [];
  const kindOf = (text: string): string | null | undefined => tokens.find((token) => token.text === text)?.kind;
  expect([kindOf("const"), kindOf("42"), kindOf("// why"), kindOf("number")]).toEqual(["keyword", "number", "comment", "type"]);
});

test("a language inside another keeps its kinds", () => {
  const tokens = highlight("html", "<script>let a = 1;</script>")?.tokens ?? [];
  expect(tokens.find(({ text }) => text === "let")?.kind).toBe("keyword");
});

test("says when the code ends inside of a comment or a string", () => {
  expect(highlight("js", "/* a\n")?.open).toBe(true);
  expect(highlight("js", "/* a */ b({\n")?.open).toBe(false);
  expect(highlight("python", '"""a\n')?.open).toBe(true);
});

test("knows what it does not know", () => {
  expect(highlight("klingon", "x")).toBeNull();
  expect(highlight("__proto__", "x")).toBeNull();
  expect(highlight("constructor", "x")).toBeNull();
});
