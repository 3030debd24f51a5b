/** One WebSocket, several streams on it. Opened at the first send, reopened at the next need. */
import { ChatError } from "../errors.ts";
import { isTerminal } from "../protocol/chunk.ts";
import type { SocketRequest } from "../protocol/request.ts";
import { parseEvent, type ReceivedEvent } from "../protocol/validate.ts";
import { EventQueue } from "./event-queue.ts";
import { followRun, type Connector, type Received } from "./follow-run.ts";
import { GatewayHttp, resolveHeaders } from "./http.ts";
import type { ChatTransport, HeadersSource, TransportOptions } from "./transport.ts";

interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** Where there is one (the ws package): close without waiting for an answer. */
  terminate?: (() => void) | undefined;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

export interface WebSocketTransportOptions extends TransportOptions {
  /** For platforms without one (Node before 22): the `ws` package. @defaultValue the platform's `WebSocket` */
  WebSocket?: WebSocketConstructor | undefined;
}

/** A reader waits for its events by stream once the run has begun, by request until then. */
interface Reader {
  queue: EventQueue<Received>;
  streamId: string | null;
  requestId: string | null;
  onActivity: () => void;
}

const OPEN = 1;

/** How long a stop over the socket waits for its receipt, in ms, before it is told by REST. */
const CANCEL_RECEIPT_MS = 1000;

export function createWebSocketTransport(options: WebSocketTransportOptions): ChatTransport {
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  if (!Socket)
    throw new TypeError("createWebSocketTransport: this platform has no WebSocket. Pass one in `WebSocket`, such as the ws package's.");
  const http = new GatewayHttp(options);
  const connection = new SocketConnection(Socket, socketUrl(http.url("/ws")), options.headers);
  const connector: Connector = {
    seesHeartbeats: true,
    async *open(request, cursor, { signal, onActivity }) {
      const reader: Reader = { queue: new EventQueue(), streamId: cursor.streamId, requestId: request?.requestId ?? null, onActivity };
      const abort = (): void => {
        // Silent or out of order: asking again on the same socket would meet the same.
        if (signal.reason instanceof ChatError) connection.drop(signal.reason);
        reader.queue.end();
      };
      signal.addEventListener("abort", abort);
      connection.add(reader);
      try {
        await connection.send(
          cursor.streamId === null && request
            ? { type: "chat", ...request }
            : { type: "resume", streamId: cursor.streamId ?? "", lastSeq: cursor.lastSeq },
          signal,
        );
        yield* reader.queue;
      } finally {
        signal.removeEventListener("abort", abort);
        connection.remove(reader);
      }
    },
  };
  return {
    name: "websocket",
    send: (request, follow) => followRun(connector, request, { streamId: null, lastSeq: 0 }, { ...options, ...follow }),
    resume: (streamId, lastSeq, follow) => followRun(connector, null, { streamId, lastSeq }, { ...options, ...follow }),
    // Over the socket that follows the stream (no extra round trip): its last event is the receipt. Else by REST: a socket that
    // died a moment ago takes everything and delivers nothing, and a stop must not wait for a reconnect.
    async cancel(streamId) {
      if (connection.follows(streamId) && connection.trySend({ type: "cancel", streamId }) && (await connection.hearsEnd(streamId))) return;
      await http.cancel(streamId);
    },
    // These have no receipt on a socket, and a run waits for them: REST tells whether they arrived.
    sendToolResult: (streamId, result) => http.sendToolResult(streamId, result),
    sendApproval: (streamId, approval) => http.sendApproval(streamId, approval),
    close: () => connection.close(),
  };
}

class SocketConnection {
  readonly #Socket: WebSocketConstructor;
  readonly #url: string;
  readonly #headers: HeadersSource | undefined;
  readonly #readers = new Set<Reader>();
  readonly #endings = new Set<{ streamId: string; settle: (heard: boolean) => void }>();
  #socket: WebSocketLike | null = null;
  #opening: { promise: Promise<void>; reject: (error: ChatError) => void } | null = null;

  constructor(Socket: WebSocketConstructor, url: string, headers: HeadersSource | undefined) {
    this.#Socket = Socket;
    this.#url = url;
    this.#headers = headers;
  }

  add(reader: Reader): void {
    this.#readers.add(reader);
  }

  remove(reader: Reader): void {
    this.#readers.delete(reader);
    reader.queue.end();
  }

  follows(streamId: string): boolean {
    for (const reader of this.#readers) if (reader.streamId === streamId) return true;
    return false;
  }

  /** Whether the stream's last event comes over this socket soon. */
  hearsEnd(streamId: string): Promise<boolean> {
    return new Promise((resolve) => {
      const ending = {
        streamId,
        settle: (heard: boolean): void => {
          clearTimeout(timer);
          this.#endings.delete(ending);
          resolve(heard);
        },
      };
      const timer = setTimeout(() => ending.settle(false), CANCEL_RECEIPT_MS);
      this.#endings.add(ending);
    });
  }

  async send(request: SocketRequest, signal: AbortSignal): Promise<void> {
    // An attempt to connect may hang; a reader that left does not wait for it.
    await Promise.race([this.#connect(), aborted(signal)]);
    if (!signal.aborted && !this.trySend(request)) throw new ChatError("network", "The connection broke.", { retryable: true });
  }

  /** Sends if the socket is open; `false` if it is not. */
  trySend(request: SocketRequest): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  /** Gives this socket up. Every reader on it hears why, and the next need opens another. */
  drop(error: ChatError): void {
    const socket = this.#release(error);
    if (socket?.terminate) socket.terminate();
    else socket?.close();
  }

  /** Lets go of everything. What is being read ends, without another attempt. */
  close(): void {
    this.#release(new ChatError("network", "The connection was closed."))?.close(1000, "closed by the page");
  }

  #release(error: ChatError): WebSocketLike | null {
    const socket = this.#socket;
    const opening = this.#opening;
    this.#socket = null;
    this.#opening = null;
    opening?.reject(error);
    for (const reader of this.#readers) reader.queue.end(error);
    for (const ending of this.#endings) ending.settle(false);
    return socket;
  }

  async #connect(): Promise<void> {
    if (this.#socket?.readyState === OPEN) return;
    const headers = this.#headers && !this.#opening ? await resolveHeaders(this.#headers) : {};
    const { Authorization: token = headers["authorization"] } = headers;
    return this.#open(/^Bearer (\S+)$/i.exec(token ?? "")?.[1]);
  }

  /** A browser can send no header with a WebSocket; a subprotocol is what it can send. */
  #open(token: string | undefined): Promise<void> {
    if (this.#socket?.readyState === OPEN) return Promise.resolve();
    if (this.#opening) return this.#opening.promise;
    const socket = token === undefined ? new this.#Socket(this.#url) : new this.#Socket(this.#url, ["chanl.v1", `bearer.${token}`]);
    this.#socket = socket;
    let fail: (error: ChatError) => void = () => undefined;
    const promise = new Promise<void>((resolve, reject) => {
      fail = reject;
      socket.onopen = () => {
        if (this.#socket === socket) this.#opening = null;
        resolve();
      };
      // A socket that was given up may still deliver; its readers have gone on to another.
      socket.onmessage = (event: { data: unknown }) => {
        if (this.#socket === socket) this.#receive(String(event.data));
      };
      socket.onerror = () => undefined;
      socket.onclose = (event: { code: number; reason: string }) => {
        if (this.#socket === socket) this.#release(closeError(event));
      };
    });
    this.#opening = { promise, reject: fail };
    return promise;
  }

  #receive(data: string): void {
    // Any frame proves the socket alive, for every stream on it.
    for (const reader of this.#readers) reader.onActivity();
    let event: ReceivedEvent;
    try {
      event = parseEvent(data);
    } catch (error) {
      for (const reader of this.#readers) reader.queue.push({ bad: error as ChatError });
      return;
    }
    if (event.chunk && isTerminal(event.chunk)) {
      for (const ending of this.#endings) if (ending.streamId === event.streamId) ending.settle(true);
    }
    for (const reader of this.#readers) {
      if (event.streamId !== undefined && event.streamId === reader.streamId) reader.queue.push(event);
      else if (reader.streamId === null && event.requestId !== undefined && event.requestId === reader.requestId) {
        // A `start` carries both ids: from here on the stream's id is enough.
        if (event.chunk?.type === "start") reader.streamId = event.chunk.streamId;
        reader.queue.push(event);
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** 1008 and 1009 closes are answers, not accidents. */
function closeError({ code, reason }: { code: number; reason: string }): ChatError {
  if (code === 1008) return new ChatError("forbidden", reason || "The server refused the connection.");
  if (code === 1009) return new ChatError("payload_too_large", "The message is too large.");
  return new ChatError("network", "The connection broke.", { retryable: true });
}

function socketUrl(url: string): string {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  const absolute = new URL(url, base);
  absolute.protocol = absolute.protocol === "https:" ? "wss:" : "ws:";
  return absolute.href;
}
