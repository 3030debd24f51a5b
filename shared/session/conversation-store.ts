/** Where a conversation survives a reload. */
import type { ToolResultRequest } from "../protocol/request.ts";
import type { Forks } from "./versions.ts";
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
  /** Other versions of it, where it forks. */
  forks?: Forks;
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
