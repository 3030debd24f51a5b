/** Where a conversation survives a reload. */
import type { ToolResultRequest } from "../protocol/request.ts";
import type { ChatMessage } from "./message.ts";

/** The run an unfinished answer belongs to. `lastSeq` and the messages are saved together, so they always agree. */
export interface ActiveRun {
  requestId: string;
  streamId: string | null;
  lastSeq: number;
  messageId: string;
  /** Results of tools that ran here and that the stream has not told yet. */
  results?: readonly ToolResultRequest[];
}

export interface StoredConversation {
  v: 1;
  messages: readonly ChatMessage[];
  active: ActiveRun | null;
}

/**
 * Contract: `save` is all or nothing and may be called often; a store that is full or forbidden rejects nothing and
 * throws nothing, it only forgets. `load` gives `null` for what is missing or cannot be read.
 */
export interface ConversationStore {
  load(conversationId: string): Promise<StoredConversation | null>;
  /** Synchronous where it can be: it is called from `pagehide`. */
  save(conversationId: string, conversation: StoredConversation): void;
  remove(conversationId: string): void;
}

interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** `sessionStorage` or `localStorage`. @param storage a getter, because merely touching the property may throw in a sandboxed frame. */
export function createWebStorageStore(storage: () => StorageLike, prefix = "chanl-chat:"): ConversationStore {
  const quietly = <Result>(action: (area: StorageLike) => Result): Result | null => {
    try {
      return action(storage());
    } catch {
      return null;
    }
  };
  return {
    load(conversationId) {
      const text = quietly((area) => area.getItem(prefix + conversationId));
      if (!text) return Promise.resolve(null);
      try {
        const value = JSON.parse(text) as StoredConversation;
        return Promise.resolve(value.v === 1 && Array.isArray(value.messages) ? value : null);
      } catch {
        return Promise.resolve(null);
      }
    },
    save(conversationId, conversation) {
      quietly((area) => area.setItem(prefix + conversationId, JSON.stringify(conversation)));
    },
    remove(conversationId) {
      quietly((area) => area.removeItem(prefix + conversationId));
    },
  };
}
