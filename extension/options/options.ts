/** The options page: who answers, how it looks, the prompts, what the tools did, and the data. */
import { builtInAvailability } from "../built-in-model.ts";
import { doctorView } from "../doctor-view.ts";
import { deleteEverything } from "../history/catalogue.ts";
import { exportEverything, ImportError, importEverything } from "../history/export.ts";
import { localise, t } from "../i18n.ts";
import { loadToken, saveToken } from "../secrets.ts";
import { DEFAULT_SETTINGS, loadSettings, normaliseServer, saveSettings, type Settings } from "../settings.ts";
import { guardStorage } from "../storage-access.ts";
import { activityView } from "./activity-view.ts";
import { promptsView } from "./prompts-view.ts";

function input<Type extends HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (!found) throw new Error(`options/index.html has no #${id}`);
  return found as Type;
}

const form = input<HTMLFormElement>("form");
const backend = input<HTMLSelectElement>("backend");
const server = input<HTMLInputElement>("server");
const token = input<HTMLInputElement>("token");
const tokenHint = input<HTMLParagraphElement>("token-hint");
const remember = input<HTMLInputElement>("remember");
const agentId = input<HTMLInputElement>("agentId");
const theme = input<HTMLSelectElement>("theme");
const accent = input<HTMLInputElement>("accent");
const sendPage = input<HTMLInputElement>("sendPage");
const error = input<HTMLParagraphElement>("server-error");
const status = input<HTMLParagraphElement>("status");
const file = input<HTMLInputElement>("file");
const dataStatus = input<HTMLParagraphElement>("data-status");

function fill(settings: Settings): void {
  backend.value = settings.backend;
  server.value = settings.server;
  agentId.value = settings.agentId;
  theme.value = settings.theme;
  accent.value = settings.accent;
  sendPage.checked = settings.sendPage;
  document.documentElement.dataset["theme"] = settings.theme;
  // A token is never shown again, only that there is one.
  token.value = "";
  void loadToken(settings.server).then((known) => void (tokenHint.textContent = t(known ? "tokenKnown" : "tokenHint")));
}

/** The form as settings, or `null` with the reason beside the field. */
function read(): Settings | null {
  const address = normaliseServer(server.value);
  server.setAttribute("aria-invalid", String(address === null));
  error.textContent = address === null ? t("serverInvalid") : "";
  if (address === null) {
    server.focus();
    return null;
  }
  return {
    backend: backend.value as Settings["backend"],
    server: address,
    agentId: agentId.value.trim() || DEFAULT_SETTINGS.agentId,
    theme: theme.value as Settings["theme"],
    accent: /^#[0-9a-f]{6}$/i.test(accent.value.trim()) ? accent.value.trim() : "",
    sendPage: sendPage.checked,
  };
}

async function save(settings: Settings): Promise<void> {
  // Before the settings: the panel starts over when they change, and looks for the token then.
  if (token.value.trim() !== "") await saveToken(settings.server, token.value.trim(), remember.checked);
  await saveSettings(settings);
  fill(settings);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const settings = read();
  if (settings) void save(settings).then(() => void (status.textContent = t("saved")));
});

input("check").addEventListener("click", () => {
  const settings = read();
  if (settings) doctorView(input("view"), settings);
});

input("reset").addEventListener("click", () => {
  void save(DEFAULT_SETTINGS).then(() => void (status.textContent = t("defaultsRestored")));
});

input("forget").addEventListener("click", () => {
  const address = normaliseServer(server.value);
  if (address !== null) void saveToken(address, "", false).then(() => void (tokenHint.textContent = t("tokenHint")));
});

async function download(): Promise<void> {
  const content = JSON.stringify(await exportEverything(), null, 2);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
  link.download = "chanl-chat.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function take(chosen: File): Promise<void> {
  try {
    const { conversations, prompts } = await importEverything(await chosen.text());
    dataStatus.textContent = t("imported", conversations, prompts);
    fill(await loadSettings());
    await promptsView(input("prompts"));
  } catch (problem) {
    dataStatus.textContent = problem instanceof ImportError ? problem.message : t("importFailed");
  }
}

async function wipe(): Promise<void> {
  await deleteEverything();
  dataStatus.textContent = t("deleted");
  fill(DEFAULT_SETTINGS);
  await Promise.all([promptsView(input("prompts")), activityView(input("log"))]);
}

async function offerBuiltIn(): Promise<void> {
  const state = await builtInAvailability();
  const choice = backend.querySelector<HTMLOptionElement>('option[value="browser"]');
  if (choice && state === "unavailable" && backend.value !== "browser") choice.disabled = true;
  input("backend-hint").textContent = t(state === "unavailable" ? "builtInMissing" : "builtInHint");
}

input("export").addEventListener("click", () => void download());

input("import").addEventListener("click", () => file.click());

file.addEventListener("change", () => {
  const [chosen] = file.files ?? [];
  file.value = "";
  if (chosen) void take(chosen);
});

input("wipe").addEventListener("click", () => {
  if (confirm(t("deleteAllAsk"))) void wipe();
});

guardStorage();
localise(document);
document.title = t("settings");
void loadSettings().then(fill);
void promptsView(input("prompts"));
void activityView(input("log"));
void offerBuiltIn();
