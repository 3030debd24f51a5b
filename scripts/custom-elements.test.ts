/** What the element says of itself and what is in its code are the same, both ways. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { manifest } from "./custom-elements.mjs";

const widget = join(import.meta.dirname, "..", "widget");
const sources = (readdirSync(widget, { recursive: true }) as string[])
  .filter((name) => name.endsWith(".ts") && !name.includes(".test.") && !name.startsWith("testing"))
  .map((name) => readFileSync(join(widget, name), "utf8"));
const code = sources.join("\n").replace(/^ ?\s*\*.*$/gm, "");
const [declaration] = manifest().modules[0].declarations;
const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name).toSorted();
const unique = (list: Iterable<string | undefined>): string[] => [...new Set([...list].filter((name) => name !== undefined))].toSorted();
const found = (pattern: RegExp): string[] => unique([...code.matchAll(pattern)].map(([, name]) => name));

test("attributes", () => {
  const attributes = readFileSync(join(widget, "attributes.ts"), "utf8");
  const properties = [...attributes.matchAll(/@property\(/g)].length;
  expect(declaration.members.filter(({ kind }) => kind === "field")).toHaveLength(properties);
  expect(names(declaration.attributes)).toContain("heading-level");
  for (const { description, name } of declaration.attributes) if (name.length > 12) expect(description ?? name).toBeTruthy();
});

test("events", () => expect(names(declaration.events)).toEqual(found(/super\("(chanl-[\w-]+)"/g)));

test("slots", () => expect(names(declaration.slots)).toEqual(found(/<slot name="([\w-]+)"/g)));

test("parts", () => {
  const parts = found(/part="([^"]+)"/g).flatMap((value) => value.split(" ").filter((part) => !part.includes("$")));
  expect(names(declaration.cssParts)).toEqual(unique(parts));
});

test("CSS variables", () => expect(names(declaration.cssProperties)).toEqual(found(/var\(\s*(--chanl-[\w-]+)/g)));

test("states", () => {
  const states = /const now: Record<string, boolean> = \{([^}]+)\}/.exec(code)?.[1] ?? "";
  expect(names(declaration.cssStates)).toEqual(unique([...states.matchAll(/^\s+"?([\w-]+)"?:/gm)].map(([, name]) => name)));
});

test("methods", () => {
  const methods = names(declaration.members.filter(({ kind }) => kind === "method"));
  for (const name of [
    "send",
    "stop",
    "retry",
    "continue",
    "regenerate",
    "edit",
    "selectBranch",
    "approve",
    "reject",
    "export",
    "clear",
    "preload",
  ])
    expect(methods).toContain(name);
});
