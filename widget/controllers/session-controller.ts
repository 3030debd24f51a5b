/** The element's session: makes it from the attributes or takes the owner's, turns what it does into events and, once per frame, a render. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

import { isTerminal } from "../../shared/protocol/chunk.ts";
import { ChatSession, type SessionSnapshot } from "../../shared/session/chat-session.ts";
import { ClientTools, type ClientTool } from "../../shared/session/client-tools.ts";
import { pageContext } from "../../shared/session/context.ts";
import type { ConversationStore } from "../../shared/session/conversation-store.ts";
import { createWebStorageStore } from "../../shared/session/web-storage-store.ts";
import { type ChatMessage, messageText } from "../../shared/session/message.ts";
import type { EndpointProtocol } from "../../shared/transport/dialect-transport.ts";
import { createFetchSseTransport } from "../../shared/transport/fetch-sse.ts";
import type { ChatTransport, HeadersSource, ReconnectNotice, TransportChunk, TransportOptions } from "../../shared/transport/transport.ts";
import {
  ChanlErrorEvent,
  ChanlMessageEvent,
  ChanlMetricsEvent,
  ChanlReadyEvent,
  ChanlReconnectEvent,
  ChanlStreamStartEvent,
  ChanlToolCallEvent,
  ChanlToolResultEvent,
} from "../events.ts";
import { ConversationPointer } from "./conversation-id.ts";
import { lazyTransport } from "./lazy-transport.ts";

export type TransportName = "auto" | "sse" | "websocket" | "eventsource";
export type ProtocolName = "auto" | "chanl" | EndpointProtocol;

export interface SessionConfig {
  endpoint: string;
  agentId: string;
  transport: TransportName;
  protocol: ProtocolName;
  conversationId: string;
  storage: () => Storage | null;
  /** Conversations are in IndexedDB, and `storage` is for what is small. */
  isIndexed: boolean;
  headers: HeadersSource | undefined;
  getToken: (() => string | null | Promise<string | null>) | undefined;
  fetch: typeof globalThis.fetch | undefined;
  tools: Record<string, ClientTool> | undefined;
}

export interface SessionControllerHost extends ReactiveControllerHost, HTMLElement {
  events: "ids" | "content";
  sessionConfig(): SessionConfig;
  /** A chunk was applied. `true` when it reached the screen without a render. */
  chunkApplied(chunk: TransportChunk, message: ChatMessage): boolean;
  /** Another conversation is on screen now. */
  conversationChanged(): void;
}

/** How long the element may be out of the document, as when a router moves it, before its session is let go. */
const MOVE_GRACE_MS = 3_000;
/** Hidden pages get no animation frames. */
const HIDDEN_FRAME_MS = 250;

const EMPTY: SessionSnapshot = {
  messages: [],
  state: "idle",
  isStreaming: false,
  reconnect: null,
  ttft: null,
  tokensPerSecond: null,
  conversationId: "",
  restored: false,
  forks: {},
};

export class SessionController implements ReactiveController {
  readonly #host: SessionControllerHost;
  #session: ChatSession | null = null;
  #transport: ChatTransport | null = null;
  #pointer: ConversationPointer | null = null;
  #given: ChatSession | null = null;
  #builtFrom = "";
  #unsubscribe: (() => void)[] = [];
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #frame: (() => void) | null = null;
  /** The chunk just applied is on screen already. */
  #onScreen = false;
  #reconnect: ReconnectNotice | null = null;
  /** The session was ready before the element was in a document. */
  #readyWaits = false;

  constructor(host: SessionControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  get session(): ChatSession | null {
    return this.#session;
  }

  get snapshot(): SessionSnapshot {
    return this.#session?.getSnapshot() ?? EMPTY;
  }

  /** The owner's session, shown in place of one of our own; `null` goes back to the attributes. */
  give(session: ChatSession | null): void {
    if (session === this.#given) return;
    this.#release();
    this.#given = session;
    if (session) this.#use(session);
  }

  hostConnected(): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    if (this.#readyWaits) queueMicrotask(() => this.#ready());
    addEventListener("pagehide", this.#flush);
    document.addEventListener("visibilitychange", this.#flush);
    this.#host.requestUpdate();
  }

  hostDisconnected(): void {
    removeEventListener("pagehide", this.#flush);
    document.removeEventListener("visibilitychange", this.#flush);
    this.#graceTimer = setTimeout(() => this.#release(), MOVE_GRACE_MS);
  }

  /** Makes the session the attributes ask for, when it is not the one at hand. */
  hostUpdate(): void {
    if (this.#given) {
      // Out of the document for longer than a move takes, it was left.
      if (this.#session !== this.#given) this.#use(this.#given);
      return;
    }
    const config = this.#host.sessionConfig();
    const asked = JSON.stringify([
      config.endpoint,
      config.agentId,
      config.transport,
      config.protocol,
      config.conversationId,
      config.isIndexed,
    ]);
    if (this.#session && this.#builtFrom === asked) return;
    if (!config.endpoint) {
      if (this.#session) this.#release();
      return;
    }
    this.#build(config);
    this.#builtFrom = asked;
  }

  newConversation(): void {
    this.#pointer?.clear();
    this.#session?.newConversation();
    this.#host.conversationChanged();
  }

  /** Something was written or sent: from now on there is something to come back to. */
  remember(): void {
    this.#pointer?.save(this.snapshot.conversationId);
  }

  #build(config: SessionConfig): void {
    this.#release();
    const pointer = config.conversationId ? null : new ConversationPointer(config.storage, config.endpoint, config.agentId);
    const current = (): SessionConfig => this.#host.sessionConfig();
    const transport = createTransport(config, current);
    const session = new ChatSession({
      transport,
      agentId: config.agentId,
      conversationId: config.conversationId || pointer?.load(),
      store: config.isIndexed ? indexedStore() : createWebStorageStore(() => config.storage() ?? NO_STORAGE),
      tools: new ClientTools(() => current().tools ?? {}),
      // Files come with the question; this is how the model reads them.
      context: pageContext(() => Promise.resolve([])),
    });
    this.#use(session);
    this.#transport = transport;
    this.#pointer = pointer;
    const restored = session.restore();
    // Restoring goes on until a running answer ends; being ready does not wait for that.
    void Promise.race([restored, new Promise((resolve) => setTimeout(resolve, 0))]).then(() => this.#session === session && this.#ready());
  }

  #use(session: ChatSession): void {
    this.#release();
    this.#session = session;
    this.#unsubscribe = [
      session.subscribe(() => this.#changed()),
      session.onChunk((chunk, message) => this.#chunk(chunk, message)),
      session.onError((error) => this.#host.dispatchEvent(new ChanlErrorEvent({ ...error }))),
    ];
    this.#host.conversationChanged();
    if (session === this.#given) queueMicrotask(() => this.#session === session && this.#ready());
  }

  #ready(): void {
    this.#readyWaits = !this.#host.isConnected;
    if (this.#readyWaits) return;
    const { conversationId, restored } = this.snapshot;
    this.#host.dispatchEvent(new ChanlReadyEvent({ conversationId, restored }));
  }

  /** Lets the session go. A session of the owner's is only left, never disposed of. */
  #release(): void {
    for (const stop of this.#unsubscribe) stop();
    this.#unsubscribe = [];
    if (this.#session && this.#session !== this.#given && this.#transport) this.#session.dispose();
    this.#transport?.close();
    this.#transport = null;
    this.#pointer = null;
    this.#session = null;
    this.#builtFrom = "";
    this.#reconnect = null;
  }

  readonly #flush = (event: Event): void => {
    if (event.type === "pagehide" || document.visibilityState === "hidden") this.#session?.flush();
  };

  #changed(): void {
    // A token that is on screen already is all that changed: asking for a snapshot each time would cost more than the token.
    if (this.#onScreen) {
      this.#onScreen = false;
      return;
    }
    const { reconnect } = this.snapshot;
    if (reconnect && reconnect !== this.#reconnect) {
      const { attempt, maxAttempts, delayMs, cause } = reconnect;
      this.#host.dispatchEvent(new ChanlReconnectEvent({ attempt, maxAttempts, delayMs, code: cause.code }));
    }
    this.#reconnect = reconnect;
    this.#requestFrame();
  }

  /** One render per frame, however many changes. */
  #requestFrame(): void {
    if (this.#frame) return;
    const run = (): void => {
      if (this.#frame !== run) return;
      this.#frame = null;
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      this.#host.requestUpdate();
    };
    this.#frame = run;
    const frame = requestAnimationFrame(run);
    const timer = setTimeout(run, HIDDEN_FRAME_MS);
  }

  #chunk(chunk: TransportChunk, message: ChatMessage): void {
    this.#onScreen = this.#host.chunkApplied(chunk, message);
    const messageId = message.id;
    const emit = (event: Event): boolean => this.#host.dispatchEvent(event);
    if (chunk.type === "start") emit(new ChanlStreamStartEvent({ messageId, streamId: chunk.streamId, model: chunk.model }));
    else if (chunk.type === "tool_call") emit(new ChanlToolCallEvent({ messageId, toolCallId: chunk.id, name: chunk.name }));
    else if (chunk.type === "tool_result") {
      emit(new ChanlToolResultEvent({ messageId, toolCallId: chunk.id, name: chunk.name, ok: chunk.error === undefined, ms: chunk.ms }));
    } else if (isTerminal(chunk)) {
      // After the session has finished with it, so that status and metrics are final.
      queueMicrotask(() => this.#ended(messageId));
    }
  }

  #ended(messageId: string): void {
    const message = this.snapshot.messages.findLast(({ id }) => id === messageId);
    if (!message) return;
    if (message.metrics) this.#host.dispatchEvent(new ChanlMetricsEvent({ messageId, ...message.metrics }));
    this.#host.dispatchEvent(
      new ChanlMessageEvent({
        messageId,
        status: message.status,
        finishReason: message.finishReason ?? null,
        length: messageText(message).length,
        ...(this.#host.events === "content" ? { text: messageText(message) } : {}),
      }),
    );
  }
}

/** What is saved before its part has come waits for it, in order. */
function indexedStore(): ConversationStore {
  const loaded = import("../indexed-store.ts").then(({ createIndexedStore }) => createIndexedStore()).catch(() => null);
  return {
    load: async (id) => (await loaded)?.load(id) ?? null,
    save: (id, conversation) => void loaded.then((store) => store?.save(id, conversation)),
    remove: (id) => void loaded.then((store) => store?.remove(id)),
  };
}

const NO_STORAGE = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };

/** Headers, tokens and `fetch` are asked for at each request, so a property set later holds from then on. */
function createTransport({ endpoint, transport, protocol }: SessionConfig, current: () => SessionConfig): ChatTransport {
  const options: TransportOptions = {
    endpoint,
    fetch: (input, init) => (current().fetch ?? globalThis.fetch)(input, init),
    headers: async () => {
      const { headers, getToken } = current();
      const own = typeof headers === "function" ? await headers() : headers;
      const token = await getToken?.();
      return { ...own, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    },
  };
  if (isForeign(protocol)) {
    return lazyTransport("sse", async () =>
      (await import("../../shared/transport/dialect-transport.ts")).createDialectTransport({ ...options, protocol }),
    );
  }
  if (transport === "websocket") {
    return lazyTransport(transport, async () => (await import("../../shared/transport/web-socket.ts")).createWebSocketTransport(options));
  }
  if (transport === "eventsource") {
    return lazyTransport(transport, async () =>
      (await import("../../shared/transport/event-source.ts")).createEventSourceTransport(options),
    );
  }
  return createFetchSseTransport(options);
}

/** What is not known is taken for the gateway's, as an attribute with a typing error is everywhere. */
const isForeign = (protocol: ProtocolName): protocol is EndpointProtocol => ["openai", "anthropic", "ai-sdk", "ag-ui"].includes(protocol);
