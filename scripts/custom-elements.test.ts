/** What the element says of itself and what is in its code are the same, both ways. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { manifest, typeSources } from "./custom-elements.mjs";
import { vscodeData, webTypes } from "./editor-data.mjs";

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

test("web-types.json and VS Code's data name the same attributes, with their values", () => {
  const [jetbrains] = webTypes(declaration, typeSources()).contributions.html.elements;
  const [vscode] = vscodeData(declaration, typeSources()).tags;
  expect(names(jetbrains.attributes)).toEqual(names(declaration.attributes));
  expect(names(vscode.attributes)).toEqual(names(declaration.attributes));
  expect(names(jetbrains.slots)).toEqual(names(declaration.slots));
  expect(names(jetbrains.js.events)).toEqual(names(declaration.events));
  expect(names(jetbrains.css.parts)).toEqual(names(declaration.cssParts));
  expect(names(jetbrains.css.properties)).toEqual(names(declaration.cssProperties));
  const values = (name: string): string[] | undefined =>
    vscode.attributes.find((attribute) => attribute.name === name)?.values?.map((value) => value.name);
  expect(values("mode")).toEqual(["inline", "floating", "fullscreen", "panel"]);
  expect(values("announce")).toEqual(["sentences", "complete", "status", "off"]);
  expect(values("transport")).toEqual(["auto", "sse", "websocket", "eventsource"]);
  expect(jetbrains.attributes.find(({ name }) => name === "feedback")?.value).toEqual({ type: "boolean", kind: "no-value" });
});

test("every attribute is documented in docs/embed.md, and nothing there is no attribute", () => {
  const page = readFileSync(join(widget, "..", "docs", "embed.md"), "utf8");
  const table = page.slice(page.indexOf("## Attributes of the element"), page.indexOf("## Let visitors attach files"));
  const rows = [...table.matchAll(/^\| ((?:`[\w-]+`(?:, )?)+) \|/gm)].flatMap(([, cell]) => cell.match(/[\w-]+/g) ?? []);
  expect(rows.toSorted()).toEqual(names(declaration.attributes));
});

test("every event is documented in docs/embed.md, and nothing there is no event", () => {
  const page = readFileSync(join(widget, "..", "docs", "embed.md"), "utf8");
  const rows = [...page.matchAll(/^\| ((?:`chanl-[\w-]+`(?:, )?)+) \|/gm)].flatMap(([, cell]) => cell.match(/chanl-[\w-]+/g) ?? []);
  expect(unique(rows)).toEqual(names(declaration.events));
});
