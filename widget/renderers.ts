/**
 * What the page draws itself in an answer: a tool's call in its card, and code that is more than code. An element for a call goes into
 * the page's own tree, in a slot of its card, so that the page's style sheets and scripts reach it. Strings are text, never HTML.
 */
import { html, nothing, type TemplateResult } from "lit";
import { AsyncDirective } from "lit/async-directive.js";
import { directive } from "lit/directive.js";

import type { JsonValue } from "../shared/protocol/chunk.ts";
import type { ToolCallPart, ToolState } from "../shared/session/message.ts";

/** A call as it is at the moment. `arguments` is missing while they are still being written, `result` until there is one. */
export interface RenderedCall {
  readonly id: string;
  readonly name: string;
  readonly state: ToolState;
  readonly arguments: JsonValue | undefined;
  readonly result: unknown;
  readonly error: string | undefined;
}

/** Called each time a call changes. The same element again keeps its place; nothing leaves the card as it is without a renderer. */
export type ToolRenderer = (call: RenderedCall) => Element | string | null | undefined;

/** Called once, when a code block is complete. The element stands in place of the code, inside the chat's shadow root. */
export type CodeRenderer = (code: string, language: string) => Element | null | undefined;

export interface Renderers {
  [tool: `tool:${string}`]: ToolRenderer;
  [code: `code:${string}`]: CodeRenderer;
}

type Drawn = Element | string | null;

/** What stands in place of a call's input and result. */
export class DrawnCalls {
  readonly #page: HTMLElement;
  #renderers: Renderers | undefined;
  /** A part is another object when it has changed. */
  #drawn = new WeakMap<ToolCallPart, Drawn>();

  /** @param page the chat element, whose children belong to the page */
  constructor(page: HTMLElement) {
    this.#page = page;
  }

  /** @returns `null` where the widget draws the call */
  draw(part: ToolCallPart, renderers: Renderers | undefined): Drawn {
    if (renderers !== this.#renderers) this.#drawn = new WeakMap();
    this.#renderers = renderers;
    let drawn = this.#drawn.get(part);
    if (drawn === undefined) this.#drawn.set(part, (drawn = this.#make(part, renderers)));
    return drawn;
  }

  #make(part: ToolCallPart, renderers: Renderers | undefined): Drawn {
    const { id, name, state, arguments: input, result, error } = part;
    const call: RenderedCall = { id, name, state, arguments: input, result, error };
    const draw = renderers && Object.hasOwn(renderers, `tool:${name}`) ? renderers[`tool:${name}`] : undefined;
    if (draw) return attempt(() => draw(call)) ?? null;
    const template = [...this.#page.children].find((child) => child.localName === "template" && child.slot === `tool:${name}`);
    return template instanceof HTMLTemplateElement && state === "complete" ? filled(template, call) : null;
  }

  /** @param key unique to the call in this chat */
  view(drawn: Element | string, key: string): unknown {
    return typeof drawn === "string" ? html`<p class="drawn" dir="auto">${drawn}</p>` : slotted(this.#page, `call:${key}`, drawn);
  }
}

/** Puts the element of a renderer in place of a complete block. @returns whether there is one */
export function drawCode(code: Element, language: string, renderers: Renderers | undefined): boolean {
  const draw = renderers && Object.hasOwn(renderers, `code:${language}`) ? renderers[`code:${language}`] : undefined;
  const drawn = draw && attempt(() => draw(code.textContent, language));
  if (!drawn) return false;
  (code.closest("pre") ?? code).replaceWith(drawn);
  return true;
}

/** An error in the page's code is the page's; the chat goes on as without it. */
function attempt<Made>(make: () => Made): Made | undefined {
  try {
    return make();
  } catch (error) {
    reportError(error);
    return undefined;
  }
}

/** The template's content with values of the call where `data-value` names them, such as `result.forecast.0.high`. */
function filled(template: HTMLTemplateElement, call: RenderedCall): Element {
  const box = document.createElement("div");
  box.append(document.importNode(template.content, true));
  for (const element of box.querySelectorAll("[data-value]")) {
    const value = (element.getAttribute("data-value") ?? "")
      .split(".")
      .reduce<unknown>(
        (at, name) =>
          typeof at === "object" && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined,
        call,
      );
    element.textContent = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  }
  return box;
}

class Slotted extends AsyncDirective {
  #page: HTMLElement | undefined;
  #element: Element | undefined;

  override render(page: HTMLElement, name: string, element: Element): TemplateResult | typeof nothing {
    if (element !== this.#element) this.#element?.remove();
    this.#page = page;
    this.#element = element;
    element.slot = name;
    if (element.parentElement !== page) page.append(element);
    return html`<slot name=${name}></slot>`;
  }

  protected override disconnected(): void {
    this.#element?.remove();
  }

  protected override reconnected(): void {
    if (this.#element) this.#page?.append(this.#element);
  }
}

const slotted = directive(Slotted);
