/** What a person can set. Only differences from the defaults are stored, in `storage.sync`: nothing here is secret. Keys are in secrets.ts. */
import { migrateSettings, SETTINGS_VERSION } from "./settings-migrations.ts";

export interface Settings {
  /** Who answers: a gateway, or the model built into Chrome. */
  backend: "gateway" | "browser";
  /** Where the gateway is: its origin, or an address with a path in front of `/api/chat`. */
  server: string;
  agentId: string;
  theme: "system" | "light" | "dark";
  /** `#rrggbb`, or empty for the widget's own. */
  accent: string;
  /** Whether a page the panel may see goes along with a question until it is switched off. */
  sendPage: boolean;
}

export const DEFAULT_SETTINGS: Settings = {
  backend: "gateway",
  server: "http://127.0.0.1:3000",
  agentId: "docs",
  theme: "system",
  accent: "",
  sendPage: false,
};

/** What a stored value must be to count; anything else is as if it was never set. */
const VALID: { [Name in keyof Settings]: (value: unknown) => value is Settings[Name] } = {
  backend: (value) => value === "gateway" || value === "browser",
  server: (value): value is string => typeof value === "string" && normaliseServer(value) !== null,
  agentId: (value): value is string => typeof value === "string" && value !== "",
  theme: (value) => value === "system" || value === "light" || value === "dark",
  accent: (value): value is string => typeof value === "string" && /^(#[0-9a-f]{6})?$/i.test(value),
  sendPage: (value) => typeof value === "boolean",
};

const NAMES = Object.keys(DEFAULT_SETTINGS) as (keyof Settings)[];

export async function loadSettings(): Promise<Settings> {
  return pickSettings(await migrateSettings());
}

/** The valid settings of an object from elsewhere, such as an import, over the defaults. */
export function pickSettings(stored: Readonly<Record<string, unknown>>): Settings {
  const valid = NAMES.filter((name) => VALID[name](stored[name])).map((name) => [name, stored[name]]);
  return { ...DEFAULT_SETTINGS, ...(Object.fromEntries(valid) as Partial<Settings>) };
}

export async function saveSettings(settings: Settings): Promise<void> {
  const isDefault = (name: keyof Settings): boolean => settings[name] === DEFAULT_SETTINGS[name];
  await chrome.storage.sync.remove(NAMES.filter(isDefault));
  const own = NAMES.filter((name) => !isDefault(name)).map((name) => [name, settings[name]]);
  // With nothing of the person's own there is nothing to migrate one day.
  if (own.length === 0) await chrome.storage.sync.remove("version");
  else await chrome.storage.sync.set({ ...Object.fromEntries(own), version: SETTINGS_VERSION });
}

/** Calls back when a setting changed anywhere, the options page or another window. */
export function onSettingsChanged(listener: (settings: Settings) => unknown): void {
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

export function chatEndpoint(settings: Pick<Settings, "server">): string {
  return `${settings.server}/api/chat`;
}

/** What Chrome is asked for when the server sends no CORS headers: this one origin. Match patterns have no port: it covers all of them. */
export function serverPattern(server: string): string {
  const { protocol, hostname } = new URL(server);
  return `${protocol}//${hostname}/*`;
}
