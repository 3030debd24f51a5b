/** Puts a real element with a real session and a scripted transport into the page. */
import "../define.ts";

import { ChatSession } from "../../shared/session/chat-session.ts";
import type { ChanlChat } from "../chanl-chat.ts";
import { ScriptedTransport } from "./scripted-transport.ts";

export interface Mounted {
  chat: ChanlChat;
  transport: ScriptedTransport;
  session: ChatSession;
  root: ShadowRoot;
  input: HTMLTextAreaElement;
  button: HTMLButtonElement;
}

/** @param attributes as they are written in a tag */
export async function mount(properties: Partial<ChanlChat> = {}, transport = new ScriptedTransport(), attributes = ""): Promise<Mounted> {
  const template = document.createElement("template");
  template.innerHTML = `<chanl-chat ${attributes}></chanl-chat>`;
  const chat = document.importNode(template.content, true).querySelector("chanl-chat")!;
  const session = new ChatSession({ transport, agentId: "test", conversationId: properties.conversationId });
  chat.session = session;
  Object.assign(chat, { name: "Guide", storage: "none", ...properties });
  document.body.append(chat);
  await chat.preload();
  return {
    chat,
    transport,
    session,
    get root() {
      return chat.shadowRoot!;
    },
    get input() {
      return chat.shadowRoot!.querySelector<HTMLTextAreaElement>(`[part="input"]`)!;
    },
    get button() {
      return chat.shadowRoot!.querySelector<HTMLButtonElement>(".send")!;
    },
  };
}

export function unmountAll(): void {
  for (const chat of document.querySelectorAll("chanl-chat")) chat.remove();
  document.body.replaceChildren();
}

export const frame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => resolve()));

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What was pushed is read, applied, rendered and laid out. */
export async function settle(chat: ChanlChat): Promise<void> {
  await wait(0);
  await frame();
  await frame();
  await chat.updateComplete;
  await frame();
}

export function type(input: HTMLTextAreaElement, text: string): void {
  input.value = text;
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

export function press(target: HTMLElement, key: string, init: KeyboardEventInit & { keyCode?: number } = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...init });
  if (init.keyCode !== undefined) Object.defineProperty(event, "keyCode", { value: init.keyCode });
  target.dispatchEvent(event);
  return event;
}

export const texts = (root: ShadowRoot, selector: string): string[] =>
  [...root.querySelectorAll(selector)].map((element) => (element.textContent ?? "").replace(/\s+/g, " ").trim());
