/** `?state=…`: one state of the widget at three widths; `&theme=dark`, `&mode=inline` (or `panel`, `floating`), `&dir=rtl` and `&accent=…` vary it. */
import { pageContext } from "../shared/session/context.ts";
import { ChatSession } from "../shared/session/chat-session.ts";
import type { ChanlChat } from "../widget/index.ts";
import { type ScriptStep, ScriptedTransport } from "../widget/testing/scripted-transport.ts";
import { STATES, type GalleryState } from "./states.ts";

const FRAMES = [
  { label: "Inline", mode: "inline", look: "wide" },
  { label: "Side panel", mode: "panel", look: "narrow" },
] as const;

const STARTERS = ["Where is my order?", "How do returns work?", "Which size should I take?", "Talk to a person"];

export function showGallery(name: string, query: URLSearchParams): void {
  const state = STATES[name] ?? STATES["empty"]!;
  document.querySelector("main#page")?.remove();
  document.querySelector("chanl-chat#floating")?.remove();
  if (query.get("dir") === "rtl") document.documentElement.dir = "rtl";

  const main = document.createElement("main");
  main.id = "page";
  main.className = "gallery";
  const title = document.createElement("h1");
  title.textContent = state.title;
  const stage = document.createElement("div");
  stage.className = "stage";
  main.append(title, statesNav(name, query), stage);
  document.body.append(main);

  if (query.get("mode") === "floating") {
    const chat = makeChat(state, "floating", query);
    chat.open = true;
    document.body.append(chat);
    return;
  }
  const only = query.get("mode");
  for (const frame of FRAMES.filter(({ mode }) => only === null || only === mode)) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = frame.label;
    const chat = makeChat(state, frame.mode, query);
    chat.classList.add(frame.look);
    figure.append(caption, chat);
    stage.append(figure);
  }
}

function statesNav(current: string, query: URLSearchParams): HTMLElement {
  const nav = document.createElement("nav");
  nav.setAttribute("aria-label", "States");
  for (const name of Object.keys(STATES)) {
    const link = document.createElement("a");
    const target = new URLSearchParams(query);
    target.set("state", name);
    link.href = `?${target}`;
    link.textContent = name;
    if (name === current) link.setAttribute("aria-current", "page");
    nav.append(link);
  }
  return nav;
}

function makeChat(state: GalleryState, mode: ChanlChat["mode"], query: URLSearchParams): ChanlChat {
  const chat = document.createElement("chanl-chat");
  const transport = new ScriptedTransport(() => played(state, chat));
  const messages = state.history ?? [];
  const store = { load: async () => ({ v: 1 as const, messages, active: null }), save: () => undefined, remove: () => undefined };
  const session = new ChatSession({
    transport,
    agentId: "gallery",
    store: messages.length > 0 ? store : null,
    context: pageContext(async () => []),
  });
  chat.session = session;
  chat.mode = mode;
  chat.name = mode === "inline" ? "Order help" : "Shop assistant";
  chat.subtitle = "Usually answers in seconds";
  chat.placeholder = "Ask about orders, sizes, returns…";
  chat.starters = STARTERS;
  chat.showMetrics = true;
  chat.feedback = true;
  chat.readAloud = true;
  chat.accent = query.get("accent") ?? "";
  void begin(state, chat, session);
  return chat;
}

async function begin(state: GalleryState, chat: ChanlChat, session: ChatSession): Promise<void> {
  await session.restore();
  const answered = state.ask ? session.send(state.ask) : null;
  state.afterStart?.(chat);
  await answered;
  await state.afterEnd?.(chat, session);
}

async function* played(state: GalleryState, chat: ChanlChat): AsyncGenerator<ScriptStep> {
  for await (const step of state.script()) yield step;
  if (state.stop) {
    // The chunks are read one task later than they are pushed.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await chat.stop();
  }
}
