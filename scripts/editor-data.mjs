// What editors read that do not know custom-elements.json: web-types.json (JetBrains) and vscode.html-custom-data.json, from the same source.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The values of `"a" | "b"`, through the name of a type where there is one. */
function valuesOf(type, sources) {
  const text = /^\w+$/.test(type ?? "") ? (new RegExp(`export type ${type} = ([^;]+);`).exec(sources)?.[1] ?? "") : (type ?? "");
  return [...text.matchAll(/"([\w-]+)"/g)].map(([, value]) => value);
}

const typeOf = ({ type, default: byDefault }) => type?.text ?? (/^(true|false)$/.test(byDefault ?? "") ? "boolean" : "string");

/** @param element the declaration of custom-elements.json @param sources where its types are written down */
export function webTypes(element, sources) {
  const plain = ({ name: each, description }) => ({ name: each, ...(description ? { description } : {}) });
  return {
    $schema: "https://json.schemastore.org/web-types",
    name,
    version,
    "description-markup": "markdown",
    contributions: {
      html: {
        elements: [
          {
            name: element.tagName,
            description: element.summary,
            attributes: element.attributes.map((attribute) => {
              const values = valuesOf(attribute.type?.text, sources);
              const type = values.length > 0 ? values.map((value) => `"${value}"`) : typeOf(attribute);
              return { ...plain(attribute), value: { type, ...(type === "boolean" ? { kind: "no-value" } : {}) } };
            }),
            slots: element.slots.map(plain),
            js: {
              properties: element.members.filter(({ kind }) => kind === "field").map((field) => ({ ...plain(field), type: typeOf(field) })),
              events: element.events.map((event) => ({ ...plain(event), type: event.type.text })),
            },
            css: { parts: element.cssParts.map(plain), properties: element.cssProperties.map(plain) },
          },
        ],
      },
    },
  };
}

export function vscodeData(element, sources) {
  return {
    version: 1.1,
    tags: [
      {
        name: element.tagName,
        description: element.summary,
        attributes: element.attributes.map((attribute) => {
          const values = valuesOf(attribute.type?.text, sources);
          return {
            name: attribute.name,
            ...(attribute.description ? { description: attribute.description } : {}),
            ...(typeOf(attribute) === "boolean" ? { valueSet: "v" } : {}),
            ...(values.length > 0 ? { values: values.map((value) => ({ name: value })) } : {}),
          };
        }),
      },
    ],
  };
}
