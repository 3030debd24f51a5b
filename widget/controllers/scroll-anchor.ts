/**
 * Stick to bottom: a latch. While it is pinned, the log follows what grows; any upward move of the visitor releases it, and only
 * arriving at the real bottom, the jump button or a send pins it again. Growth of the content is never taken for a scroll.
 */

/** This near to the end counts as the end: sub-pixel layout never gets closer. */
const AT_END_PX = 2;

export class ScrollAnchor {
  readonly #changed: () => void;
  readonly #observer: ResizeObserver | null;
  #scroller: HTMLElement | null = null;
  #column: Element | null = null;
  #listeners: AbortController | null = null;
  #pinned = true;
  #unread = false;
  #visible = false;
  #lastTop = 0;
  #lastHeight = 0;
  #touchY = 0;
  #frame = 0;

  /** @param changed the jump button has to be drawn anew */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.#onResize());
  }

  get pinned(): boolean {
    return this.#pinned;
  }

  /** The jump button has somewhere to go. */
  get canJump(): boolean {
    return this.#visible;
  }

  /** Something new came below since the visitor scrolled away. */
  get unread(): boolean {
    return this.#unread;
  }

  /** Called after each render; does something only when the elements are others. */
  observe(scroller: HTMLElement | null, column: Element | null): void {
    if (scroller === this.#scroller && column === this.#column) return;
    this.disconnect();
    this.#scroller = scroller;
    this.#column = column;
    if (!scroller || !column) return;
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    const options = { signal, passive: true };
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.release(), options);
    scroller.addEventListener("touchstart", (event) => (this.#touchY = event.touches[0]?.clientY ?? 0), options);
    scroller.addEventListener(
      "touchmove",
      (event) => {
        const y = event.touches[0]?.clientY ?? 0;
        if (y > this.#touchY) this.release();
        this.#touchY = y;
      },
      options,
    );
    scroller.addEventListener("keydown", (event) => this.#onKeyDown(event), options);
    scroller.addEventListener("scroll", () => this.#onScroll(), options);
    this.#observer?.observe(scroller);
    this.#observer?.observe(column);
    this.#write();
  }

  disconnect(): void {
    this.#listeners?.abort();
    this.#listeners = null;
    this.#observer?.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#scroller = null;
    this.#column = null;
  }

  /** Follows from now on, and goes to the end. */
  pin(): void {
    this.#set(true);
    this.#unread = false;
    this.follow();
    this.#draw();
  }

  /** Stays where it is from now on. */
  release(): void {
    const scroller = this.#scroller;
    if (!scroller || !this.#pinned || scroller.scrollHeight <= scroller.clientHeight) return;
    this.#set(false);
    this.#unread = false;
    this.#draw();
  }

  /** One write at the next frame, however often it is asked for. */
  follow(): void {
    if (!this.#pinned || this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#write();
    });
  }

  /** In the frame that wrote the text: one layout serves both. */
  followNow(): void {
    this.#write();
  }

  #set(pinned: boolean): void {
    this.#pinned = pinned;
    this.#scroller?.toggleAttribute("data-pinned", pinned);
  }

  /** After layout and before paint: what has grown is never seen unfollowed. */
  #onResize(): void {
    const grew = (this.#scroller?.scrollHeight ?? 0) > this.#lastHeight;
    if (this.#pinned) this.#write();
    else if (grew) this.#unread = true;
    this.#lastHeight = this.#scroller?.scrollHeight ?? 0;
    this.#draw();
  }

  #write(): void {
    const scroller = this.#scroller;
    if (!scroller || !this.#pinned) return;
    scroller.toggleAttribute("data-pinned", true);
    // At most one write per frame: what the renderer's frame has followed, the observer finds done.
    if (this.#gap() >= 1) scroller.scrollTop = scroller.scrollHeight;
    this.#lastTop = scroller.scrollTop;
    this.#lastHeight = scroller.scrollHeight;
  }

  #onKeyDown(event: KeyboardEvent): void {
    if (["PageUp", "Home", "ArrowUp"].includes(event.key) || (event.key === " " && event.shiftKey)) this.release();
  }

  /** Upwards without having shrunk: a scrollbar, a drag, find in page. Downwards to the very end: pinned again. */
  #onScroll(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    const { scrollTop, scrollHeight } = scroller;
    const up = scrollTop < this.#lastTop - 1;
    const down = scrollTop > this.#lastTop;
    const shrunk = scrollHeight < this.#lastHeight;
    if (this.#pinned && up && !shrunk) this.release();
    else if (!this.#pinned && down && this.#gap() <= AT_END_PX) this.pin();
    this.#lastTop = scrollTop;
    this.#lastHeight = scrollHeight;
    this.#draw();
  }

  #gap(): number {
    const scroller = this.#scroller;
    return scroller ? scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight : 0;
  }

  #draw(): void {
    const visible = !this.#pinned && this.#gap() > AT_END_PX;
    if (!visible && this.#pinned) this.#unread = false;
    const state = `${visible} ${this.#unread}`;
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#visible = visible;
    this.#changed();
  }
  #drawn = "false false";
}
