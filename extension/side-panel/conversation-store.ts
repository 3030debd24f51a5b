/**
 * The running conversation in `storage.session`: it survives closing the panel, not the browser. The answer itself goes on
 * at the gateway, so a panel that opens again picks it up at its cursor.
 */
import type { ConversationStore, StoredConversation } from "../../shared/index.ts";

const CURRENT = "conversation:current";
const key = (conversationId: string): string => `conversation:${conversationId}`;

export const sessionConversationStore: ConversationStore = {
  async load(conversationId) {
    const name = key(conversationId);
    const value = (await chrome.storage.session.get(name))[name] as StoredConversation | undefined;
    return value?.v === 1 ? value : null;
  },
  save(conversationId, conversation) {
    // One call, so that the pointer and the conversation never disagree. The quota (10 MB) is not worth an error in the chat.
    void chrome.storage.session.set({ [key(conversationId)]: conversation, [CURRENT]: conversationId }).catch(() => undefined);
  },
  remove(conversationId) {
    void chrome.storage.session.remove([key(conversationId), CURRENT]);
  },
};

export async function currentConversationId(): Promise<string> {
  const value: unknown = (await chrome.storage.session.get(CURRENT))[CURRENT];
  return typeof value === "string" ? value : crypto.randomUUID();
}
