/**
 * Conversations in `sessionStorage` or `localStorage`, cheap to save often: while an answer streams only it and the last few
 * messages are written. What came before lies in pages that are written once, because writing a long conversation as one
 * value stops the page for tens of milliseconds each time.
 */
import type { Forks } from "./versions.ts";
import type { ChatMessage } from "./message.ts";
import type { ConversationStore, StoredConversation } from "./conversation-store.ts";

interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Characters that make a page full. */
const PAGE_CHARS = 16_000;
/** Characters of one conversation, about a fifth of what a browser gives an origin. Of a longer one the newest pages are kept. */
const MAX_CHARS = 1_000_000;

interface Page {
  number: number;
  messages: readonly ChatMessage[];
  chars: number;
}

/** What is in the storage of a conversation. */
interface Written {
  /** Number of the page that the first message in memory is in. */
  first: number;
  pages: readonly Page[];
}

/** Messages never change, so each is turned into JSON once. */
const texts = new WeakMap<ChatMessage, string>();

function textOf(message: ChatMessage): string {
  let text = texts.get(message);
  if (text === undefined) {
    text = JSON.stringify(message);
    texts.set(message, text);
  }
  return text;
}

/** Forks never change either. */
const forkTexts = new WeakMap<Forks, string>();

function forkText(forks: Forks | undefined): string {
  if (!forks) return "";
  const text = forkTexts.get(forks) ?? `,"forks":${JSON.stringify(forks)}`;
  forkTexts.set(forks, text);
  return text;
}

const isMessages = (value: unknown): value is ChatMessage[] => Array.isArray(value);

/** @param storage a getter, because merely touching the property may throw in a sandboxed frame */
export function createWebStorageStore(storage: () => StorageLike, prefix = "chanl-chat:"): ConversationStore {
  const written = new Map<string, Written>();
  const key = (conversationId: string): string => prefix + conversationId;
  const pageKey = (conversationId: string, page: number): string => `${prefix}${conversationId}:page:${page}`;

  const quietly = <Result>(action: (area: StorageLike) => Result): Result | null => {
    try {
      return action(storage());
    } catch {
      return null;
    }
  };

  const parse = (text: string | null | undefined): unknown => {
    try {
      return text ? JSON.parse(text) : null;
    } catch {
      return null;
    }
  };

  const head = (conversationId: string): (StoredConversation & { pages?: number[] }) | null => {
    const value = parse(quietly((area) => area.getItem(key(conversationId)))) as (StoredConversation & { pages?: number[] }) | null;
    return value?.v === 1 && isMessages(value.messages) ? value : null;
  };

  /** Pages of an earlier life that nobody loaded: in the way, or to be removed. */
  const unread = (conversationId: string): Page[] =>
    (head(conversationId)?.pages ?? []).map((number) => ({ number, messages: [], chars: 0 }));

  const save = (area: StorageLike, conversationId: string, { messages, active, forks }: StoredConversation): void => {
    const { first, pages: before } = written.get(conversationId) ?? { first: 0, pages: unread(conversationId) };
    const { pages, tail } = paginate(messages, first);
    const kept = newest(pages);
    for (const page of kept) {
      const same = before.find(({ number }) => number === page.number);
      if (same?.messages.length === page.messages.length && same.messages.every((message, at) => message === page.messages[at])) continue;
      area.setItem(pageKey(conversationId, page.number), `[${page.messages.map(textOf).join()}]`);
    }
    const numbers = kept.map(({ number }) => number);
    const list = numbers.length > 0 ? `"pages":${JSON.stringify(numbers)},` : "";
    area.setItem(
      key(conversationId),
      `{"v":1,${list}"messages":[${tail.map(textOf).join()}],"active":${JSON.stringify(active)}${forkText(forks)}}`,
    );
    for (const { number } of before) if (!numbers.includes(number)) area.removeItem(pageKey(conversationId, number));
    written.set(conversationId, { first, pages: kept });
  };

  return {
    load(conversationId) {
      const stored = head(conversationId);
      if (!stored) return Promise.resolve(null);
      const { pages: numbers = [], messages: tail, active, forks } = stored;
      const pages: Page[] = [];
      for (const number of numbers) {
        const messages = parse(quietly((area) => area.getItem(pageKey(conversationId, number))));
        if (isMessages(messages)) pages.push({ number, messages, chars: messages.reduce((sum, each) => sum + textOf(each).length, 0) });
      }
      written.set(conversationId, { first: pages[0]?.number ?? 0, pages });
      const messages = [...pages.flatMap((page) => page.messages), ...tail];
      return Promise.resolve({ v: 1, messages, active: active ?? null, ...(forks ? { forks } : {}) });
    },
    save(conversationId, conversation) {
      quietly((area) => save(area, conversationId, conversation));
    },
    remove(conversationId) {
      const numbers = head(conversationId)?.pages ?? [];
      written.delete(conversationId);
      quietly((area) => {
        area.removeItem(key(conversationId));
        for (const number of numbers) area.removeItem(pageKey(conversationId, number));
      });
    },
  };
}

/** Full pages from the beginning, always cut at the same places, and the rest. The last message is still being written, so it is in no page. */
function paginate(messages: readonly ChatMessage[], firstNumber: number): { pages: Page[]; tail: readonly ChatMessage[] } {
  const pages: Page[] = [];
  let from = 0;
  let chars = 0;
  for (let at = 0; at < messages.length - 1; at += 1) {
    chars += textOf(messages[at]!).length + 1;
    if (chars < PAGE_CHARS) continue;
    pages.push({ number: firstNumber + pages.length, messages: messages.slice(from, at + 1), chars });
    from = at + 1;
    chars = 0;
  }
  return { pages, tail: messages.slice(from) };
}

function newest(pages: readonly Page[]): Page[] {
  let chars = 0;
  return pages
    .toReversed()
    .filter((page) => (chars += page.chars) <= MAX_CHARS)
    .toReversed();
}
