/**
 * How much of a long conversation is in the document: the newest messages. The older ones stay data and come in pages above a
 * sentinel, as one scrolls towards them or presses it; those far above go back to being data while the log follows its end.
 */
import type { ChatMessage } from "../../shared/session/message.ts";

const PAGE = 50;
/** Above this many, the oldest leave the document again. */
const MOST_WHILE_FOLLOWING = 2 * PAGE;
/** Distance above the fold at which a page is made, in px: before one gets there. */
const AHEAD_PX = 1_200;

export class HistoryWindow {
  readonly #near: () => void;
  /** The oldest message in the document; `null` shows the newest page. */
  #firstId: string | null = null;
  #observer: IntersectionObserver | null = null;
  #sentinel: Element | null = null;

  /** @param near the reader comes near to the oldest message in the document, and there are older ones */
  constructor(near: () => void) {
    this.#near = near;
  }

  /** The messages to be in the document. @param following the log is at its end, so nobody looks at the oldest */
  visible(messages: readonly ChatMessage[], following: boolean): readonly ChatMessage[] {
    let from = this.#firstId === null ? -1 : messages.findIndex(({ id }) => id === this.#firstId);
    if (from === -1 || (following && messages.length - from > MOST_WHILE_FOLLOWING)) from = Math.max(0, messages.length - PAGE);
    this.#firstId = messages[from]?.id ?? null;
    return from === 0 ? messages : messages.slice(from);
  }

  /** Takes one more page. @returns how many messages that is */
  extend(messages: readonly ChatMessage[]): number {
    const from = messages.findIndex(({ id }) => id === this.#firstId);
    if (from <= 0) return 0;
    const earlier = Math.max(0, from - PAGE);
    this.#firstId = messages[earlier]?.id ?? null;
    return from - earlier;
  }

  /** Another conversation. */
  reset(): void {
    this.#firstId = null;
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
    this.#observer?.disconnect();
    this.#observer = null;
    this.#sentinel = null;
  }
}
