/**
 * The floating panel: a `<dialog>` that opens as a manual popover (top layer, the page stays usable) and, where the viewport
 * is small, as a modal that fills it. The top layer needs no z-index and no page can clip or transform it. With `layer="page"` the
 * dialog is a plain one, at the z-index its owner gives.
 */
import type { LiveSheet } from "../theme/live-sheet.ts";

/** Below this the panel fills the viewport. */
const SMALL_VIEWPORT = "(max-width: 479.98px), (max-height: 499.98px)";

export interface PanelHost {
  dialog(): HTMLDialogElement | null;
  launcherLayer(): HTMLElement | null;
  launcher(): HTMLElement | null;
  composer(): HTMLElement | null;
  title(): HTMLElement | null;
  /** The presentation changed between popover and full screen. */
  changed(): void;
}

export class PanelController {
  readonly #host: PanelHost;
  readonly #sheet: LiveSheet;
  #small: MediaQueryList | null = null;
  #listeners: AbortController | null = null;
  #opener: HTMLElement | null = null;
  #lockedOverflow: string | null = null;

  constructor(host: PanelHost, sheet: LiveSheet) {
    this.#host = host;
    this.#sheet = sheet;
  }

  get fillsViewport(): boolean {
    return this.#small?.matches ?? false;
  }

  connect(): void {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.#small = matchMedia(SMALL_VIEWPORT);
    this.#small.addEventListener("change", () => this.#switch(), { signal });
    visualViewport?.addEventListener("resize", () => this.#measure(), { signal });
    visualViewport?.addEventListener("scroll", () => this.#measure(), { signal });
  }

  disconnect(): void {
    this.#listeners?.abort();
    this.#listeners = null;
    this.#unlockPage();
  }

  /** Puts what should be on screen into the top layer; being moved in the document takes a popover out of it. */
  sync(open: boolean): void {
    const layer = this.#host.launcherLayer();
    const dialog = this.#host.dialog();
    if (layer?.isConnected && layer.popover && !layer.matches(":popover-open")) layer.showPopover();
    // Its owner has just put it into the other layer.
    if (dialog?.matches("[popover][open]:not(:modal)")) dialog.close();
    if (dialog?.isConnected && open && !isShown(dialog)) this.#present(dialog);
    if (dialog && !open && isShown(dialog)) this.#dismiss(dialog);
  }

  /** Remembers who asked, so that closing gives the focus back. */
  rememberOpener(root: Document | ShadowRoot): void {
    const active = root.activeElement;
    this.#opener = active instanceof HTMLElement && active !== document.body ? active : null;
  }

  /** Where the visitor, having opened it, wants to be: the composer, or on touch the title, which calls up no keyboard. */
  focusIn(touch: boolean): void {
    (touch ? this.#host.title() : this.#host.composer())?.focus({ preventScroll: true });
  }

  focusOut(): void {
    const target = this.#host.launcher() ?? this.#opener;
    this.#opener = null;
    target?.focus({ preventScroll: true });
  }

  /** Settles when the transition is over. */
  async settled(): Promise<void> {
    const animations = this.#host.dialog()?.getAnimations() ?? [];
    await Promise.allSettled(animations.map((animation) => animation.finished));
  }

  #present(dialog: HTMLDialogElement): void {
    // Inert while it opens: the browser's own focusing steps find nothing, so opening alone never moves the focus.
    dialog.inert = true;
    if (this.fillsViewport) {
      this.#measure();
      this.#lockPage();
      dialog.showModal();
    } else if (dialog.popover) dialog.showPopover();
    else dialog.show();
    dialog.inert = false;
  }

  #dismiss(dialog: HTMLDialogElement): void {
    if (dialog.open) dialog.close();
    else dialog.hidePopover();
    this.#unlockPage();
  }

  /** The viewport crossed the line while the panel is open. */
  #switch(): void {
    const dialog = this.#host.dialog();
    if (dialog && isShown(dialog)) {
      const root = dialog.getRootNode() as ShadowRoot;
      const focused = root.activeElement;
      this.#dismiss(dialog);
      this.#present(dialog);
      if (focused instanceof HTMLElement && dialog.contains(focused)) focused.focus({ preventScroll: true });
    }
    this.#host.changed();
  }

  /** The visual viewport is what the on-screen keyboard leaves. */
  #measure(): void {
    const viewport = visualViewport;
    if (!viewport || viewport.scale > 1.01) return;
    this.#sheet.set("--_viewport-height", `${viewport.height}px`);
    this.#sheet.set("--_viewport-top", `${viewport.offsetTop}px`);
  }

  #lockPage(): void {
    const { style } = document.documentElement;
    this.#lockedOverflow ??= style.overflow;
    style.overflow = "hidden";
  }

  #unlockPage(): void {
    if (this.#lockedOverflow === null) return;
    document.documentElement.style.overflow = this.#lockedOverflow;
    this.#lockedOverflow = null;
  }
}

/** As a popover, a modal or a plain dialog. */
export const isShown = (dialog: HTMLDialogElement): boolean => dialog.matches(":popover-open, [open]");
