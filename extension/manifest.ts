/** The manifest, with the reason for each permission. `docs/extension.md` and `PRIVACY.md` list the same, held together by a test. */
import type { ManifestV3Export } from "@crxjs/vite-plugin";

/** What each permission is for. None of them warns at install. */
export const PERMISSIONS = {
  sidePanel: "shows the chat in Chrome's side panel",
  storage: "keeps settings, tokens and the running conversation on this machine",
  activeTab:
    "lets the panel see the page on which the toolbar button, the shortcut or the context menu was used, until it goes to another site",
  scripting: "reads the page or the selection, and runs the agent's approved actions, on pages the panel may see",
  contextMenus: "adds “Ask about this” to the context menu",
} as const;

/** What Chrome asks the person for, at the moment it is needed, one site at a time. */
export const OPTIONAL_PERMISSIONS = {
  tabs: "lists the open tabs when the person wants to send another one along",
  "https://*/*": "reaches a server that sends no CORS headers, or reads a site the person allowed: asked for that one site",
  "http://localhost/*": "reaches a server on this machine that sends no CORS headers",
  "http://127.0.0.1/*": "reaches a server on this machine that sends no CORS headers",
} as const;

/** Nothing is inlined, nothing remote is loaded by itself, and model text cannot become markup. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  // The server's address is the person's choice; plain http only on this machine.
  "connect-src 'self' https: wss: http://localhost:* ws://localhost:* http://127.0.0.1:* ws://127.0.0.1:*",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lit-html",
].join("; ");

export function manifest(command: "build" | "serve"): Exclude<ManifestV3Export, Promise<unknown> | ((...args: never[]) => unknown)> {
  const optional = Object.keys(OPTIONAL_PERMISSIONS);
  return {
    manifest_version: 3,
    name: "__MSG_name__",
    description: "__MSG_description__",
    version: "0.1.0",
    default_locale: "en",
    // chrome.sidePanel.close, for a button that toggles.
    minimum_chrome_version: "141",
    permissions: Object.keys(PERMISSIONS) as chrome.runtime.ManifestPermission[],
    optional_permissions: optional.filter((name) => !name.includes("/")) as chrome.runtime.ManifestOptionalPermission[],
    optional_host_permissions: optional.filter((name) => name.includes("/")),
    icons: { 16: "icons/16.png", 32: "icons/32.png", 48: "icons/48.png", 128: "icons/128.png" },
    action: { default_title: "__MSG_open__", default_icon: { 16: "icons/16.png", 32: "icons/32.png" } },
    commands: {
      _execute_action: { suggested_key: { default: "Ctrl+Shift+Y", mac: "Command+Shift+Y" } },
      "ask-selection": { suggested_key: { default: "Alt+Shift+Y" }, description: "__MSG_menuSelection__" },
    },
    background: { service_worker: "service-worker.ts", type: "module" },
    side_panel: { default_path: "side-panel/index.html" },
    // A question from the address bar: "chanl", space, the question.
    omnibox: { keyword: "chanl" },
    options_ui: { page: "options/index.html", open_in_tab: true },
    // The development server's loader page writes innerHTML, which Trusted Types forbid.
    ...(command === "build" ? { content_security_policy: { extension_pages: CONTENT_SECURITY_POLICY } } : {}),
  };
}
