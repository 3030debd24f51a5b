/**
 * The access tokens of servers: on this machine only, in `storage.local` behind the trusted access level, or until the browser
 * closes in `storage.session`. Never synced, exported, logged or shown again.
 */
import { guardStorage } from "./storage-access.ts";

const key = (server: string): string => `token:${server}`;

export async function loadToken(server: string): Promise<string | null> {
  const [kept, session] = await Promise.all([chrome.storage.local.get(key(server)), chrome.storage.session.get(key(server))]);
  const token: unknown = session[key(server)] ?? kept[key(server)];
  return typeof token === "string" ? token : null;
}

/** @param token empty forgets it. @param remember over restarts of the browser. */
export async function saveToken(server: string, token: string, remember: boolean): Promise<void> {
  guardStorage();
  await Promise.all([chrome.storage.local.remove(key(server)), chrome.storage.session.remove(key(server))]);
  if (token) await chrome.storage[remember ? "local" : "session"].set({ [key(server)]: token });
}
