interface Named {
  name: string;
  description?: string;
}

export interface ElementDeclaration {
  attributes: (Named & { fieldName: string })[];
  members: (Named & { kind: "field" | "method"; readonly?: boolean })[];
  events: Named[];
  slots: Named[];
  cssParts: Named[];
  cssProperties: Named[];
  cssStates: Named[];
}

export function manifest(): { schemaVersion: string; modules: { declarations: ElementDeclaration[] }[] };
export function typeSources(): string;
export function writeManifest(): void;
