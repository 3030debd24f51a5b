/** The WebSocket: the same events as SSE, several streams on one socket, Stop as a message. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer, type RawData, type WebSocket } from "ws";

import { REQUEST_LIMITS } from "../shared/protocol/request.ts";
import type { OriginPolicy } from "./auth/origins.ts";
import { errorBody, GatewayError, toGatewayError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { acceptApproval, acceptToolResult } from "./routes/chat.ts";
import { parseSocketRequest } from "./routes/request-schema.ts";
import type { ChatService } from "./stream/chat-service.ts";
import { socketJson, type Frame } from "./stream/frame.ts";
import type { HeartbeatMember, HeartbeatWheel } from "./stream/heartbeat.ts";
import type { Run } from "./stream/run.ts";

export interface WebSocketGatewayOptions {
  chat: ChatService;
  heartbeat: HeartbeatWheel;
  origins: OriginPolicy;
  identify: (request: IncomingMessage) => Promise<string>;
  /** Longest wait for a client that does not read, in ms. */
  stallMs: number;
  /** Time between two pings of the protocol, in ms. */
  pingMs: number;
  logger: Logger;
}

/** Above this many unsent bytes a socket is waited for. */
const HIGH_WATER_BYTES = 65_536;
/** Pings without any sign of life after which a socket counts as dead. */
const MISSED_PINGS = 2;
/** Messages waiting to be handled; a client that sends more does not read the answers. */
const MAX_QUEUED_MESSAGES = 64;

export class WebSocketGateway {
  readonly #options: WebSocketGatewayOptions;
  // Compression costs 300 KB per socket and delays small frames; 100 MiB is the default limit of a message.
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: REQUEST_LIMITS.bodyBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  readonly #connections = new Set<SocketConnection>();
  #pings: NodeJS.Timeout | undefined;

  constructor(options: WebSocketGatewayOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Browsers ask no permission before they open a WebSocket to another site: the origin has to be checked here. */
  async handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    let owner: string;
    try {
      this.#options.origins.check(request.headers.origin, request.headers.host);
      owner = await this.#options.identify(request);
    } catch (error) {
      refuseUpgrade(socket, toGatewayError(error));
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#add(webSocket, socket, owner));
  }

  /** Tells every client that the gateway goes away, and lets go of those that do not answer. */
  close(): void {
    clearInterval(this.#pings);
    for (const connection of this.#connections) connection.close(1001, "The gateway is shutting down.");
  }

  #add(webSocket: WebSocket, stream: Duplex, owner: string): void {
    const connection = new SocketConnection(webSocket, stream, owner, this.#options);
    this.#connections.add(connection);
    webSocket.once("close", () => {
      this.#connections.delete(connection);
      if (this.#connections.size > 0) return;
      clearInterval(this.#pings);
      this.#pings = undefined;
    });
    this.#pings ??= setInterval(() => {
      for (const each of this.#connections) each.ping();
    }, this.#options.pingMs);
  }
}

class SocketConnection implements HeartbeatMember {
  readonly #socket: WebSocket;
  /** What the socket's frames are written to. */
  readonly #stream: Duplex;
  readonly #owner: string;
  readonly #options: WebSocketGatewayOptions;
  readonly #closed = new AbortController();
  /** Streams followed on this socket; aborting one stops following it. */
  readonly #streams = new Map<string, { run: Run; reader: AbortController }>();
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #missedPings = 0;
  lastSent = performance.now();

  constructor(socket: WebSocket, stream: Duplex, owner: string, options: WebSocketGatewayOptions) {
    this.#socket = socket;
    this.#stream = stream;
    this.#owner = owner;
    this.#options = options;
    socket.on("message", (data, isBinary) => this.#enqueue(data, isBinary));
    socket.on("pong", () => (this.#missedPings = 0));
    // A message that is too large: ws closes with 1009 by itself.
    socket.on("error", (error) => options.logger.debug({ err: error }, "socket error"));
    socket.once("close", () => {
      this.#closed.abort();
      options.heartbeat.remove(this);
      for (const { reader } of this.#streams.values()) reader.abort();
    });
  }

  ping(): void {
    if (this.#missedPings >= MISSED_PINGS) {
      this.#socket.terminate();
      return;
    }
    this.#missedPings++;
    this.#socket.ping();
  }

  beat(): void {
    if (this.#socket.bufferedAmount === 0) this.#socket.send('{"type":"ping"}');
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    const timer = setTimeout(() => this.#socket.terminate(), 1000);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  /** One message after the other, so that a Stop sent right after a question finds its run. */
  #enqueue(data: RawData, isBinary: boolean): void {
    this.#missedPings = 0;
    if (this.#queued >= MAX_QUEUED_MESSAGES) {
      this.#socket.close(1008, "Too many messages at once.");
      return;
    }
    this.#queued++;
    const before = this.#queue;
    this.#queue = (async () => {
      await before;
      await this.#handle(data, isBinary);
      this.#queued--;
    })();
  }

  async #handle(data: RawData, isBinary: boolean): Promise<void> {
    let message: unknown;
    try {
      message = parseJson(data, isBinary);
      await this.#perform(message);
    } catch (error) {
      const failure = toGatewayError(error);
      if (failure.code === "internal") this.#options.logger.error({ err: error }, "socket message failed");
      const { error: body } = errorBody(failure, textField(message, "requestId"));
      const streamId = textField(message, "streamId");
      await this.#send(JSON.stringify({ type: "error", ...body, ...(streamId === undefined ? {} : { streamId }) }));
    }
  }

  async #perform(message: unknown): Promise<void> {
    const request = parseSocketRequest(message);
    const { runs } = this.#options.chat;
    switch (request.type) {
      case "chat": {
        const { type: _, ...chat } = request;
        const run = await this.#options.chat.start(chat, this.#owner);
        void this.#follow(run, 0);
        return;
      }
      case "resume":
        return this.#resume(runs.find(request.streamId, this.#owner), request.lastSeq);
      case "cancel":
        if (request.streamId === undefined) return this.#cancelAll();
        runs.find(request.streamId, this.#owner).cancel("user");
        return;
      case "tool_result": {
        const { type: _, streamId, ...result } = request;
        acceptToolResult(runs.find(streamId, this.#owner), result);
        return;
      }
      case "approval": {
        const { type: _, streamId, ...approval } = request;
        acceptApproval(runs.find(streamId, this.#owner), approval);
        return;
      }
      case "ping":
        return this.#send('{"type":"pong"}');
    }
  }

  async #resume(run: Run, lastSeq: number): Promise<void> {
    const head = await this.#options.chat.runs.store.head(run.id);
    if (!head) throw new GatewayError("not_found", { message: "There is no such stream, or it is too old to resume." });
    if (lastSeq > head.seq) throw new GatewayError("conflict", { message: `The cursor ${lastSeq} is beyond the last event, ${head.seq}.` });
    // A socket has no 204: the terminal event, told once more, says that nothing is missing.
    void this.#follow(run, head.ended && lastSeq === head.seq ? lastSeq - 1 : lastSeq);
  }

  async #cancelAll(): Promise<void> {
    const running = [...this.#streams.values()].filter(({ run }) => !run.ended);
    for (const { run } of running) run.cancel("user");
    if (running.length === 0) await this.#send('{"type":"cancelled","reason":"user"}');
  }

  async #follow(run: Run, afterSeq: number): Promise<void> {
    this.#streams.get(run.id)?.reader.abort();
    const stream = { run, reader: new AbortController() };
    if (this.#closed.signal.aborted) stream.reader.abort();
    this.#streams.set(run.id, stream);
    this.#options.heartbeat.add(this);
    const reader = run.attach(afterSeq, stream.reader.signal);
    try {
      for await (const batch of reader.frames) {
        if (stream.reader.signal.aborted) return;
        await this.#sendBatch(batch, run.id);
        reader.advance(batch.at(-1)?.seq ?? afterSeq);
      }
    } catch (error) {
      // Without its log the stream cannot go on here; a client whose socket closes resumes, here or elsewhere.
      this.#options.logger.error({ err: error, streamId: run.id }, "stream failed");
      this.#socket.close(1011, "The stream failed.");
    } finally {
      reader.leave();
      if (this.#streams.get(run.id) === stream) this.#streams.delete(run.id);
      if (this.#streams.size === 0) this.#options.heartbeat.remove(this);
    }
  }

  /** A replay is hundreds of frames at once: one write to the kernel for all of them, not one each. */
  async #sendBatch(batch: readonly Frame[], streamId: string): Promise<void> {
    this.#stream.cork();
    let sent: Promise<void> | undefined;
    for (const frame of batch) sent = this.#send(socketJson(frame, streamId));
    this.#stream.uncork();
    // The last one leaves after all before it.
    await sent;
  }

  /** Resolves when the socket can take more, or is gone. */
  async #send(text: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.lastSent = performance.now();
    if (this.#socket.bufferedAmount < HIGH_WATER_BYTES) {
      this.#socket.send(text, noError);
      return;
    }
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        clearTimeout(stall);
        this.#closed.signal.removeEventListener("abort", settle);
        resolve();
      };
      const stall = setTimeout(() => this.#socket.terminate(), this.#options.stallMs);
      this.#closed.signal.addEventListener("abort", settle, { once: true });
      // Called when everything before it has left the process.
      this.#socket.send(text, settle);
    });
  }
}

/** A failed send also closes the socket, and that is where it is handled. */
const noError = (): void => undefined;

function parseJson(data: RawData, isBinary: boolean): unknown {
  try {
    if (isBinary) throw new SyntaxError("binary");
    // ws hands messages over as one Buffer unless told otherwise.
    return JSON.parse((data as Buffer).toString("utf8"));
  } catch {
    throw new GatewayError("bad_request", { message: "A message must be JSON text." });
  }
}

function textField(message: unknown, field: "requestId" | "streamId"): string | undefined {
  const value = typeof message === "object" && message !== null ? (message as Record<string, unknown>)[field] : undefined;
  return typeof value === "string" && value.length <= REQUEST_LIMITS.idChars ? value : undefined;
}

export function refuseUpgrade(socket: Duplex, error: GatewayError): void {
  const body = JSON.stringify(errorBody(error));
  const reason = { 401: "Unauthorized", 403: "Forbidden", 404: "Not Found" }[error.httpStatus] ?? "Bad Request";
  socket.end(
    `HTTP/1.1 ${error.httpStatus} ${reason}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
