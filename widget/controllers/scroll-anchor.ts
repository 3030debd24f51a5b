/**
 * Stick to bottom: a latch. While it is pinned, the log follows what grows; any upward move of the visitor releases it, and only
 * arriving at the real bottom, the End key, the jump button or a send pins it again. Growth is never taken for a scroll.
 *
 * In turns nothing is followed: a question goes to the top, and its answer grows below it into room that is there already.
 *
 * Released, the text being read stays where it is whatever grows above it. Chromium and Firefox see to that themselves (scroll
 * anchoring), but not at the very top of the scroller, and Safari never: there a held element is put back by hand.
 */

/** This near to the end counts as the end: sub-pixel layout never gets closer. */
const AT_END_PX = 2;
/** A scroll position moves by fractions of a pixel on fractional displays without anybody scrolling. */
const ROUNDING_PX = 0.5;
/** Frames after which what was put in above has got its real height. */
const SETTLE_FRAMES = 3;
/** From this width on a log is read like a page, in turns (UX of assistant-ui and ChatGPT); a narrow one follows its end. In px. */
const TURN_FROM_PX = 760;
/** Least room for an answer below a question that fills the log, in px. */
const LEAST_ROOM_PX = 160;

export type ScrollMode = "auto" | "bottom" | "turn";

interface Held {
  element: Element;
  /** Distance of its top from the scroller's, in px. */
  top: number;
}

export class ScrollAnchor {
  readonly #changed: () => void;
  readonly #setRoom: (px: number | null) => void;
  readonly #observer: ResizeObserver | null;
  readonly #anchorsItself = CSS.supports("overflow-anchor", "auto");
  #scroller: HTMLElement | null = null;
  #column: Element | null = null;
  #listeners: AbortController | null = null;
  #pinned = true;
  #held: Held | null = null;
  #unread = false;
  #visible = false;
  #drawn = "false false";
  #lastTop = 0;
  #lastHeight = 0;
  #lastClient = 0;
  #lastGap = 0;
  #touchY = 0;
  #frame = 0;
  #settling = 0;

  /**
   * @param changed the jump button has to be drawn anew
   * @param setRoom the least height of the last answer, in px
   */
  constructor(changed: () => void, setRoom: (px: number | null) => void = () => undefined) {
    this.#changed = changed;
    this.#setRoom = setRoom;
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
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && !event.ctrlKey && this.release(), options);
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
    // Moved in the document, a scroller is at its top again.
    if (!this.#pinned) scroller.scrollTop = this.#lastTop;
    this.#observer?.observe(scroller);
    this.#observer?.observe(column);
    if (!this.#observer) this.#write();
  }

  disconnect(): void {
    this.#listeners?.abort();
    this.#listeners = null;
    this.#observer?.disconnect();
    cancelAnimationFrame(this.#frame);
    cancelAnimationFrame(this.#settling);
    this.#frame = 0;
    this.#settling = 0;
    this.#held = null;
    this.#scroller = null;
    this.#column = null;
  }

  /** Follows from now on, and goes to the end. */
  pin(): void {
    this.#letGo();
    this.#set(true);
    this.#unread = false;
    this.follow();
    this.#draw();
  }

  /** A question was asked and is drawn: it goes to the top where one reads in turns, else its answer is followed. */
  ask(mode: ScrollMode): void {
    const scroller = this.#scroller;
    const question = this.#question();
    const inTurns = mode === "turn" || (mode === "auto" && scroller !== null && scroller.clientWidth >= TURN_FROM_PX);
    scroller?.toggleAttribute("data-turn", inTurns);
    if (!inTurns || !scroller || !question) {
      this.#setRoom(null);
      this.pin();
      return;
    }
    this.#letGo();
    this.#set(false);
    this.#unread = false;
    this.#makeRoom(scroller, question);
    const padding = Number.parseFloat(getComputedStyle(scroller).paddingTop);
    scroller.scrollTop += question.getBoundingClientRect().top - scroller.getBoundingClientRect().top - padding;
    this.#note(scroller);
    this.#draw();
  }

  /** Stays where it is from now on. */
  release(): void {
    const scroller = this.#scroller;
    if (!scroller || !this.#pinned || scroller.scrollHeight <= scroller.clientHeight) return;
    this.#set(false);
    this.#unread = false;
    if (!this.#anchorsItself) this.#hold();
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

  /** Before something is put in above what is being read. */
  hold(): void {
    if (!this.#pinned) this.#hold();
  }

  /** It is in: puts what is being read back where it was, now and for as long as heights above still change. */
  putBack(): void {
    if (!this.#held) return;
    this.#restore();
    if (this.#anchorsItself) this.#letGoAfter(SETTLE_FRAMES);
  }

  #question(): HTMLElement | undefined {
    return [...(this.#column?.querySelectorAll<HTMLElement>(":scope > [part~='message-user']") ?? [])].at(-1);
  }

  /** As much as makes the question the first thing in the log, however short its answer is. */
  #makeRoom(scroller: HTMLElement, question: HTMLElement): void {
    const answer = question.nextElementSibling;
    if (!answer) return;
    const { paddingTop, paddingBottom } = getComputedStyle(scroller);
    const apart = answer.getBoundingClientRect().top - question.getBoundingClientRect().top;
    const taken = [paddingTop, paddingBottom, getComputedStyle(answer).marginBottom].reduce(
      (sum, px) => sum + Number.parseFloat(px),
      apart,
    );
    this.#setRoom(Math.max(LEAST_ROOM_PX, Math.ceil(scroller.clientHeight - taken)));
  }

  #set(pinned: boolean): void {
    this.#pinned = pinned;
    this.#scroller?.toggleAttribute("data-pinned", pinned);
  }

  #hold(): void {
    const scroller = this.#scroller;
    if (!scroller || !this.#column) return;
    const edge = scroller.getBoundingClientRect().top;
    const element = firstBelow(this.#column, edge);
    this.#held = element && { element, top: element.getBoundingClientRect().top - edge };
    scroller.toggleAttribute("data-held", this.#held !== null);
  }

  #restore(): void {
    const scroller = this.#scroller;
    if (!scroller || !this.#held) return;
    const { element, top } = this.#held;
    const moved = element.isConnected ? element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - top : 0;
    if (Math.abs(moved) > ROUNDING_PX) scroller.scrollTop += moved;
    this.#note(scroller);
  }

  #letGo(): void {
    cancelAnimationFrame(this.#settling);
    this.#settling = 0;
    this.#held = null;
    this.#scroller?.removeAttribute("data-held");
  }

  #letGoAfter(frames: number): void {
    cancelAnimationFrame(this.#settling);
    this.#settling = requestAnimationFrame(() => {
      this.#restore();
      if (frames > 1) this.#letGoAfter(frames - 1);
      else this.#letGo();
    });
  }

  /** After layout and before paint: what has grown is never seen unfollowed. */
  #onResize(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    const grew = scroller.scrollHeight > this.#lastHeight;
    if (scroller.clientHeight !== this.#lastClient && scroller.hasAttribute("data-turn")) {
      const question = this.#question();
      if (question) this.#makeRoom(scroller, question);
    }
    if (this.#pinned) this.#write();
    else if (this.#held) this.#restore();
    else if (grew) this.#unread = true;
    this.#note(scroller);
    this.#draw();
  }

  #write(): void {
    const scroller = this.#scroller;
    if (!scroller || !this.#pinned) return;
    scroller.toggleAttribute("data-pinned", true);
    // At most one write per frame: what the renderer's frame has followed, the observer finds done.
    if (this.#gap() >= 1) scroller.scrollTop = scroller.scrollHeight;
    this.#note(scroller);
  }

  /** What is so now is no scroll of the visitor's. */
  #note(scroller: HTMLElement): void {
    this.#lastTop = scroller.scrollTop;
    this.#lastHeight = scroller.scrollHeight;
    this.#lastClient = scroller.clientHeight;
    this.#lastGap = this.#gap();
  }

  #onKeyDown(event: KeyboardEvent): void {
    if (event.target instanceof HTMLTextAreaElement) return;
    if (event.key === "End") this.pin();
    else if (["PageUp", "Home", "ArrowUp"].includes(event.key) || (event.key === " " && event.shiftKey)) this.release();
  }

  /** Upwards and away from the end: a scrollbar, a drag, find in page. Downwards to what was the very end: pinned again. */
  #onScroll(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    const { scrollTop } = scroller;
    const up = scrollTop < this.#lastTop - ROUNDING_PX;
    // Content that shrank, or a scroller that grew, moves the position up too, and leaves it at the end.
    const away = this.#gap() > this.#lastGap + ROUNDING_PX;
    const atEnd = Math.min(this.#lastHeight, scroller.scrollHeight) - scrollTop - scroller.clientHeight <= AT_END_PX;
    if (this.#pinned && up && away) this.release();
    else if (!this.#pinned && scrollTop > this.#lastTop && atEnd) this.pin();
    else if (this.#held && scrollTop !== this.#lastTop) this.#hold();
    this.#note(scroller);
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
}

/** The innermost block that reaches below `edge` first: of a message that begins above the fold, the paragraph being read. */
function firstBelow(column: Element, edge: number): Element | null {
  let found = [...column.querySelectorAll(":scope > [role='article']")].find((message) => reaches(message, edge)) ?? null;
  while (found && found.getBoundingClientRect().top < edge && !found.matches(LINES)) {
    const inner = [...found.children].find((child) => reaches(child, edge));
    if (!inner) break;
    found = inner;
  }
  return found;
}

const LINES = "p, pre, table, li, h1, h2, h3, h4, h5, h6";

function reaches(element: Element, edge: number): boolean {
  const { bottom, height } = element.getBoundingClientRect();
  return height > 1 && bottom > edge;
}
