/** What `bench/long-chat.mjs` runs inside Chromium: the widget with a long conversation, beside the same conversation as plain DOM. */
import "../../widget/index.ts";

import { ChatSession } from "../../shared/session/chat-session.ts";
import { createWebStorageStore } from "../../shared/session/web-storage-store.ts";
import type { ChatMessage } from "../../shared/session/message.ts";
import type { ChanlChat } from "../../widget/index.ts";
import { ScriptedTransport } from "../../widget/testing/scripted-transport.ts";

const PARAGRAPH =
  "Delivery takes **four to six** working days and costs `€ 14`, or nothing above € 150. Import tax is collected at checkout, so there are no fees at the door. ";
const LIST =
  "\n\n- Returns are free for 60 days\n- Refunds take *three* days\n- [The policy](https://example.com/returns) has the rest\n\n";
const CODE = '\n\n```ts\nconst order = await shop.orders.get("48213");\nconsole.log(order.status);\n```\n\n';

/** Questions of a line, answers of `chars` characters of Markdown. */
function talk(count: number, chars: number): ChatMessage[] {
  return Array.from({ length: count }, (_, at): ChatMessage => {
    const answer = `${at}. ${(PARAGRAPH + LIST + PARAGRAPH + (at % 6 === 1 ? CODE : "")).repeat(20).slice(0, chars)}`;
    const isQuestion = at % 2 === 0;
    return {
      id: `m${at}`,
      role: isQuestion ? "user" : "assistant",
      parts: [{ type: "text", text: isQuestion ? `Question ${at}: and then?` : answer }],
      status: "complete",
      createdAt: 1_700_000_000_000 + at * 60_000,
    };
  });
}

const transport = new ScriptedTransport();

async function sessionOf(messages: ChatMessage[]): Promise<ChatSession> {
  // Stored as the widget stores, loaded from here: no browser gives an origin room for 5,000 messages.
  const web = createWebStorageStore(() => sessionStorage);
  const session = new ChatSession({
    transport,
    agentId: "bench",
    store: { ...web, load: () => Promise.resolve({ v: 1, messages, active: null }) },
  });
  await session.restore();
  return session;
}

/** Settles when what was done before is painted. */
const painted = (): Promise<number> =>
  new Promise((resolve) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(performance.now());
      port2.postMessage(null);
    }),
  );

let chat: ChanlChat;
const log = (): HTMLElement => chat.shadowRoot!.querySelector<HTMLElement>(".log")!;

async function show(count: number, chars: number): Promise<number> {
  const session = await sessionOf(talk(count, chars));
  chat = document.createElement("chanl-chat");
  chat.session = session;
  await painted();
  const start = performance.now();
  document.body.append(chat);
  return (await painted()) - start;
}

/** The same messages with the same styles as ready-made DOM, all of them in the document: time without any parsing. */
async function showPlain(count: number, chars: number): Promise<number> {
  await show(50, chars);
  const made = [...log().querySelectorAll(".msg")];
  const sheets = chat.shadowRoot!.adoptedStyleSheets;
  chat.remove();
  const host = document.createElement("div");
  host.style.height = "640px";
  const root = host.attachShadow({ mode: "open" });
  const plain = new CSSStyleSheet();
  plain.replaceSync(":host{display:block} .msg{content-visibility:visible!important}");
  root.adoptedStyleSheets = [...sheets, plain];
  document.body.append(host);
  const messages = Array.from({ length: count }, (_, at) => made[at % made.length].cloneNode(true));
  await painted();
  const start = performance.now();
  const panel = document.createElement("div");
  panel.className = "root panel";
  const scroller = document.createElement("div");
  scroller.className = "log";
  const column = document.createElement("div");
  column.className = "col";
  column.append(...messages);
  scroller.append(column);
  panel.append(scroller);
  root.append(panel);
  scroller.scrollTop = scroller.scrollHeight;
  return (await painted()) - start;
}

function begin(): void {
  void chat.send("Go on");
  transport.last.start();
}

let streaming = 0;

/** So many tokens every 16 ms, as they come from a network: not in step with the frames, and asking for none. Until `stop`; a paragraph of about 80 of them. */
function stream(tokens: number, write = (token: string): unknown => transport.last.text(token)): void {
  let at = 0;
  const words = PARAGRAPH.split(" ");
  streaming = window.setInterval(() => {
    for (let token = 0; token < tokens; token += 1) {
      write(at % 80 === 79 ? "\n\n" : `${words[at % words.length]} `);
      at += 1;
    }
  }, 16);
}

async function frames(count: number): Promise<void> {
  for (let frame = 0; frame < count; frame += 1) await painted();
}

/** A text field and nothing else: what a key costs on this machine. */
function showField(): void {
  document.body.append(document.createElement("textarea"));
}

/** The same text, streamed as plain text into a log above the field, which follows it: no chat can do less. */
function showPlainStream(tokens: number): void {
  const plain = document.createElement("div");
  plain.style.cssText = "height: 600px; overflow: auto; font: 15px / 1.55 sans-serif";
  document.body.append(plain);
  showField();
  let paragraph: HTMLElement | null = null;
  let follows = false;
  const write = (token: string): void => {
    if (token === "\n\n" || !paragraph) plain.append((paragraph = document.createElement("p")));
    else paragraph.append(token);
    if (follows) return;
    follows = true;
    requestAnimationFrame(() => {
      follows = false;
      plain.scrollTop = plain.scrollHeight;
    });
  };
  // As much as is there beside the widget's.
  for (let at = 0; at < 900; at += 1) write(at % 80 === 79 ? "\n\n" : `${PARAGRAPH.split(" ")[at % 30]} `);
  stream(tokens, write);
}

/**
 * Time from each key to the frame that shows it, in ms, as the browser's Event Timing has it: in steps of 8, and nothing below 16. A message posted
 * in that frame would not do: where another frame follows at once, it runs behind both.
 */
function watchTyping(): () => number[] {
  const input = (document.querySelector("chanl-chat")?.shadowRoot ?? document).querySelector("textarea")!;
  input.focus();
  const shown: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => shown.push(...list.getEntries()));
  observer.observe({ type: "event", durationThreshold: 16 });
  return () => [...shown, ...observer.takeRecords()].filter(({ name }) => name === "keydown").map(({ duration }) => duration);
}

Object.assign(globalThis, {
  bench: {
    show,
    showPlain,
    showField,
    showPlainStream,
    begin,
    stream,
    frames,
    watchTyping,
    stop: () => clearInterval(streaming),
    gap: () => log().scrollHeight - log().scrollTop - log().clientHeight,
    elements: () => log().querySelectorAll(".msg").length,
  },
});
