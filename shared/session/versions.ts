/**
 * Versions of a conversation. Asking an old question anew, or an answer anew, does not throw away what was there: from that
 * message on the conversation forks, and one goes back and forth between its versions.
 */
import { randomId } from "../random-id.ts";
import type { ChatSession } from "./chat-session.ts";
import { question, readQuestion, type ChatMessage, type Question } from "./message.ts";

/** Where a conversation forks: each version is what follows from there, the one on screen as it was when it was last left. */
export interface Fork {
  readonly versions: readonly (readonly ChatMessage[])[];
  readonly current: number;
}

/** By the `forkId` of the messages each version begins with. */
export type Forks = Readonly<Record<string, Fork>>;

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly forks: Forks;
}

/** Asks a question of the past anew, in other words. What followed from it is kept as another version. `null` when nothing was asked. */
export async function editMessage(session: ChatSession, messageId: string, asked: Question): Promise<ChatMessage | null> {
  const { conversation } = session;
  const { text, along } = readQuestion(asked);
  const at = conversation.messages.findIndex(({ id, role }) => id === messageId && role === "user");
  if (at === -1 || (text.trim() === "" && !along?.length) || session.getSnapshot().isStreaming) return null;
  // What went along with the old words goes along with the new ones, unless other things were given.
  const kept = conversation.messages[at]?.parts.filter((part) => part.type === "context");
  session.rewrite(fork(conversation, at, [question(text, Date.now(), along ?? kept)]));
  return session.ask();
}

/**
 * Asks for another answer; the one that is there, with all that followed from it, is kept as another version. `null` when nothing was asked.
 * @param messageId of the answer. @defaultValue the last one
 */
export async function regenerate(session: ChatSession, messageId?: string): Promise<ChatMessage | null> {
  const { conversation } = session;
  const last = conversation.messages.length - 1;
  const at = messageId === undefined ? last : conversation.messages.findIndex(({ id }) => id === messageId);
  if (session.getSnapshot().isStreaming || conversation.messages[at]?.role !== "assistant") return null;
  const forked = fork(conversation, at, []);
  session.rewrite(forked);
  return session.ask(forked.forkId);
}

/** Shows another version of the conversation from a message on. @param index from 0 */
export function selectVersion(session: ChatSession, messageId: string, index: number): void {
  if (session.getSnapshot().isStreaming) return;
  const { conversation } = session;
  const at = conversation.messages.findIndex(({ id }) => id === messageId);
  const selected = versionAt(conversation, at, index);
  if (selected) session.rewrite(selected);
}

/** Remembers what the person thought of an answer; the same again takes it back. */
export function rate(session: ChatSession, messageId: string, rating: "good" | "bad"): "good" | "bad" | null {
  const { messages, forks } = session.conversation;
  const at = messages.findIndex(({ id }) => id === messageId);
  if (at === -1) return null;
  const { rating: before, ...rest } = messages[at]!;
  const now = before === rating ? null : rating;
  session.rewrite({ messages: messages.with(at, now === null ? rest : { ...rest, rating: now }), forks });
  return now;
}

/** Begins a new version at message `at`, with `begin` first. */
function fork({ messages, forks }: Conversation, at: number, begin: readonly ChatMessage[]): Conversation & { forkId: string } {
  const known = messages[at]?.forkId;
  const forkId = known ?? randomId();
  const left = mark(messages.slice(at), forkId);
  const before = known === undefined ? undefined : forks[known];
  const versions = before ? before.versions.with(before.current, left) : [left];
  return {
    forkId,
    messages: [...messages.slice(0, at), ...mark(begin, forkId)],
    forks: { ...forks, [forkId]: { versions: [...versions, begin], current: versions.length } },
  };
}

/** With version `index`, from 0, of the fork at message `at`; `null` when there is none. */
function versionAt({ messages, forks }: Conversation, at: number, index: number): Conversation | null {
  const forkId = messages[at]?.forkId;
  const found = forkId === undefined ? undefined : forks[forkId];
  const version = found?.versions[index];
  if (!found || !version || forkId === undefined || index === found.current) return null;
  const versions = found.versions.with(found.current, messages.slice(at));
  return { messages: [...messages.slice(0, at), ...mark(version, forkId)], forks: { ...forks, [forkId]: { versions, current: index } } };
}

/** The first of them stands at the fork. */
function mark(messages: readonly ChatMessage[], forkId: string): readonly ChatMessage[] {
  const [first, ...rest] = messages;
  return first && first.forkId !== forkId ? [{ ...first, forkId }, ...rest] : messages;
}
