/**
 * Versions of a conversation. Asking an old question anew, or an answer anew, does not throw away what was there: from that
 * message on the conversation forks, and one goes back and forth between its versions.
 */
import type { ChatMessage } from "./message.ts";
import { randomId } from "../random-id.ts";

/** Where a conversation forks: each version is what follows from there, the one on screen as it was when it was last left. */
export interface Fork {
  readonly versions: readonly (readonly ChatMessage[])[];
  readonly current: number;
}

/** By the `forkId` of the messages each version begins with. */
export type Forks = Readonly<Record<string, Fork>>;

export interface Forked {
  messages: readonly ChatMessage[];
  forks: Forks;
}

/** Begins a new version at message `at`, with `begin` first. */
export function fork({ messages, forks }: Forked, at: number, begin: readonly ChatMessage[]): Forked & { forkId: string } {
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

/** Shows version `index`, from 0, of the fork at message `at`; `null` when there is none. */
export function selectVersion({ messages, forks }: Forked, at: number, index: number): Forked | null {
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
