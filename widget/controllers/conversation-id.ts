/** Which conversation a reload comes back to. Written with the first words, so that a visitor who says nothing leaves nothing. */
export class ConversationPointer {
  readonly #storage: () => Storage | null;
  readonly #key: string;
  #saved: string | undefined;

  constructor(storage: () => Storage | null, endpoint: string, agentId: string) {
    this.#storage = storage;
    this.#key = `chanl-chat:conversation:${endpoint}:${agentId}`;
  }

  load(): string | undefined {
    return this.#quietly((storage) => storage.getItem(this.#key)) ?? undefined;
  }

  save(conversationId: string): void {
    if (conversationId === this.#saved) return;
    this.#saved = conversationId;
    this.#quietly((storage) => storage.setItem(this.#key, conversationId));
  }

  clear(): void {
    this.#saved = undefined;
    this.#quietly((storage) => storage.removeItem(this.#key));
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
