/** Conversations in IndexedDB: room for long ones and for pictures, at the price of saves that are not done when the call returns. A part of its own. */
import type { ConversationStore, StoredConversation } from "../shared/session/conversation-store.ts";

const STORE = "conversations";

/** @param name of the database */
export function createIndexedStore(name = "chanl-chat"): ConversationStore {
  let opened: Promise<IDBDatabase> | null = null;
  const open = (): Promise<IDBDatabase> =>
    (opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
      request.addEventListener("success", () => {
        // Another page may want to delete it, or a newer version to change it.
        request.result.addEventListener("versionchange", () => {
          request.result.close();
          opened = null;
        });
        resolve(request.result);
      });
      request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB is not there.")));
    }));

  /** `null` where it is forbidden, full or broken: a store costs only the memory. */
  const act = async <Result>(mode: IDBTransactionMode, action: (store: IDBObjectStore) => IDBRequest<Result>): Promise<Result | null> => {
    try {
      const database = await open();
      return await new Promise((resolve) => {
        const request = action(database.transaction(STORE, mode).objectStore(STORE));
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => resolve(null));
      });
    } catch {
      opened = null;
      return null;
    }
  };

  return {
    async load(conversationId) {
      const stored = await act("readonly", (store) => store.get(conversationId) as IDBRequest<StoredConversation | undefined>);
      return stored?.v === 1 && Array.isArray(stored.messages) ? stored : null;
    },
    save(conversationId, conversation) {
      void act("readwrite", (store) => store.put(conversation, conversationId));
    },
    remove(conversationId) {
      void act("readwrite", (store) => store.delete(conversationId));
    },
  };
}
