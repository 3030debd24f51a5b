/** What is being written, and what a key means: Enter sends, unless an input method, a modifier or a touch keyboard says otherwise. */

import type { ContextPart } from "../../shared/session/message.ts";

/** A keydown this soon after `compositionend` still belongs to the input method (Safari fires them in this order). */
const COMPOSITION_GRACE_MS = 50;

export interface QueuedMessage {
  text: string;
  /** Goes along with it. */
  along: readonly ContextPart[];
}

export interface ComposerHost {
  textarea(): HTMLTextAreaElement | null;
  submitKey(): "enter" | "mod-enter";
  isTouch(): boolean;
  /** Whether there is text, or a queued message, changed. */
  changed(): void;
  edited(text: string): void;
  submit(): void;
}

export class Composer {
  readonly #host: ComposerHost;
  #text = "";
  #composedAt = Number.NEGATIVE_INFINITY;
  #queued: QueuedMessage | null = null;

  constructor(host: ComposerHost) {
    this.#host = host;
  }

  get text(): string {
    return this.#text;
  }

  get hasText(): boolean {
    return this.#text.trim() !== "";
  }

  /** The one message that is sent when the running answer ends. */
  get queued(): QueuedMessage | null {
    return this.#queued;
  }

  queue(message: QueuedMessage): void {
    this.#queued = message;
    this.#host.changed();
  }

  /** It waits no longer. */
  takeQueued(): QueuedMessage | null {
    const queued = this.#queued;
    this.#queued = null;
    if (queued) this.#host.changed();
    return queued;
  }

  /** Replaces the text, as a draft, a failed send or `setDraft()` does. */
  set(text: string): void {
    const textarea = this.#host.textarea();
    if (textarea) textarea.value = text;
    this.#take(text);
  }

  /** Gives the element, just rendered, the text that was there before it. */
  adopt(): void {
    const textarea = this.#host.textarea();
    if (textarea && textarea.value !== this.#text) textarea.value = this.#text;
    this.#fit();
  }

  readonly onInput = (): void => this.#take(this.#host.textarea()?.value ?? "");

  readonly onCompositionEnd = (event: Event): void => {
    this.#composedAt = event.timeStamp;
  };

  readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    if (event.isComposing || event.keyCode === 229) return;
    if (event.timeStamp - this.#composedAt < COMPOSITION_GRACE_MS) {
      event.preventDefault();
      return;
    }
    const modifier = event.ctrlKey || event.metaKey;
    if (!modifier && (this.#host.submitKey() === "mod-enter" || this.#host.isTouch())) return;
    event.preventDefault();
    if (!event.repeat) this.#host.submit();
  };

  #take(text: string): void {
    const had = this.hasText;
    this.#text = text;
    this.#fit();
    this.#host.edited(text);
    if (had !== this.hasText) this.#host.changed();
  }

  /** Where CSS cannot size a field to its content, rows can. */
  #fit(): void {
    const textarea = this.#host.textarea();
    if (!textarea || CSS.supports("field-sizing", "content")) return;
    textarea.rows = 1;
    textarea.rows = Math.min(7, Math.max(1, Math.floor((textarea.scrollHeight - 10) / 24)));
  }
}
