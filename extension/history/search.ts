/** Full-text search over what was said. The index is made when the history is opened, and lives as long as it is open. */
import MiniSearch from "minisearch";

import type { ChatMessage } from "../../shared/session/message.ts";
import { messageText } from "../../shared/session/message.ts";
import { openHistory, type ConversationEntry } from "./database.ts";

interface Indexed {
  id: string;
  title: string;
  text: string;
}

/** Transcripts read before the page may draw again. */
const BATCH = 50;

export interface HistorySearch {
  /** Ids of conversations, best first. */
  find(query: string): string[];
}

export async function buildSearch(entries: readonly ConversationEntry[]): Promise<HistorySearch> {
  const history = await openHistory();
  const index = new MiniSearch<Indexed>({
    fields: ["title", "text"],
    searchOptions: { prefix: true, combineWith: "AND", boost: { title: 2 } },
    // Also between letters of scripts that write no spaces: each of those is a word.
    tokenize: (text) =>
      text.toLowerCase().match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}]+/gu) ?? [],
  });
  for (let from = 0; from < entries.length; from += BATCH) {
    const batch = entries.slice(from, from + BATCH);
    const transaction = history.transaction("transcripts");
    const transcripts = await Promise.all(batch.map(({ id }) => transaction.store.get(id)));
    index.addAll(batch.map(({ id, title }, at) => ({ id, title, text: textOf(transcripts[at]?.messages ?? []) })));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return {
    find: (query) => index.search(query).map(({ id }) => String(id)),
  };
}

const textOf = (messages: readonly ChatMessage[]): string => messages.map(messageText).join("\n");
