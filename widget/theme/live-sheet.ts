/** Values known only at run time (accent, viewport height), as one constructable sheet: no `style` attribute, so no CSP exception. */
export class LiveSheet {
  #sheet: CSSStyleSheet | null = null;
  readonly #values = new Map<string, string>();

  adopt(root: DocumentOrShadowRoot): void {
    this.#sheet ??= new CSSStyleSheet();
    if (!root.adoptedStyleSheets.includes(this.#sheet)) root.adoptedStyleSheets.push(this.#sheet);
    this.#write();
  }

  /** Sets or, with `null`, removes one custom property on the host. */
  set(name: string, value: string | null): void {
    if ((this.#values.get(name) ?? null) === value) return;
    if (value === null) this.#values.delete(name);
    else this.#values.set(name, value);
    this.#write();
  }

  #write(): void {
    this.#sheet?.replaceSync(`:host{${[...this.#values].map(([name, value]) => `${name}:${value}`).join(";")}}`);
  }
}
