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
const render = join(import.meta.dirname, "..", "shared", "render");
const rendered = ["code-writer.ts", "dom-writer.ts"].map((name) => readFileSync(join(render, name), "utf8")).join("\n");
const code = sources.join("\n").replace(/^ ?\s*\*.*$/gm, "");
const [declaration] = manifest().modules[0].declarations;
const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name).toSorted();
const unique = (list: Iterable<string | undefined>): string[] => [...new Set([...list].filter((name) => name !== undefined))].toSorted();
const found = (pattern: RegExp): string[] => unique([...code.matchAll(pattern)].map(([, name]) => name));

test("attributes", () => {
  const attributes = readFileSync(join(widget, "attributes.ts"), "utf8");
  const properties = [...attributes.matchAll(/@property\(/g)].length;
  const accessors = [...readFileSync(join(widget, "chanl-chat.ts"), "utf8").matchAll(/^ {2}get \w+\(/gm)].length;
  expect(declaration.members.filter(({ kind }) => kind === "field")).toHaveLength(properties + accessors);
  expect(names(declaration.attributes)).toContain("heading-level");
  for (const { description, name } of declaration.attributes) if (name.length > 12) expect(description ?? name).toBeTruthy();
});

test("events", () => expect(names(declaration.events)).toEqual(found(/super\("(chanl-[\w-]+)"/g)));

test("slots", () => expect(names(declaration.slots)).toEqual(found(/<slot name="([\w-]+)"/g)));

test("parts", () => {
  const parts = found(/part="([^"]+)"/g).flatMap((value) => value.split(" ").filter((part) => !part.includes("$")));
  // What the renderer makes of model text has two.
  parts.push(...[...rendered.matchAll(/part: "(\w+)"/g)].map(([, name = ""]) => name));
  expect(names(declaration.cssParts)).toEqual(unique(parts));
});

test("CSS variables", () => expect(names(declaration.cssProperties)).toEqual(found(/var\(\s*(--chanl-[\w-]+)/g)));

test("states", () => {
  const states = /const now: Record<string, boolean> = \{([^}]+)\}/.exec(code)?.[1] ?? "";
  expect(names(declaration.cssStates)).toEqual(unique([...states.matchAll(/^\s+"?([\w-]+)"?:/gm)].map(([, name]) => name)));
});

/** What the class declares for everybody: neither private nor the life of a component, which Lit and the browser call. */
const LIFE =
  "constructor connectedCallback disconnectedCallback adoptedCallback attributeChangedCallback createRenderRoot willUpdate update updated firstUpdated shouldUpdate render getUpdateComplete".split(
    " ",
  );
const element = readFileSync(join(widget, "chanl-chat.ts"), "utf8");
const declared = (pattern: RegExp): string[] =>
  unique([...element.matchAll(pattern)].map(([, name]) => name)).filter((name) => !LIFE.includes(name));

test("methods, and docs/embed.md has each", () => {
  const methods = declaration.members.filter(({ kind }) => kind === "method");
  const isInternal = new Set([...element.matchAll(/@internal[^]*?\*\/\n {2}(?:async )?(\w+)\(/g)].map(([, name]) => name));
  expect(names(methods)).toEqual(
    declared(/^ {2}(?:override )?(?:async )?(?!get |set |if|for|while|switch)([a-z]\w+)\([^]*?\): [^\n]+ \{$/gm).filter(
      (name) => !isInternal.has(name),
    ),
  );
  const docs = readFileSync(join(widget, "..", "docs", "embed.md"), "utf8");
  for (const { name } of methods) expect(docs, name).toContain(`\`${name}(`);
});

test("what is read from script", () => {
  const accessors = declaration.members.filter(
    (member) => member.kind === "field" && !declaration.attributes.some(({ fieldName }) => fieldName === member.name),
  );
  for (const name of declared(/^ {2}get (\w+)\(/gm)) expect(names(accessors)).toContain(name);
  expect(accessors.filter(({ readonly }) => readonly).map(({ name }) => name)).toEqual(["messages", "state", "metrics"]);
  const docs = readFileSync(join(widget, "..", "docs", "embed.md"), "utf8");
  for (const { name } of accessors) expect(docs, name).toMatch(new RegExp(`\`[^\`]*\\b${name}\\b`));
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
