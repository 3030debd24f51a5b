/**
 * How much of a long conversation is in the document: the newest messages, a screen of them at first and then a page. The older ones
 * stay data and come in pages above a sentinel, as one scrolls towards them or presses it; those far above go back to being data
 * while the log follows its end.
 */
import { whenIdle } from "../../shared/render/idle.ts";
import type { ChatMessage } from "../../shared/session/message.ts";

const PAGE = 50;
/** The first frame of a conversation draws a screen of them: the end of 1,000 stored messages shows in half the time (bench/README.md). */
const FIRST = 6;
/** More of the page in each idle moment after that: about 20 ms of work. */
const MORE = 12;
/** The longest a page waits for an idle moment, in ms. */
const IDLE_TIMEOUT_MS = 200;
/** Above this many, the oldest leave the document again. */
const MOST_WHILE_FOLLOWING = 2 * PAGE;
/** Distance above the fold at which a page is made, in px: before one gets there. */
const AHEAD_PX = 1_200;

export class HistoryWindow {
  readonly #near: () => void;
  /** The oldest message in the document; `null` shows the newest page. */
  #firstId: string | null = null;
  /** The newest page is not all drawn yet. */
  #isShort = false;
  #idle: (() => void) | null = null;
  #observer: IntersectionObserver | null = null;
  #sentinel: Element | null = null;

  /** @param near it is time for the next older ones: the reader comes near to the oldest, or the newest page has yet to be filled */
  constructor(near: () => void) {
    this.#near = near;
  }

  /** The messages to be in the document. @param following the log is at its end, so nobody looks at the oldest */
  visible(messages: readonly ChatMessage[], following: boolean): readonly ChatMessage[] {
    let from = this.#firstId === null ? -1 : messages.findIndex(({ id }) => id === this.#firstId);
    if (from === -1) {
      from = Math.max(0, messages.length - FIRST);
      this.#isShort = from > 0;
    } else if (following && messages.length - from > MOST_WHILE_FOLLOWING) from = messages.length - PAGE;
    this.#firstId = messages[from]?.id ?? null;
    return from === 0 ? messages : messages.slice(from);
  }

  /** More of the newest page is about to come by itself: until it has, how many are left out says nothing, and to format that number takes 15 ms. */
  get isFilling(): boolean {
    return this.#isShort;
  }

  /** Takes one more page, or more of the newest one while that is not full. @returns how many messages that is */
  extend(messages: readonly ChatMessage[]): number {
    const from = messages.findIndex(({ id }) => id === this.#firstId);
    if (from <= 0) {
      this.#isShort = false;
      return 0;
    }
    const page = Math.max(0, messages.length - PAGE);
    const earlier = this.#isShort ? Math.min(from, Math.max(page, from - MORE)) : Math.max(0, from - PAGE);
    this.#firstId = messages[earlier]?.id ?? null;
    this.#isShort &&= earlier > page;
    return from - earlier;
  }

  /** Called after each render that has drawn messages. */
  fill(): void {
    if (!this.#isShort || this.#idle) return;
    this.#idle = whenIdle(() => {
      this.#idle = null;
      this.#near();
    }, IDLE_TIMEOUT_MS);
  }

  /** Another conversation. */
  reset(): void {
    this.#firstId = null;
    this.#isShort = false;
  }

  /** Called after each render, with the sentinel where there is one. An unchanged sentinel is looked at again: it may still be near. */
  observe(scroller: Element | null, sentinel: Element | null, again: boolean): void {
    if (sentinel === this.#sentinel && !again) return;
    this.#observer?.disconnect();
    this.#observer = null;
    this.#sentinel = sentinel;
    if (!sentinel || !scroller || typeof IntersectionObserver === "undefined") return;
    this.#observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && this.#near(), {
      root: scroller,
      rootMargin: `${AHEAD_PX}px 0px 0px`,
    });
    this.#observer.observe(sentinel);
  }

  disconnect(): void {
    this.#idle?.();
    this.#idle = null;
    this.#observer?.disconnect();
    this.#observer = null;
    this.#sentinel = null;
  }
}
