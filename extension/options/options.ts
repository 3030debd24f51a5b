/** The options page: the server's address, the agent, the theme. */
import { DEFAULT_SETTINGS, loadSettings, normaliseServer, saveSettings, type Settings } from "../settings.ts";
import { checkConnection } from "./connection-check.ts";

function input<Type extends HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (!found) throw new Error(`options/index.html has no #${id}`);
  return found as Type;
}

const form = input<HTMLFormElement>("form");
const server = input<HTMLInputElement>("server");
const agentId = input<HTMLInputElement>("agentId");
const theme = input<HTMLSelectElement>("theme");
const error = input<HTMLParagraphElement>("server-error");
const status = input<HTMLParagraphElement>("status");

function fill(settings: Settings): void {
  server.value = settings.server;
  agentId.value = settings.agentId;
  theme.value = settings.theme;
}

/** The form as settings, or `null` with the reason beside the field. */
function read(): Settings | null {
  const address = normaliseServer(server.value);
  server.setAttribute("aria-invalid", String(address === null));
  error.textContent = address === null ? "Use an https:// address, or http://localhost or http://127.0.0.1 with its port." : "";
  if (address === null) {
    server.focus();
    return null;
  }
  return { server: address, agentId: agentId.value.trim() || DEFAULT_SETTINGS.agentId, theme: theme.value as Settings["theme"] };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const settings = read();
  if (!settings) return;
  fill(settings);
  void saveSettings(settings).then(() => void (status.textContent = "Saved."));
});

input("check").addEventListener("click", () => {
  const settings = read();
  if (!settings) return;
  status.textContent = `Asking ${settings.server} …`;
  void checkConnection(settings.server).then((result) => void (status.textContent = result));
});

input("reset").addEventListener("click", () => {
  fill(DEFAULT_SETTINGS);
  void saveSettings(DEFAULT_SETTINGS).then(() => void (status.textContent = "Defaults restored."));
});

void loadSettings().then(fill);
