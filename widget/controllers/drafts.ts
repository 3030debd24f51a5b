/** The unsent text of each conversation. A storage that is full, forbidden or absent costs the draft, never an error. */

const PREFIX = "chanl-chat:draft:";
const SAVE_AFTER_MS = 300;

export class Drafts {
  /** A getter: merely touching `sessionStorage` may throw in a sandboxed frame. `null` keeps nothing. */
  readonly #storage: () => Storage | null;
  #pending: { conversationId: string; text: string } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(storage: () => Storage | null) {
    this.#storage = storage;
  }

  load(conversationId: string): string {
    return this.#quietly((storage) => storage.getItem(PREFIX + conversationId)) ?? "";
  }

  save(conversationId: string, text: string): void {
    this.#pending = { conversationId, text };
    this.#timer ??= setTimeout(() => this.flush(), SAVE_AFTER_MS);
  }

  /** Writes now: timers no longer run once a page is being hidden. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = null;
    if (!pending) return;
    const key = PREFIX + pending.conversationId;
    this.#quietly((storage) => (pending.text ? storage.setItem(key, pending.text) : storage.removeItem(key)));
  }

  #quietly<Result>(action: (storage: Storage) => Result): Result | null {
    try {
      const storage = this.#storage();
      return storage ? action(storage) : null;
    } catch {
      return null;
    }
  }
}
