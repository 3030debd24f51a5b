/** The side panel: `<chanl-chat mode="panel">` with a session, tools and storage of the extension's own. No chat logic here. */
import { html, nothing, render } from "lit";

import { ChatSession } from "../../shared/session/chat-session.ts";
import { createFetchSseTransport } from "../../shared/transport/fetch-sse.ts";
import type { ChatTransport } from "../../shared/transport/transport.ts";
import "../../widget/index.ts";
import { PanelConversationStore } from "../history/conversation-store.ts";
import { forgetCurrent, hold, openCurrent, rememberCurrent } from "../history/current-conversation.ts";
import { onHistoryNews } from "../history/database.ts";
import { localise, t } from "../i18n.ts";
import { onIntent } from "../intent.ts";
import { activeTabId } from "../page/access.ts";
import { Approvals } from "../page/approvals.ts";
import { ClientTools } from "../../shared/session/client-tools.ts";
import { pageContext } from "../../shared/session/context.ts";
import { PageContext } from "../page/page-context.ts";
import { pageTools } from "../page/tools.ts";
import { loadToken } from "../secrets.ts";
import { chatEndpoint, loadSettings, onSettingsChanged, saveSettings, type Settings } from "../settings.ts";
import { guardStorage } from "../storage-access.ts";
import { approvalCard } from "./approval-card.ts";
import { contextChips } from "./context-chips.ts";
import { icons } from "./icons.ts";

/** Codes that mean "the address is wrong or nobody answers there": the doctor can say more. */
const CONNECTION_CODES: ReadonlySet<string> = new Set(["network", "bad_frame", "forbidden", "unauthorized", "not_found"]);

/** Starters that are nothing without the page. */
const PAGE_STARTERS = ["starterPage", "starterPoints"] as const;

const element = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`side-panel/index.html has no #${id}`);
  return found;
};

type Action = [label: string, action: () => void];

class Panel {
  readonly #settings: Settings;
  readonly #windowId: number;
  readonly #chat = document.createElement("chanl-chat");
  readonly #approvals = new Approvals(() => this.#draw());
  readonly #context: PageContext;
  readonly #store = new PanelConversationStore({ onFull: () => this.#say(t("storageFull")) });
  readonly #actions = document.createElement("div");
  readonly #chips = document.createElement("div");
  #session: ChatSession | null = null;
  #conversationId = "";
  #restored: Promise<unknown> = Promise.resolve();
  /** Where the running question was asked. */
  #tabId: number | null = null;

  constructor(settings: Settings, windowId: number) {
    this.#settings = settings;
    this.#windowId = windowId;
    this.#context = new PageContext({
      windowId,
      sendPage: settings.sendPage,
      changed: () => this.#draw(),
      failed: (message) => this.#say(message === "nothing-selected" ? t("nothingSelected") : message),
    });
  }

  async start(): Promise<void> {
    const { theme, accent } = this.#settings;
    const chat = this.#chat;
    chat.setAttribute("mode", "panel");
    chat.setAttribute("theme", theme === "system" ? "auto" : theme);
    if (accent) chat.setAttribute("accent", accent);
    // The panel is a page of its own, and this its title.
    chat.setAttribute("heading-level", "2");
    chat.setAttribute("name", t("name"));
    chat.setAttribute("greeting", t("greeting"));
    chat.setAttribute("show-metrics", "");
    // Drafts outlive the panel, as conversations do.
    chat.setAttribute("storage", "local");
    chat.math = true;
    chat.starters = [...PAGE_STARTERS, "starterHelp" as const].map((key) => t(key));
    // Events never leave this page.
    chat.setAttribute("events", "content");
    this.#actions.slot = "header-actions";
    this.#chips.slot = "composer-start";
    chat.append(this.#actions, this.#chips);
    chat.addEventListener("chanl-error", ({ detail }) => {
      if (this.#settings.backend === "browser") this.#say(detail.message);
      else if (CONNECTION_CODES.has(detail.code)) this.#sayNoAnswer();
      // Without a session yet, what was sent waits for it.
      else if (detail.code === "bad_request" && this.#session) this.#say(detail.message);
    });
    chat.addEventListener("chanl-stream-start", () => this.#say(null));
    chat.addEventListener("chanl-send", ({ detail }) => void rememberCurrent(this.#windowId, detail.conversationId));
    chat.addEventListener("chanl-before-send", ({ detail }) => void this.#beforeSend(detail.text));
    chat.addEventListener("input", () => void this.#onInput());
    element("chat").replaceChildren(chat);
    this.#draw();
    addEventListener("pagehide", () => this.#session?.flush());
    onHistoryNews((news) => {
      if (news.type !== "wiped") return;
      this.#store.close();
      location.reload();
    });
    const opened = openCurrent(this.#windowId).then(({ id, isNew }) => this.open(id, isNew ? id : undefined));
    // What a gesture sent along is read while the conversation is still coming from the disk.
    onIntent(this.#windowId, (intent) => {
      chat.focus();
      if (intent.kind === "question") void opened.then(() => this.#askFromElsewhere(intent.text));
      // The mark is read by `npm run bench:panel`.
      else void this.#context.take(intent).then(() => performance.mark("chanl-intent-shown"));
    });
    await opened;
  }

  /** Shows a conversation. `false` when another window has it. @param fresh the id of one that is empty. */
  async open(conversationId: string, fresh?: string): Promise<boolean> {
    if (!(await hold(conversationId))) return false;
    this.#session?.dispose();
    await this.#store.settled();
    const tools = pageTools({ approvals: this.#approvals, conversationId: () => this.#conversationId, tabId: () => this.#tabId });
    this.#conversationId = conversationId;
    const session = new ChatSession({
      transport: await this.#transport(),
      agentId: this.#settings.agentId,
      conversationId,
      store: this.#store,
      tools: new ClientTools(tools),
      context: pageContext(() => this.#context.gather()),
    });
    // At first there is nothing to forget, and a selection may be on its way.
    if (this.#session) this.#context.forget();
    this.#session = session;
    session.subscribe(() => this.#follow(session));
    this.#tabId = await activeTabId(this.#windowId);
    this.#chat.session = session;
    this.#restored = session.restore();
    if (conversationId !== fresh) void rememberCurrent(this.#windowId, conversationId);
    return true;
  }

  async #transport(): Promise<ChatTransport> {
    const { server, backend } = this.#settings;
    if (backend === "browser") {
      const { createBuiltInTransport } = await import("../built-in-model.ts");
      return createBuiltInTransport({
        onDownload: (share) => this.#say(share < 1 ? t("builtInDownloading", Math.floor(share * 10) * 10) : null),
      });
    }
    return createFetchSseTransport({
      endpoint: chatEndpoint(this.#settings),
      headers: async (): Promise<Record<string, string>> => {
        const token = await loadToken(server);
        return token ? { authorization: `Bearer ${token}` } : {};
      },
    });
  }

  /** "New conversation" in the chat makes a new id; the window has to hold it before anything is written to it. */
  #follow(session: ChatSession): void {
    const { conversationId } = session.getSnapshot();
    if (conversationId === this.#conversationId) return;
    this.#conversationId = conversationId;
    this.#context.forget();
    void hold(conversationId);
    void forgetCurrent(this.#windowId);
  }

  /** A question that was not typed here. An answer that is still running comes back first, and the question waits for its end. */
  async #askFromElsewhere(text: string): Promise<void> {
    await this.#restored;
    await this.#chat.send(text);
  }

  async #beforeSend(text = ""): Promise<void> {
    // "This page" means the page, whether its chip was on or not: choosing the starter is the leave, and the chip shows it.
    if (PAGE_STARTERS.some((key) => text === t(key))) void this.#context.include();
    this.#tabId = await activeTabId(this.#windowId);
  }

  async #onInput(): Promise<void> {
    const field = this.#chat.shadowRoot?.querySelector("textarea");
    if (!field?.value.startsWith("/")) return;
    const { slashMenu } = await import("../prompts/slash-menu.ts");
    await slashMenu({ chat: this.#chat, field, context: this.#context, host: element("menu") });
  }

  /** Nobody answers: the doctor can say why, and the browser's own model can answer instead, where there is one. */
  #sayNoAnswer(): void {
    const say = (others: readonly Action[]): void =>
      this.#say(t("noAnswer", this.#settings.server), [
        [t("findOut"), () => void this.#diagnose()],
        ...others,
        [t("openSettings"), () => void chrome.runtime.openOptionsPage()],
      ]);
    say([]);
    if (!("LanguageModel" in globalThis)) return;
    void import("../built-in-model.ts")
      .then(({ builtInAvailability }) => builtInAvailability())
      .then((state) => {
        if (state !== "unavailable") say([[t("useBuiltIn"), () => void saveSettings({ ...this.#settings, backend: "browser" })]]);
        return state;
      });
  }

  /** One line above the chat; `null` takes it away. */
  #say(text: string | null, actions: readonly Action[] = []): void {
    render(
      text === null
        ? nothing
        : html`<div class="notice" role="alert">
            <p>${text}</p>
            ${actions.map(([label, action]) => html`<button type="button" @click=${action}>${label}</button>`)}
            <button type="button" class="plain" aria-label=${t("dismiss")} @click=${() => this.#say(null)}>×</button>
          </div>`,
      element("notice"),
    );
  }

  async #diagnose(): Promise<void> {
    const { doctorView } = await import("../doctor-view.ts");
    doctorView(element("view"), this.#settings);
  }

  async #showHistory(): Promise<void> {
    const { historyView } = await import("../history/history-view.ts");
    await historyView(element("view"), {
      current: this.#conversationId,
      open: (id) => this.open(id),
      settled: () => this.#store.settled(),
      removed: () => this.#session?.newConversation(),
    });
  }

  async #openMenu(): Promise<void> {
    const { contextMenu } = await import("./context-menu.ts");
    contextMenu(element("menu"), this.#context, this.#windowId, (message) => this.#say(message));
  }

  #draw(): void {
    const focused = document.activeElement;
    render(approvalCard(this.#approvals), element("approvals"));
    render(contextChips(this.#context, { openMenu: () => void this.#openMenu() }), this.#chips);
    render(
      html`<button type="button" class="icon" aria-label=${t("history")} title=${t("history")} @click=${() => void this.#showHistory()}>
          ${icons.history}
        </button>
        <button
          type="button"
          class="icon"
          aria-label=${t("settings")}
          title=${t("settings")}
          @click=${() => void chrome.runtime.openOptionsPage()}
        >
          ${icons.settings}
        </button>`,
      this.#actions,
    );
    const page = this.#context.page;
    this.#chat.setAttribute("subtitle", page?.kind === "readable" ? t("beside", new URL(page.target.url).host) : t("subtitle"));
    // What had the focus answered its question and is gone.
    if (focused && !focused.isConnected) this.#chat.focus();
  }
}

async function start(): Promise<void> {
  guardStorage();
  localise(document);
  const [settings, window] = await Promise.all([loading, chrome.windows.getCurrent()]);
  document.documentElement.dataset["theme"] = settings.theme;
  if (window.id === undefined) return;
  await new Panel(settings, window.id).start();
}

const loading = loadSettings();
// A new address is another server, with other runs: the panel starts over. Not when only the version of what is stored changed.
onSettingsChanged(async (settings) => {
  if (JSON.stringify(settings) !== JSON.stringify(await loading)) location.reload();
});
void start();
