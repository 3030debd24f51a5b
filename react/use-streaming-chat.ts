/**
 * `useStreamingChat`: a React view of a `ChatSession`. The session lives as long as the component (a StrictMode double
 * mount keeps it), and a fast stream commits at most once per animation frame.
 */
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import {
  ChatSession,
  ClientTools,
  createFetchSseTransport,
  createWebSocketTransport,
  type ChatMessage,
  type ChatTransport,
  type ClientTool,
  type ConversationStore,
  type HeadersSource,
  type SessionSnapshot,
  type SessionState,
  type ToolCallChunk,
} from "../shared/index.ts";
import { createFrameStore } from "./frame-store.ts";

export interface UseStreamingChatOptions {
  /** Base of the chat API. @defaultValue `"/api/chat"` */
  endpoint?: string;
  /** @defaultValue `"sse"` */
  transport?: "sse" | "websocket" | ChatTransport;
  headers?: HeadersSource;
  /** @defaultValue a random id */
  conversationId?: string;
  /** Where the conversation survives a reload, such as `createWebStorageStore(() => sessionStorage)`. */
  store?: ConversationStore;
  /** Tools that run in the page. Read when the session is made. */
  tools?: Record<string, ClientTool>;
  /** Called once per complete tool call. May change between renders. */
  onToolCall?: (call: ToolCallChunk) => unknown;
  /** Called for each error, beside its place in the message. May change between renders. */
  onError?: (error: { code: string; message: string; retryable: boolean }) => void;
}

export interface StreamingChat {
  messages: readonly ChatMessage[];
  isStreaming: boolean;
  state: SessionState;
  /** Time to first token of the last answer in ms; `null` while none came. */
  ttft: number | null;
  tokensPerSecond: number | null;
  /** Asks; settles with the ended answer. Does nothing while an answer is running. */
  send: (text: string) => Promise<ChatMessage | null>;
  /** Stops the answer, at the model too. */
  cancel: () => Promise<void>;
  retry: () => Promise<ChatMessage | null>;
  continue: () => Promise<ChatMessage | null>;
  newConversation: () => void;
  /** Answers a call that waits for approval; see `ChatSession.respondToApproval`. */
  respondToApproval: ChatSession["respondToApproval"];
  /** For `<ChanlChat session>` and other views of the same conversation. */
  session: ChatSession;
}

/** How long an unmounted chat keeps following: long enough for StrictMode and for a route that remounts. */
const UNMOUNT_GRACE_MS = 3_000;

export function useStreamingChat(agentId: string, options: UseStreamingChatOptions = {}): StreamingChat {
  const { endpoint = "/api/chat", transport = "sse", conversationId } = options;
  // Callbacks are read when they are needed, so that passing new ones each render makes no new session.
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  const session = useMemo(
    // oxlint-disable-next-line react/refs -- the closures read the ref when they are called, which is after the render
    () => createSession({ agentId, conversationId, transport, endpoint, latest }),
    [agentId, conversationId, transport, endpoint],
  );
  const store = useMemo(() => createFrameStore<SessionSnapshot>(session), [session]);
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);

  const disposal = useRef<{ session: ChatSession; timer: ReturnType<typeof setTimeout> } | null>(null);
  useEffect(() => {
    if (disposal.current?.session === session) {
      clearTimeout(disposal.current.timer);
      disposal.current = null;
    } else {
      void session.restore();
    }
    const removeErrorListener = session.onError((error) => latest.current.onError?.(error));
    const flush = (): void => session.flush();
    globalThis.addEventListener("pagehide", flush);
    return () => {
      removeErrorListener();
      globalThis.removeEventListener("pagehide", flush);
      disposal.current = { session, timer: setTimeout(() => session.dispose(), UNMOUNT_GRACE_MS) };
    };
  }, [session]);

  return {
    messages: snapshot.messages,
    isStreaming: snapshot.isStreaming,
    state: snapshot.state,
    ttft: snapshot.ttft,
    tokensPerSecond: snapshot.tokensPerSecond,
    send: useCallback((text: string) => session.send(text), [session]),
    cancel: useCallback(() => session.stop(), [session]),
    retry: useCallback(() => session.retry(), [session]),
    continue: useCallback(() => session.continue(), [session]),
    newConversation: useCallback(() => session.newConversation(), [session]),
    respondToApproval: useCallback((toolCallId, decision) => session.respondToApproval(toolCallId, decision), [session]),
    session,
  };
}

interface SessionInputs {
  agentId: string;
  conversationId: string | undefined;
  transport: "sse" | "websocket" | ChatTransport;
  endpoint: string;
  latest: { readonly current: UseStreamingChatOptions };
}

function createSession({ agentId, conversationId, transport, endpoint, latest }: SessionInputs): ChatSession {
  const { store, tools } = latest.current;
  const headers = async (): Promise<Record<string, string>> => {
    const source = latest.current.headers;
    return typeof source === "function" ? source() : (source ?? {});
  };
  return new ChatSession({
    agentId,
    conversationId,
    transport: createTransport(transport, endpoint, headers),
    store: store ?? null,
    tools: new ClientTools(tools, (call) => latest.current.onToolCall?.(call)),
  });
}

function createTransport(transport: "sse" | "websocket" | ChatTransport, endpoint: string, headers: HeadersSource): ChatTransport {
  if (typeof transport === "object") return transport;
  return transport === "websocket" ? createWebSocketTransport({ endpoint, headers }) : createFetchSseTransport({ endpoint, headers });
}
