/**
 * Why there is no answer. A browser tells a page "failed to fetch" for nearly everything; what it was shows by asking in more
 * than one way. Each finding comes with the one thing to do about it.
 */
import { readSseEvents } from "../shared/sse/read-events.ts";
import { chatEndpoint } from "./settings.ts";

export type Finding =
  | "ok"
  /** Nobody listens there. */
  | "refused"
  /** The server answers, but lets no extension read its answers. */
  | "cors"
  /** The gateway does not know this extension. */
  | "origin"
  /** It wants a token, or another one. */
  | "token"
  /** https where only http is spoken, or a certificate this browser does not trust. */
  | "tls"
  /** Something between here and there keeps the answer until it is complete. */
  | "buffering"
  /** Something answers, and it is no gateway. */
  | "path";

export interface Diagnosis {
  finding: Finding;
  /** To copy: a command, a setting or an address. Empty when nothing has to be done. */
  fix: string;
}

export interface DoctorOptions {
  server: string;
  token: string | null;
  agentId: string;
  extensionId: string;
  /**
   * Opens the address in a tab and tells whether Chrome shows its warning of an untrusted certificate there; `null` when it
   * cannot be told. Chrome hides that from `fetch`, whatever the permissions.
   */
  showsCertificateWarning?: (address: string) => Promise<boolean | null>;
}

const TIMEOUT_MS = 8_000;
/** A stream that the gateway wrote over this many ms, and that came all at once, was held back. */
const HELD_BACK_MS = 400;

/** Asks the gateway for a stream that does not exist: a gateway says so, in its own words, to those it lets in. Costs nothing. */
export async function diagnose(options: DoctorOptions): Promise<Diagnosis> {
  const { server, token, extensionId } = options;
  const address = `${chatEndpoint(options)}/stream/doctor`;
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const ask = (withHeaders: Record<string, string>): Promise<Response | null> =>
    fetch(address, { headers: withHeaders, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => null);
  // With a token Chrome asks first whether it may be sent; a server that does not know this extension refuses that unreadably.
  const response = (await ask(headers)) ?? (token ? await ask({}) : null);
  if (!response) return unanswered(options, address);
  const code = await errorCode(response);
  if (response.status === 401) return { finding: "token", fix: server };
  if (response.status === 403) return { finding: "origin", fix: `ALLOWED_EXTENSION_IDS=${extensionId}` };
  if (code === "not_found" && response.status === 404) return { finding: "ok", fix: "" };
  return { finding: "path", fix: `${new URL(server).origin}/api/chat` };
}

/**
 * Asks a short question and watches the answer come: the gateway says how long it wrote, and when that is longer than it took to
 * arrive, something kept it. Costs one answer of the model.
 */
export async function diagnoseStreaming(options: DoctorOptions): Promise<Diagnosis> {
  const reached = await diagnose(options);
  if (reached.finding !== "ok") return reached;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
  };
  const response = await fetch(`${chatEndpoint(options)}/stream`, {
    method: "POST",
    headers,
    body: JSON.stringify({ agentId: options.agentId, messages: [{ role: "user", content: "Say hello in one sentence." }] }),
    signal: AbortSignal.timeout(60_000),
  });
  if (!response.ok || !response.body) return { finding: "path", fix: chatEndpoint(options) };
  let first: number | null = null;
  for await (const event of readSseEvents(response.body)) {
    first ??= performance.now();
    const data = JSON.parse(event.data) as { type?: string; metrics?: { totalMs?: number } };
    if (data.type !== "done") continue;
    const wrote = data.metrics?.totalMs ?? 0;
    const arrived = performance.now() - first;
    if (wrote > HELD_BACK_MS && arrived < wrote / 10) return { finding: "buffering", fix: "proxy_buffering off;" };
  }
  return { finding: "ok", fix: "" };
}

/** `fetch` failed: nobody there, not readable, or not trusted. */
async function unanswered({ server, ...options }: DoctorOptions, address: string): Promise<Diagnosis> {
  const isThere = async (url: string): Promise<boolean> => {
    try {
      // An answer that cannot be read is an answer.
      await fetch(url, { mode: "no-cors", signal: AbortSignal.timeout(TIMEOUT_MS) });
      return true;
    } catch {
      return false;
    }
  };
  if (await isThere(address)) return { finding: "cors", fix: `Access-Control-Allow-Origin: ${location.origin}` };
  const { protocol, hostname, host } = new URL(server);
  if (protocol === "https:") {
    const isLocal = hostname === "localhost" || hostname === "127.0.0.1";
    if (isLocal && (await isThere(`http://${host}/`))) return { finding: "tls", fix: `http://${host}` };
    if (await options.showsCertificateWarning?.(`${server}/healthz`)) return { finding: "tls", fix: `${server}/healthz` };
  }
  return { finding: "refused", fix: `curl -i ${server}/healthz` };
}

async function errorCode(response: Response): Promise<string | null> {
  try {
    const body = (await response.json()) as { error?: { code?: unknown } };
    return typeof body.error?.code === "string" ? body.error.code : null;
  } catch {
    return null;
  }
}

/** Looks at the tab as a person would. Chrome titles a page that cannot be reached with its host, and its certificate warning with words of its own. */
export async function showsCertificateWarning(address: string): Promise<boolean | null> {
  const pattern = `${new URL(address).protocol}//${new URL(address).hostname}/*`;
  // Without it Chrome tells neither title nor address of the tab.
  if (!(await chrome.permissions.contains({ origins: [pattern] }))) return null;
  const tab = await chrome.tabs.create({ url: address, active: false });
  if (tab.id === undefined) return null;
  try {
    for (let tries = 0; tries < 40; tries++) {
      const { status, title, url } = await chrome.tabs.get(tab.id);
      if (status === "complete" && title && url === address) {
        const { host, hostname } = new URL(address);
        return title !== host && title !== hostname && !title.startsWith(address.replace(/^https?:\/\//, ""));
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return null;
  } finally {
    await chrome.tabs.remove(tab.id).catch(() => undefined);
  }
}
