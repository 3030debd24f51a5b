/** The small client over a WebSocket: listeners, `send`, `cancel`. */
import type { ChunkType, StreamChunk } from "./protocol/chunk.ts";
import type { RequestMessage } from "./protocol/request.ts";
import type { ReconnectNotice, TransportOptions } from "./transport/transport.ts";
import { createWebSocketTransport, type WebSocketConstructor } from "./transport/web-socket.ts";
import { randomId } from "./random-id.ts";

export interface StreamingChatClientOptions extends Omit<TransportOptions, "endpoint"> {
  /** Where the gateway is. @defaultValue the page's own origin */
  baseUrl?: string | undefined;
  agentId: string;
  /** For platforms without one (Node before 22): the `ws` package. */
  WebSocket?: WebSocketConstructor | undefined;
}

type Listeners = { [Type in ChunkType]: (chunk: Extract<StreamChunk, { type: Type }>) => void } & {
  reconnect: (notice: ReconnectNotice) => void;
};

export class StreamingChatClient {
  readonly #agentId: string;
  readonly #transport;
  readonly #listeners = new Map<string, Set<(value: never) => void>>();
  #current: { streamId: string | null; cancelled: boolean } | null = null;

  constructor(options: StreamingChatClientOptions) {
    this.#agentId = options.agentId;
    this.#transport = createWebSocketTransport({ ...options, endpoint: `${(options.baseUrl ?? "").replace(/\/+$/, "")}/api/chat` });
  }

  /** Listens to one chunk type, or to `reconnect`. Returns the way to stop listening. */
  on<Type extends keyof Listeners>(type: Type, listener: Listeners[Type]): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Asks. Settles when the answer has ended; what it said came to the listeners. */
  async send(messages: string | readonly RequestMessage[]): Promise<void> {
    const current: { streamId: string | null; cancelled: boolean } = { streamId: null, cancelled: false };
    this.#current = current;
    const request = {
      agentId: this.#agentId,
      messages: typeof messages === "string" ? [{ role: "user" as const, content: messages }] : [...messages],
      requestId: randomId(),
    };
    for await (const chunk of this.#transport.send(request, { onReconnect: (notice) => this.#tell("reconnect", notice) })) {
      if (chunk.type === "start") {
        current.streamId = chunk.streamId;
        if (current.cancelled) await this.#transport.cancel(chunk.streamId);
      }
      this.#tell(chunk.type, chunk);
    }
    if (this.#current === current) this.#current = null;
  }

  /** Ends the running answer at the model. The listeners of `cancelled` hear when it is done. */
  async cancel(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    current.cancelled = true;
    if (current.streamId !== null) await this.#transport.cancel(current.streamId);
  }

  /** Closes the socket. */
  close(): void {
    this.#transport.close();
  }

  #tell(type: string, value: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(value as never);
  }
}
