/** The words the renderer itself puts on screen. `{x}` is a parameter. */
export interface RenderLabels {
  copyCode: string;
  copied: string;
  /** Name of a code block without a language. */
  code: string;
  /** Accessible name of a code block: `{lang}`. */
  codeBlock: string;
  wrapLines: string;
  /** Shows the rest of a long code block: `{n}` lines in all. */
  showAll: string;
  table: string;
  /** An image that has not been loaded: `{alt}`, `{host}`. */
  image: string;
  imageWithoutAlt: string;
  taskDone: string;
  taskOpen: string;
}

export const ENGLISH_LABELS: RenderLabels = {
  copyCode: "Copy code",
  copied: "Copied",
  code: "Code",
  codeBlock: "Code, {lang}",
  wrapLines: "Wrap lines",
  showAll: "Show all {n} lines",
  table: "Table",
  image: "Load image: {alt} ({host})",
  imageWithoutAlt: "Load image ({host})",
  taskDone: "Done",
  taskOpen: "Not done",
};

export function fillLabel(label: string, values: Readonly<Record<string, string>>): string {
  return label.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
}
