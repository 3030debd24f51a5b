/** What scrolls must be reachable by keyboard: boxes that are wider inside than outside get a place in the tab order. */
export class OverflowWatch {
  #observer: ResizeObserver | null = null;
  readonly #view: (Window & typeof globalThis) | null;

  constructor(document: Document) {
    this.#view = document.defaultView;
  }

  /** Watches a box and the one child whose width decides. */
  add(box: HTMLElement, content: Element): void {
    // Measured by the browser when it lays out anyway; asked for at another time, the widths would cost a layout of their own.
    this.#observer ??= this.#view?.ResizeObserver ? new this.#view.ResizeObserver(reach) : null;
    this.#observer?.observe(box);
    this.#observer?.observe(content);
  }

  stop(): void {
    this.#observer?.disconnect();
  }
}

function reach(entries: readonly ResizeObserverEntry[]): void {
  for (const { target } of entries) {
    const box = target.closest<HTMLElement>("pre, .tw");
    if (!box) continue;
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
}
