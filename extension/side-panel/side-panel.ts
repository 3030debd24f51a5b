/** The side panel: `<chanl-chat mode="panel">` with a session that is kept in the extension's own storage. No chat logic here. */
import { ChatSession, createFetchSseTransport } from "../../shared/index.ts";
import "../../widget/index.ts";
import { chatEndpoint, loadSettings, onSettingsChanged, type Settings } from "../settings.ts";
import { currentConversationId, sessionConversationStore } from "./conversation-store.ts";
import { watchPageHost } from "./page-host.ts";

const STARTERS = ["How do I embed the widget?", "How does a dropped answer resume?", "Which models can it run on?"];

/** Codes that mean "the address is wrong or nobody answers there": the person can mend that in the settings. */
const CONNECTION_CODES: ReadonlySet<string> = new Set(["network", "bad_frame", "forbidden", "unauthorized", "not_found"]);

const main = element("chat");
const notice = element("notice");

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`side-panel/index.html has no #${id}`);
  return found;
}

async function show(settings: Settings): Promise<void> {
  document.documentElement.dataset["theme"] = settings.theme;
  const session = new ChatSession({
    transport: createFetchSseTransport({ endpoint: chatEndpoint(settings) }),
    agentId: settings.agentId,
    conversationId: await currentConversationId(),
    store: sessionConversationStore,
  });
  const chat = document.createElement("chanl-chat");
  chat.setAttribute("mode", "panel");
  chat.setAttribute("theme", settings.theme === "system" ? "auto" : settings.theme);
  chat.setAttribute("name", "chanl-chat");
  chat.setAttribute("show-metrics", "");
  chat.starters = STARTERS;
  chat.session = session;
  chat.addEventListener("chanl-error", (event) => {
    if (CONNECTION_CODES.has(event.detail.code))
      showNotice(`No answer from ${settings.server}. Is the server running, and is the address right?`);
  });
  chat.addEventListener("chanl-stream-start", () => void (notice.hidden = true));
  watchPageHost((host) => chat.setAttribute("subtitle", host ? `Beside ${host}` : "Answers from your server"));
  addEventListener("pagehide", () => session.flush());
  main.replaceChildren(chat);
  await session.restore();
}

function showNotice(text: string): void {
  element("notice-text").textContent = text;
  notice.hidden = false;
}

element("notice-settings").addEventListener("click", () => void chrome.runtime.openOptionsPage());
// A new address is another server, with other runs: the panel starts over.
onSettingsChanged(() => location.reload());
void loadSettings().then(show);
