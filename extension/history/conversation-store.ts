/**
 * Where the panel's conversation survives: in IndexedDB for good, and in `storage.session` for the moment between closing a
 * panel and opening it, because a database write that begins while a page goes away may not come through. The answer itself
 * goes on at the gateway; a panel that opens again picks it up at its cursor.
 */
import type { ConversationStore, StoredConversation } from "../../shared/session/conversation-store.ts";
import { messageText } from "../../shared/session/message.ts";
import { openHistory, tellHistory, type Transcript } from "./database.ts";

const TITLE_CHARS = 80;
/** While an answer streams, the database is written no more often, in ms. */
const WRITE_INTERVAL_MS = 1_000;

const sessionKey = (id: string): string => `transcript:${id}`;

export interface PanelStoreOptions {
  /** Nothing more can be stored: the disk or the quota is full. Told once per conversation. */
  onFull: () => void;
}

export class PanelConversationStore implements ConversationStore {
  readonly #options: PanelStoreOptions;
  #pending: Transcript | null = null;
  #writing: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #toldFull = false;

  constructor(options: PanelStoreOptions) {
    this.#options = options;
  }

  async load(id: string): Promise<StoredConversation | null> {
    const [session, history] = await Promise.all([
      chrome.storage.session.get(sessionKey(id)),
      openHistory()
        .then((database) => database.get("transcripts", id))
        .catch(() => undefined),
    ]);
    const held = session[sessionKey(id)] as Transcript | undefined;
    const newer = held && held.savedAt > (history?.savedAt ?? 0) ? held : history;
    if (newer?.v !== 1) return null;
    const { id: _, savedAt: __, ...conversation } = newer;
    return conversation;
  }

  save(id: string, conversation: StoredConversation): void {
    if (this.#isClosed) return;
    const transcript: Transcript = { id, savedAt: Date.now(), ...conversation };
    // 10 MB for everything; a conversation that is too big for it is in the database all the same.
    void chrome.storage.session.set({ [sessionKey(id)]: transcript }).catch(() => chrome.storage.session.remove(sessionKey(id)));
    this.#pending = transcript;
    if (conversation.active === null) void this.#write();
    else this.#timer ??= setTimeout(() => void this.#write(), WRITE_INTERVAL_MS);
  }

  /** The panel's New conversation: what was said stays in the history. */
  remove(id: string): void {
    void chrome.storage.session.remove(sessionKey(id));
  }

  /** Everything saved so far is in the database. */
  async settled(): Promise<void> {
    await this.#write();
  }

  /** Saves nothing any more: the data was deleted, and must not come back. */
  close(): void {
    this.#isClosed = true;
    this.#pending = null;
    clearTimeout(this.#timer);
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One after the other: an older state never overwrites a newer one.
    while (this.#writing) await this.#writing;
    const transcript = this.#pending;
    if (!transcript) return;
    this.#pending = null;
    this.#writing = writeTranscript(transcript)
      .then(() => tellHistory({ type: "changed", id: transcript.id }))
      .catch(() => {
        if (!this.#toldFull) this.#options.onFull();
        this.#toldFull = true;
      })
      .finally(() => (this.#writing = null));
    await this.#writing;
  }
}

/** A transcript and its line in the list, together or not at all. What another window did to the line (a name, a pin) stays. */
export async function writeTranscript(transcript: Transcript): Promise<void> {
  const database = await openHistory();
  const transaction = database.transaction(["conversations", "transcripts"], "readwrite");
  const entries = transaction.objectStore("conversations");
  const before = await entries.get(transcript.id);
  const first = transcript.messages.find(({ role }) => role === "user");
  const entry = {
    ...before,
    id: transcript.id,
    title: before?.renamed ? before.title : titleOf(first ? messageText(first) : ""),
    createdAt: before?.createdAt ?? first?.createdAt ?? transcript.savedAt,
    updatedAt: transcript.savedAt,
  };
  await Promise.all([entries.put(entry), transaction.objectStore("transcripts").put(transcript), transaction.done]);
}

function titleOf(question: string): string {
  const line = question.replace(/\s+/g, " ").trim();
  return line.length <= TITLE_CHARS ? line : `${line.slice(0, TITLE_CHARS - 1)}…`;
}
