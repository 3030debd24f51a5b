/** The WebSocket: the same events as SSE, several streams on one socket, Stop as a message. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer, type RawData, type WebSocket } from "ws";

import { REQUEST_LIMITS } from "../shared/protocol/request.ts";
import type { Caller } from "./auth/caller.ts";
import type { Identify } from "./auth/identify.ts";
import type { OriginPolicy } from "./auth/origins.ts";
import { errorBody, GatewayError, toGatewayError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { acceptApproval, acceptToolResult, tell } from "./routes/chat.ts";
import { parseSocketRequest } from "./routes/request-schema.ts";
import type { ChatService } from "./stream/chat-service.ts";
import { socketJson, type Frame } from "./stream/frame.ts";
import type { HeartbeatMember, HeartbeatWheel } from "./stream/heartbeat.ts";
import type { RunHandle } from "./stream/run.ts";
import type { FrameReader } from "./stream/run-store.ts";

export interface WebSocketGatewayOptions {
  chat: ChatService;
  heartbeat: HeartbeatWheel;
  origins: OriginPolicy;
  identify: Identify;
  /** Longest wait for a client that does not read, in ms. */
  stallMs: number;
  /** Time between two pings of the protocol, in ms. */
  pingMs: number;
  metrics?: GatewayMetrics | undefined;
  logger: Logger;
}

/** Above this many unsent bytes a socket is waited for. */
const HIGH_WATER_BYTES = 65_536;
/** Close code: the token is over. */
const SESSION_ENDED = 4001;
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
    let caller: Caller;
    try {
      this.#options.origins.check(request.headers.origin, request.headers.host);
      caller = await this.#options.identify(request);
    } catch (error) {
      refuseUpgrade(socket, toGatewayError(error));
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#add(webSocket, socket, caller));
  }

  /** Tells every client that the gateway goes away, and lets go of those that do not answer. */
  close(): void {
    clearInterval(this.#pings);
    for (const connection of this.#connections) connection.close(1001, "The gateway is shutting down.");
  }

  #add(webSocket: WebSocket, stream: Duplex, caller: Caller): void {
    const connection = new SocketConnection(webSocket, stream, caller, this.#options);
    this.#connections.add(connection);
    // Whoever still reads comes back with a new token and loses nothing; who has none is not let in again.
    const { expiresAt } = caller;
    const expiry =
      expiresAt === undefined
        ? undefined
        : setTimeout(() => connection.close(SESSION_ENDED, "The session has ended."), expiresAt - Date.now());
    webSocket.once("close", () => {
      clearTimeout(expiry);
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
  readonly #caller: Caller;
  readonly #options: WebSocketGatewayOptions;
  #closed = false;
  /** Streams followed on this socket. */
  readonly #streams = new Map<string, SocketStream>();
  /** Streams that wait until the socket takes more. */
  #waiting: (() => void)[] = [];
  #stall: NodeJS.Timeout | undefined;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #missedPings = 0;
  hasSent = false;

  constructor(socket: WebSocket, wire: Duplex, caller: Caller, options: WebSocketGatewayOptions) {
    this.#socket = socket;
    this.#stream = wire;
    this.#caller = caller;
    this.#options = options;
    socket.on("message", (data, isBinary) => this.#enqueue(data, isBinary));
    socket.on("pong", () => (this.#missedPings = 0));
    // A message that is too large: ws closes with 1009 by itself.
    socket.on("error", (error) => options.logger.debug({ err: error }, "socket error"));
    socket.once("close", () => {
      this.#closed = true;
      options.heartbeat.remove(this);
      for (const stream of this.#streams.values()) stream.leave();
      this.#goOn();
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
      this.#options.metrics?.refused(failure.code);
      const { error: body } = errorBody(failure, textField(message, "requestId"));
      const streamId = textField(message, "streamId");
      await this.send(JSON.stringify({ type: "error", ...body, ...(streamId === undefined ? {} : { streamId }) }));
    }
  }

  async #perform(message: unknown): Promise<void> {
    const request = parseSocketRequest(message);
    const find = (streamId: string): Promise<RunHandle> => this.#options.chat.runs.find(streamId, this.#caller.owner);
    switch (request.type) {
      case "chat": {
        const { type: _, ...chat } = request;
        this.#follow(await this.#options.chat.start(chat, this.#caller), 0);
        return;
      }
      case "resume":
        return this.#resume(await find(request.streamId), request.lastSeq);
      case "cancel":
        if (request.streamId === undefined) return this.#cancelAll();
        await tell(await find(request.streamId), { type: "cancel", reason: "user" });
        return;
      case "tool_result": {
        const { type: _, streamId, ...result } = request;
        return acceptToolResult(await find(streamId), result);
      }
      case "approval": {
        const { type: _, streamId, ...approval } = request;
        return acceptApproval(await find(streamId), approval);
      }
      case "ping":
        await this.send('{"type":"pong"}');
    }
  }

  async #resume(run: RunHandle, lastSeq: number): Promise<void> {
    const head = await this.#options.chat.runs.store.head(run.id);
    if (!head) throw new GatewayError("not_found", { message: "There is no such stream, or it is too old to resume." });
    if (lastSeq > head.seq) throw new GatewayError("conflict", { message: `The cursor ${lastSeq} is beyond the last event, ${head.seq}.` });
    if (lastSeq > 0) this.#options.metrics?.resumed("websocket");
    // A socket has no 204: the terminal event, told once more, says that nothing is missing.
    this.#follow(run, head.ended && lastSeq === head.seq ? lastSeq - 1 : lastSeq);
  }

  async #cancelAll(): Promise<void> {
    const running = [...this.#streams.values()].filter(({ run }) => !run.ended);
    await Promise.all(running.map(({ run }) => tell(run, { type: "cancel", reason: "user" })));
    if (running.length === 0) await this.send('{"type":"cancelled","reason":"user"}');
  }

  #follow(run: RunHandle, afterSeq: number): void {
    this.#streams.get(run.id)?.leave();
    if (this.#closed) return;
    const stream = new SocketStream(run, this, () => {
      if (this.#streams.get(run.id) === stream) this.#streams.delete(run.id);
      if (this.#streams.size === 0) this.#options.heartbeat.remove(this);
    });
    this.#streams.set(run.id, stream);
    this.#options.heartbeat.add(this);
    stream.follow(afterSeq);
  }

  /** A promise when the socket is full: no more until it resolves. */
  send(text: string): Promise<void> | undefined {
    if (this.#socket.readyState !== this.#socket.OPEN) return undefined;
    this.hasSent = true;
    if (this.#socket.bufferedAmount < HIGH_WATER_BYTES) {
      this.#socket.send(text, noError);
      return undefined;
    }
    // Called when everything before it has left the process.
    this.#socket.send(text, () => this.#goOn());
    this.#stall ??= setTimeout(() => {
      this.#options.metrics?.stalled("websocket");
      this.#socket.terminate();
    }, this.#options.stallMs);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A replay is hundreds of frames at once: one write to the kernel for all of them, not one each. */
  sendBatch(frames: readonly Frame[], streamId: string): Promise<void> | undefined {
    if (frames.length > 1) this.#stream.cork();
    let wait: Promise<void> | undefined;
    // The last one leaves after all before it.
    for (const frame of frames) wait = this.send(socketJson(frame, streamId));
    if (frames.length > 1) this.#stream.uncork();
    return wait;
  }

  #goOn(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

/** One run as it is read over a socket that others share. */
class SocketStream implements FrameReader {
  readonly run: RunHandle;
  readonly #connection: SocketConnection;
  readonly #onLeft: () => void;
  #reading: { leave: () => void } | undefined;
  #left = false;

  constructor(run: RunHandle, connection: SocketConnection, onLeft: () => void) {
    this.run = run;
    this.#connection = connection;
    this.#onLeft = onLeft;
  }

  follow(afterSeq: number): void {
    this.#reading = this.run.attach(afterSeq, this);
  }

  take(frames: readonly Frame[]): Promise<void> | undefined {
    return this.#connection.sendBatch(frames, this.run.id);
  }

  end(): void {
    this.leave();
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#reading?.leave();
    this.#onLeft();
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
