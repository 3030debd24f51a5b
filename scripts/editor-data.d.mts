import type { ElementDeclaration } from "./custom-elements.mjs";

interface Named {
  name: string;
  description?: string;
}

export function webTypes(
  element: ElementDeclaration,
  sources: string,
): {
  name: string;
  version: string;
  contributions: {
    html: {
      elements: {
        name: string;
        attributes: (Named & { value: { type: string | string[]; kind?: string } })[];
        slots: Named[];
        js: { properties: Named[]; events: Named[] };
        css: { parts: Named[]; properties: Named[] };
      }[];
    };
  };
};

export function vscodeData(
  element: ElementDeclaration,
  sources: string,
): { version: number; tags: { name: string; attributes: (Named & { valueSet?: string; values?: { name: string }[] })[] }[] };
