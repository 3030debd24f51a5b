/** What the visitor is told about the connection: that it is being picked up again, once that takes a while, and that there is none. */

/** A reconnect that is over sooner is not worth a word. */
const RECONNECTING_AFTER_MS = 1_000;

export interface ConnectionNoticeHost {
  /** What is to be shown changed. */
  changed(): void;
  reconnecting(): void;
  back(): void;
  online(): void;
}

export class ConnectionNotice {
  readonly #host: ConnectionNoticeHost;
  #listeners: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isReconnecting = false;

  constructor(host: ConnectionNoticeHost) {
    this.#host = host;
  }

  get isReconnecting(): boolean {
    return this.#isReconnecting;
  }

  /** The browser says so; it may be wrong only when it says one is online. */
  get isOffline(): boolean {
    return !navigator.onLine;
  }

  connect(): void {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    addEventListener("offline", () => this.#host.changed(), { signal });
    addEventListener("online", () => this.#online(), { signal });
  }

  disconnect(): void {
    this.#listeners?.abort();
    this.#listeners = null;
    clearTimeout(this.#timer);
  }

  /** The answer's connection broke, or is there again. */
  reconnecting(now: boolean): void {
    clearTimeout(this.#timer);
    if (now) {
      this.#timer = setTimeout(() => {
        this.#isReconnecting = true;
        this.#host.reconnecting();
        this.#host.changed();
      }, RECONNECTING_AFTER_MS);
    } else if (this.#isReconnecting) {
      this.#isReconnecting = false;
      this.#host.back();
      this.#host.changed();
    }
  }

  #online(): void {
    this.#host.changed();
    this.#host.online();
  }
}
