// dist/custom-elements.json, what editors and documentation tools read, from the element's own doc comment and properties.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { vscodeData, webTypes } from "./editor-data.mjs";

const root = join(import.meta.dirname, "..");
const read = (path) => readFileSync(join(root, "widget", path), "utf8");

/** One line of a doc tag: `@event {Type} name - words`, `[--name=default]`. */
function tags(doc, tag) {
  const pattern = new RegExp(`^ \\* @${tag} (?:\\{(\\w+)\\} )?(?:\\[([\\w-]+)=(.+?)\\]|([\\w-]+)) - (.+)$`, "gm");
  return [...doc.matchAll(pattern)].map(([, type, named, byDefault, name, description]) => ({
    ...(type ? { type: { text: type } } : {}),
    name: named ?? name,
    ...(byDefault ? { default: byDefault } : {}),
    description,
  }));
}

const kebab = (name) => name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);

/** `@property({…}) name: Type = default;` with the comment before it. */
function properties(source) {
  const pattern = /(?:\/\*\* ((?:(?!\*\/)[^])*?) \*\/\s+)?@property\(([^]*?)\)\s+(\w+)(?:: ((?:[^=;]|=>)+?))?(?: = ([^;]+))?;/g;
  return [...source.matchAll(pattern)].map(([, description, options, name, type, byDefault]) => {
    const attribute = /attribute: false/.test(options) ? undefined : (/attribute: "([\w-]+)"/.exec(options)?.[1] ?? kebab(name));
    return {
      kind: "field",
      name,
      ...(attribute ? { attribute } : {}),
      ...(type ? { type: { text: type.trim() } } : {}),
      ...(byDefault ? { default: byDefault.trim() } : {}),
      ...(description ? { description: description.replace(/\s*\n\s*\*\s?/g, " ").trim() } : {}),
      ...(/reflect: true/.test(options) ? { reflects: true } : {}),
    };
  });
}

/** Public methods, with the comment before them. */
function methods(source) {
  const pattern = /^ {2}\/\*\* ([^]*?) \*\/\n {2}(?:override )?(?:async )?(\w+)\(([^]*?)\): ([^{\n]+) \{$/gm;
  return [...source.matchAll(pattern)]
    .filter(([, description]) => !description.includes("@internal"))
    .map(([, description, name, , type]) => ({
      kind: "method",
      name,
      description: description.replace(/\s*\n\s*\*\s?/g, " ").trim(),
      return: { type: { text: type } },
    }));
}

/** What is read from script and is no attribute; without a setter it is read-only. */
function accessors(source) {
  const pattern = /^ {2}\/\*\* ([^]*?) \*\/\n {2}get (\w+)\(\): ([^\n]+) \{$/gm;
  return [...source.matchAll(pattern)].map(([, description, name, type]) => ({
    kind: "field",
    name,
    type: { text: type },
    description: description.replace(/\s*\n\s*\*\s?/g, " ").trim(),
    ...(source.includes(`  set ${name}(`) ? {} : { readonly: true }),
  }));
}

export function manifest() {
  const source = read("chanl-chat.ts");
  const doc = source.slice(source.indexOf("/**\n * A chat with an agent"), source.indexOf("export class ChanlChat"));
  const fields = properties(read("attributes.ts"));
  return {
    schemaVersion: "2.1.0",
    modules: [
      {
        kind: "javascript-module",
        path: "dist/chanl-chat.js",
        declarations: [
          {
            kind: "class",
            customElement: true,
            tagName: "chanl-chat",
            name: "ChanlChat",
            summary: /@summary (.+)/.exec(doc)?.[1],
            attributes: fields
              .filter(({ attribute }) => attribute)
              .map(({ attribute, name, type, default: byDefault, description }) => ({
                name: attribute,
                fieldName: name,
                ...(type ? { type } : {}),
                ...(byDefault ? { default: byDefault } : {}),
                ...(description ? { description } : {}),
              })),
            members: [...fields, ...accessors(source), ...methods(source)],
            events: tags(doc, "event"),
            slots: tags(doc, "slot"),
            cssParts: tags(doc, "csspart"),
            cssProperties: tags(doc, "cssproperty"),
            cssStates: tags(doc, "cssstate"),
          },
        ],
        exports: [{ kind: "custom-element-definition", name: "chanl-chat", declaration: { name: "ChanlChat" } }],
      },
    ],
  };
}

/** Where the types of attributes are written down. */
export const typeSources = () =>
  ["attributes.ts", "controllers/announcer.ts", "controllers/session-controller.ts", "controllers/scroll-anchor.ts"].map(read).join("\n");

export function writeManifest() {
  mkdirSync(join(root, "dist"), { recursive: true });
  const whole = manifest();
  const [element] = whole.modules[0].declarations;
  const files = {
    "custom-elements.json": whole,
    "web-types.json": webTypes(element, typeSources()),
    "vscode.html-custom-data.json": vscodeData(element, typeSources()),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, "dist", name), `${JSON.stringify(content, null, 2)}\n`);
}

if (process.argv[1] === import.meta.filename) writeManifest();
