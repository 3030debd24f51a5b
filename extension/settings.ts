/** What a person can set. Only differences from the defaults are stored, in `storage.sync`: nothing here is secret. */

export interface Settings {
  /** Where the gateway is: its origin, or an address with a path in front of `/api/chat`. */
  server: string;
  agentId: string;
  theme: "system" | "light" | "dark";
}

export const DEFAULT_SETTINGS: Settings = { server: "http://127.0.0.1:3000", agentId: "docs", theme: "system" };

const THEMES: readonly string[] = ["system", "light", "dark"];

export async function loadSettings(): Promise<Settings> {
  const stored = await chrome.storage.sync.get(Object.keys(DEFAULT_SETTINGS));
  const settings = { ...DEFAULT_SETTINGS };
  if (typeof stored["server"] === "string") settings.server = stored["server"];
  if (typeof stored["agentId"] === "string") settings.agentId = stored["agentId"];
  if (THEMES.includes(stored["theme"] as string)) settings.theme = stored["theme"] as Settings["theme"];
  return settings;
}

export async function saveSettings(settings: Settings): Promise<void> {
  const keys = Object.keys(DEFAULT_SETTINGS) as (keyof Settings)[];
  await chrome.storage.sync.remove(keys.filter((name) => settings[name] === DEFAULT_SETTINGS[name]));
  await chrome.storage.sync.set(
    Object.fromEntries(keys.filter((name) => settings[name] !== DEFAULT_SETTINGS[name]).map((name) => [name, settings[name]])),
  );
}

/** Calls back when a setting changed anywhere, the options page or another window. */
export function onSettingsChanged(listener: (settings: Settings) => void): void {
  chrome.storage.sync.onChanged.addListener(() => void loadSettings().then(listener));
}

/** The address as it is used, or `null` when it is none we may connect to: https anywhere, plain http only on this machine. */
export function normaliseServer(input: string): string | null {
  const text = input.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : /^(localhost|127\.0\.0\.1)([:/]|$)/.test(text)
      ? `http://${text}`
      : `https://${text}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    return null;
  }
  const local = url.hostname === "localhost" || url.hostname === "127.0.0.1";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) return null;
  if (url.username || url.password || url.search || url.hash) return null;
  return (url.origin + url.pathname).replace(/\/+$/, "").replace(/\/api\/chat$/, "");
}

export function chatEndpoint(settings: Settings): string {
  return `${settings.server}/api/chat`;
}
