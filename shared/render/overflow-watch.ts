/** What scrolls must be reachable by keyboard: boxes that are not wider inside than outside lose their place in the tab order. */
export class OverflowWatch {
  #observer: ResizeObserver | null = null;
  readonly #view: (Window & typeof globalThis) | null;

  constructor(document: Document) {
    this.#view = document.defaultView;
  }

  /** Looks at a box whose content is complete, now and whenever its own width changes. */
  add(box: HTMLElement): void {
    this.#observer ??= this.#view?.ResizeObserver ? new this.#view.ResizeObserver(reach) : null;
    // Out of sight it is not laid out: it keeps the place in the tab order it was made with until it is seen not to scroll.
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
