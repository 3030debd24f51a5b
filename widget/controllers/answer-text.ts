/**
 * The way of a streamed text into the DOM: from the session straight to the `TokenRenderer` of its host element, never
 * through a re-render. Lit only places the hosts; what stands in one belongs to its renderer for good.
 */
import { noChange } from "lit";
import { directive, Directive, type DirectiveResult, type ElementPart } from "lit/directive.js";

import { TokenRenderer, type TokenRendererOptions } from "../../shared/render/token-renderer.ts";
import type { ChatMessage, ReasoningPart, TextPart } from "../../shared/session/message.ts";
import type { TransportChunk } from "../../shared/transport/transport.ts";

export interface HostedText {
  /** Unique to the text, the same for as long as it grows. */
  key: string;
  format: "markdown" | "text";
  /** The text is these, one after the other. */
  parts: readonly (TextPart | ReasoningPart)[];
  /** Nothing more will come. */
  settled: boolean;
}

interface Entry {
  element: Element;
  renderer: TokenRenderer;
  format: HostedText["format"];
  /** Characters the renderer has been given. */
  fed: number;
  ended: boolean;
  /** Settles when the end is on screen, or will never be. */
  complete: Promise<void>;
  finish: () => void;
}

class TextHost extends Directive {
  override render(_owner: AnswerText, _text: HostedText): unknown {
    return noChange;
  }

  override update(part: ElementPart, [owner, text]: [AnswerText, HostedText]): unknown {
    owner.attach(part.element, text);
    return noChange;
  }
}

const textHost = directive(TextHost);

export class AnswerText {
  readonly #entries = new Map<string, Entry>();
  readonly #options: () => TokenRendererOptions;
  /** Text that is there already is being drawn: nothing may be measured until all of it is. */
  #isDrawing = false;

  /** @param options asked for each new renderer, so that a change of language reaches the next answer */
  constructor(options: () => TokenRendererOptions) {
    this.#options = options;
  }

  /** The element directive for a host. */
  host(text: HostedText): DirectiveResult {
    return textHost(this, text);
  }

  /** Brings a host up to date; a new host gets its renderer, and what is there already at once. */
  attach(element: Element, text: HostedText): void {
    const length = text.parts.reduce((sum, part) => sum + part.text.length, 0);
    let entry = this.#entries.get(text.key);
    if (entry && (entry.element !== element || entry.fed > length || (entry.ended && entry.fed < length))) {
      this.#drop(text.key, entry);
      entry = undefined;
    }
    const isNew = entry === undefined;
    entry ??= this.#create(text, element);
    if (entry.fed < length) {
      entry.renderer.append(
        text.parts
          .map((part) => part.text)
          .join("")
          .slice(entry.fed),
      );
      entry.fed = length;
    }
    if (text.settled && !entry.ended) {
      entry.ended = true;
      entry.renderer.end();
    }
    // What is there already shows with its place. What comes later waits for its frame, the end too: one write per frame.
    if (!isNew) return;
    this.#isDrawing = true;
    entry.renderer.flush();
    this.#isDrawing = false;
  }

  /** Settles when all text of a message that has ended is on screen. */
  async complete(messageId: string): Promise<void> {
    const entries = [...this.#entries].filter(([key, entry]) => key.startsWith(`${messageId}:`) && entry.ended);
    await Promise.all(entries.map(([, entry]) => entry.complete));
  }

  /** A chunk that was just applied to its message. Text that has a host goes there (`true`); anything else waits for the next render. */
  push(chunk: TransportChunk, message: ChatMessage): boolean {
    if (chunk.type === "snapshot") {
      this.forget((key) => key.startsWith(`${message.id}:`));
      return false;
    }
    if (chunk.type !== "token" && chunk.type !== "reasoning") return false;
    const index = message.parts.length - 1;
    const part = message.parts[index];
    if (part?.type !== "text" && part?.type !== "reasoning") return false;
    const entry = this.#entries.get(`${message.id}:${index}`);
    if (!entry || entry.ended || entry.fed + chunk.content.length !== part.text.length) return false;
    entry.renderer.append(chunk.content);
    entry.fed = part.text.length;
    return true;
  }

  /** The host of a text, where it is on screen. */
  elements(messageId: string): Element[] {
    return [...this.#entries]
      .filter(([key, entry]) => key.startsWith(`${messageId}:`) && entry.format === "markdown")
      .map(([, entry]) => entry.element);
  }

  /** Lets go of the renderers whose key matches, or of all. */
  forget(matches: (key: string) => boolean = () => true): void {
    for (const [key, entry] of this.#entries) if (matches(key)) this.#drop(key, entry);
  }

  /** Lets go of the renderers whose host is no longer under `root`. */
  sweep(root: Node): void {
    for (const [key, entry] of this.#entries) if (!root.contains(entry.element)) this.#drop(key, entry);
  }

  #create(text: HostedText, element: Element): Entry {
    element.replaceChildren();
    let finish = (): void => undefined;
    const complete = new Promise<void>((resolve) => (finish = resolve));
    const options = this.#options();
    const renderer = new TokenRenderer(element as HTMLElement, {
      ...options,
      format: text.format,
      onFrame: (frame) => {
        if (!this.#isDrawing) options.onFrame?.(frame);
        if (frame.ended) finish();
      },
    });
    const entry: Entry = { element, renderer, format: text.format, fed: 0, ended: false, complete, finish };
    this.#entries.set(text.key, entry);
    return entry;
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    entry.renderer.destroy();
    entry.finish();
  }
}
