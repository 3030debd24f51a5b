/** IndexedDB: conversations, what tools did, and prompts. Every window's panel and the options page use the same one. */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import type { StoredConversation } from "../../shared/session/conversation-store.ts";

/** What the list of conversations shows; kept apart from the messages, so that the list is cheap. */
export interface ConversationEntry {
  id: string;
  title: string;
  /** The person named it; it is no longer named after its first question. */
  renamed?: true;
  pinned?: true;
  createdAt: number;
  updatedAt: number;
}

export interface Transcript extends StoredConversation {
  id: string;
  savedAt: number;
}

export interface AuditEntry {
  /** Given by the database, rising. */
  key?: number;
  /** ms since the epoch. */
  at: number;
  conversationId: string;
  toolCallId: string;
  tool: string;
  origin: string;
  url: string;
  tabId: number;
  documentId: string;
  /** How it came to run: asked and approved, allowed before for this conversation, or not at all. */
  decision: "approved" | "allowed" | "denied" | "withdrawn";
  /** Role and name of the element. */
  element?: string;
  value?: string;
  /** `begun` until it ended: `done`, or why not. */
  outcome: string;
}

export interface StoredPrompt {
  id: string;
  /** What follows the slash. */
  name: string;
  text: string;
}

export interface HistorySchema extends DBSchema {
  conversations: { key: string; value: ConversationEntry; indexes: { updatedAt: number } };
  transcripts: { key: string; value: Transcript };
  audit: { key: number; value: AuditEntry };
  prompts: { key: string; value: StoredPrompt };
}

export type HistoryDatabase = IDBPDatabase<HistorySchema>;

export const DATABASE = "chanl-chat";
const VERSION = 1;

let opening: Promise<HistoryDatabase> | null = null;

export function openHistory(): Promise<HistoryDatabase> {
  return (opening ??= openDB<HistorySchema>(DATABASE, VERSION, {
    upgrade(database, from) {
      // 2026-11-23. Each later version adds its own step; none is changed once it has shipped.
      if (from < 1) {
        database.createObjectStore("conversations", { keyPath: "id" }).createIndex("updatedAt", "updatedAt");
        database.createObjectStore("transcripts", { keyPath: "id" });
        database.createObjectStore("audit", { keyPath: "key", autoIncrement: true });
        database.createObjectStore("prompts", { keyPath: "id" });
      }
    },
    // Another page wants a newer version: this one lets go and takes part again at its next use.
    blocking(_from, _to, event) {
      (event.target as IDBDatabase).close();
      opening = null;
    },
    terminated() {
      opening = null;
    },
  }).catch((error: unknown) => {
    opening = null;
    throw error;
  }));
}

/** News between the extension's pages. Only pages of the same origin hear it. */
export type HistoryNews = { type: "changed"; id: string } | { type: "wiped" };

export function tellHistory(news: HistoryNews): void {
  const channel = new BroadcastChannel(DATABASE);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target: it never leaves the origin
  channel.postMessage(news);
  channel.close();
}

export function onHistoryNews(listener: (news: HistoryNews) => void): () => void {
  const channel = new BroadcastChannel(DATABASE);
  channel.addEventListener("message", (event: MessageEvent<HistoryNews>) => listener(event.data));
  return () => channel.close();
}
