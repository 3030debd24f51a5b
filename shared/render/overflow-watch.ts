/** What scrolls must be reachable by keyboard: boxes that are wider inside than outside get a place in the tab order. */
export class OverflowWatch {
  #observer: ResizeObserver | null = null;
  readonly #view: (Window & typeof globalThis) | null;

  constructor(document: Document) {
    this.#view = document.defaultView;
  }

  /** Looks at a box whose content is complete, now and whenever its own width changes. */
  add(box: HTMLElement): void {
    this.#observer ??= this.#view?.ResizeObserver ? new this.#view.ResizeObserver(reach) : null;
    // Out of sight it is not laid out, and may scroll until it is seen not to.
    box.setAttribute("tabindex", "0");
    this.#observer?.observe(box);
  }

  stop(): void {
    this.#observer?.disconnect();
  }
}

function reach(entries: readonly ResizeObserverEntry[]): void {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
}
