/** The list of conversations: names, pins, removal, and everything at once. */
import { isOpenMark } from "../toggle.ts";
import { openHistory, tellHistory, type ConversationEntry } from "./database.ts";

/** Pinned ones first, then the latest. */
export async function listConversations(): Promise<ConversationEntry[]> {
  const entries = await (await openHistory()).getAllFromIndex("conversations", "updatedAt");
  return entries.toReversed().toSorted((a, b) => Number(b.pinned ?? false) - Number(a.pinned ?? false));
}

export function renameConversation(id: string, title: string): Promise<void> {
  const name = title.replace(/\s+/g, " ").trim().slice(0, 200);
  return name === "" ? Promise.resolve() : change(id, (entry) => ({ ...entry, title: name, renamed: true }));
}

export function pinConversation(id: string, isPinned: boolean): Promise<void> {
  return change(id, (entry) => {
    const { pinned: _, ...unpinned } = entry;
    return isPinned ? { ...unpinned, pinned: true } : unpinned;
  });
}

export async function deleteConversation(id: string): Promise<void> {
  const transaction = (await openHistory()).transaction(["conversations", "transcripts"], "readwrite");
  await Promise.all([
    transaction.objectStore("conversations").delete(id),
    transaction.objectStore("transcripts").delete(id),
    transaction.done,
    chrome.storage.session.remove([`transcript:${id}`, `reads:${id}`]),
  ]);
  tellHistory({ type: "changed", id });
}

/** Read and written in one transaction: two windows that change one line at once both get through. */
async function change(id: string, next: (entry: ConversationEntry) => ConversationEntry): Promise<void> {
  const transaction = (await openHistory()).transaction("conversations", "readwrite");
  const entry = await transaction.store.get(id);
  if (entry) await transaction.store.put(next(entry));
  await transaction.done;
  tellHistory({ type: "changed", id });
}

/** Everything the extension stored anywhere: conversations, prompts, the log, settings, tokens, drafts, and what sites it may see. */
export async function deleteEverything(): Promise<void> {
  tellHistory({ type: "wiped" });
  const history = await openHistory();
  const stores = [...history.objectStoreNames];
  const transaction = history.transaction(stores, "readwrite");
  await Promise.all([...stores.map((name) => transaction.objectStore(name).clear()), transaction.done]);
  const { origins = [], permissions = [] } = await chrome.permissions.getAll();
  const required = new Set<string>(chrome.runtime.getManifest().permissions);
  const optional = permissions.filter((permission) => !required.has(permission));
  await Promise.all([
    chrome.storage.local.clear(),
    chrome.storage.sync.clear(),
    chrome.storage.session.get().then((all) => chrome.storage.session.remove(Object.keys(all).filter((name) => !isOpenMark(name)))),
    ...(origins.length + optional.length > 0 ? [chrome.permissions.remove({ origins, permissions: optional }).catch(() => false)] : []),
  ]);
  localStorage.clear();
  sessionStorage.clear();
}
