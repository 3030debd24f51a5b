/**
 * A small real gateway for tests: node:http and ws on a free port. It holds scripted run logs, speaks the protocol of
 * docs/protocol.md over SSE and WebSocket, and fails in every way a network can: at any byte, with FIN or RST.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { WebSocketServer, type WebSocket } from "ws";

import { isTerminal, type StreamChunk } from "../protocol/chunk.ts";

/** One event as stored: `text` is the JSON that is sent, right or wrong. */
export interface LogFrame {
  /** `undefined` for a frame outside the log. */
  seq: number | undefined;
  text: string;
}

/** How one connection to a stream goes wrong. Each is used once, in order; later connections are sound. */
export interface Fault {
  /** Answer with a status (or an error frame on a socket) instead of the stream. */
  refuse?: { status: number; headers?: Record<string, string>; body?: string; code?: string; retryable?: boolean };
  /** Begin the run, then cut before any answer. */
  vanish?: boolean;
  /** Change what this connection is sent. */
  edit?: (frames: LogFrame[]) => LogFrame[];
  /** Stop after so many bytes of the body, or events: `end` is a clean end, `fin` and `rst` are cuts, `silent` sends nothing more. */
  stop?: { afterBytes?: number; afterFrames?: number; how: "end" | "fin" | "rst" | "silent" };
  /** Comments (SSE) or pings (socket) while silent, every so many ms. */
  heartbeatMs?: number;
}

/** How the next connection fails before any stream is known. */
export type ConnectFault = "before-headers" | "inside-headers" | "hang";

export interface Received {
  transport: "http" | "ws";
  method: string;
  path: string;
  lastSeq: number;
  headers: IncomingMessage["headers"];
  body: { [key: string]: unknown };
}

interface Follower {
  push(frames: LogFrame[]): void;
  end(): void;
}

/** One run: its log, and who follows it. */
export class TestRun {
  readonly streamId: string;
  readonly requestId: string;
  readonly frames: LogFrame[] = [];
  readonly followers = new Set<Follower>();
  ended = false;

  constructor(streamId: string, requestId: string) {
    this.streamId = streamId;
    this.requestId = requestId;
    this.append({ type: "start", streamId, messageId: `m-${streamId}`, agentId: "agent", model: "test-model", v: 1, requestId });
  }

  get head(): number {
    return this.frames.length;
  }

  append(...chunks: StreamChunk[]): void {
    for (const chunk of chunks) {
      if (this.ended) return;
      const frame: LogFrame = { seq: this.frames.length + 1, text: JSON.stringify({ ...chunk, seq: this.frames.length + 1 }) };
      this.frames.push(frame);
      this.ended = isTerminal(chunk);
      for (const follower of this.followers) {
        follower.push([frame]);
        if (this.ended) follower.end();
      }
    }
  }
}

export interface TestGatewayOptions {
  /** What a new run says, after its `start`. Without a terminal chunk it stays open for `append`. */
  script?: StreamChunk[] | undefined;
}

const RETRY_LINE = "retry: 1000\n\n";

export class TestGateway {
  script: StreamChunk[];
  readonly runs: TestRun[] = [];
  readonly received: Received[] = [];
  /** By request id, else for any. */
  readonly faults = new Map<string, Fault[]>();
  readonly connectFaults: ConnectFault[] = [];
  /** Answers to POSTs that are no stream, by the last part of the path; used once each. */
  readonly refusals = new Map<string, number[]>();
  onToolResult: (run: TestRun, body: { [key: string]: unknown }) => void = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #webSockets: WebSocketServer;
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(options: TestGatewayOptions) {
    this.script = options.script ?? [];
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#webSockets = new WebSocketServer({ noServer: true });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("upgrade", (request, socket, head) => {
      if (this.#failConnect(socket as Socket)) return;
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#serveSocket(webSocket, socket as Socket, request));
    });
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const gateway = new TestGateway(options);
    await new Promise<void>((resolve) => gateway.#server.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get endpoint(): string {
    return `${this.baseUrl}/api/chat`;
  }

  /** Connections that are open right now. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Readers that follow any run right now. */
  get followers(): number {
    return this.runs.reduce((sum, run) => sum + run.followers.size, 0);
  }

  get latest(): TestRun {
    return this.runs.at(-1)!;
  }

  fail(requestId: string, ...faults: Fault[]): void {
    this.faults.set(requestId, faults);
  }

  /** Requests of one kind, such as `POST /stream` or `ws resume`. */
  requests(kind: string): Received[] {
    return this.received.filter(({ transport, method, path }) => (transport === "ws" ? `ws ${method}` : `${method} ${path}`) === kind);
  }

  /** Bytes of a whole connection from the begin, for tests that cut at each of them. */
  static bytesOf(frames: LogFrame[], over: "sse" | "ws", streamId = ""): Uint8Array {
    return over === "sse"
      ? Buffer.from(RETRY_LINE + frames.map(sseBlock).join(""))
      : Buffer.concat(frames.map((frame) => socketFrame(frame, streamId)));
  }

  /** A finished run that no request began, to be resumed. */
  addRun(...chunks: StreamChunk[]): TestRun {
    const run = new TestRun(`s${this.runs.length + 1}`, `r${this.runs.length + 1}`);
    run.append(...chunks);
    this.runs.push(run);
    return run;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #failConnect(socket: Socket): boolean {
    const fault = this.connectFaults.shift();
    if (fault === undefined) return false;
    // Read on, or the socket's end is never noticed.
    if (fault === "hang") socket.resume().on("end", () => socket.destroy());
    if (fault === "before-headers") socket.destroy();
    if (fault === "inside-headers") socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/event-str");
    return true;
  }

  #start(requestId: string): TestRun {
    const known = this.runs.find((run) => run.requestId === requestId);
    if (known) return known;
    const run = new TestRun(`s${this.runs.length + 1}`, requestId);
    run.append(...this.script);
    this.runs.push(run);
    return run;
  }

  #find(streamId: string): TestRun | undefined {
    return this.runs.find((run) => run.streamId === streamId);
  }

  #nextFault(requestId: string): Fault {
    return (this.faults.get(requestId) ?? this.faults.get("any"))?.shift() ?? {};
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const piece of request) text += String(piece);
    const { pathname: path, searchParams } = new URL(request.url ?? "/", "http://x");
    const header = request.headers["last-event-id"];
    const lastSeq = Number(header ?? searchParams.get("lastSeq") ?? 0);
    const body = (text === "" ? {} : JSON.parse(text)) as Received["body"];
    const short = path.replace("/api/chat", "");
    this.received.push({ transport: "http", method: request.method ?? "", path: short, lastSeq, headers: request.headers, body });
    const json = (status: number, value: unknown, headers: Record<string, string> = {}): void =>
      void response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
    const error = (status: number, code: string): void => json(status, { error: { code, message: `The gateway says ${code}.` } });
    const refuse = ({ status, headers = {}, body: page, code = "internal" }: NonNullable<Fault["refuse"]>): void => {
      if (page === undefined) json(status, { error: { code, message: `The gateway says ${code}.` } }, headers);
      else response.writeHead(status, { "Content-Type": "text/html", ...headers }).end(page);
    };

    const [, , streamId = "", action] = short.split("/");
    if (request.method === "POST" && action !== undefined) {
      const status = this.refusals.get(action)?.shift();
      if (status !== undefined) return error(status, "overloaded");
      const run = this.#find(streamId);
      if (!run) return error(404, "not_found");
      this.#act(run, action, body);
      return json(202, {});
    }
    if (request.method === "POST" && short !== "/stream") {
      const status = this.refusals.get(short)?.shift();
      return status === undefined ? json(201, { id: "agent_1", ...body }) : error(status, "unauthorized");
    }
    if (this.#failConnect(request.socket)) return;
    if (request.method === "POST") {
      const fault = this.#nextFault(String(body["requestId"]));
      if (fault.refuse) return refuse(fault.refuse);
      const run = this.#start(String(body["requestId"]));
      if (fault.vanish) return cutSocket(request.socket, "rst");
      if (request.headers.accept === "application/json") {
        // The stream of this request is the GET that follows: its faults are for that one.
        this.faults.set(run.requestId, [fault, ...(this.faults.get(run.requestId) ?? [])]);
        return json(202, { streamId: run.streamId });
      }
      return this.#stream(run, 0, fault, response);
    }
    const run = this.#find(streamId);
    if (!run) return error(404, "not_found");
    const fault = this.#nextFault(run.requestId);
    if (fault.refuse) return refuse(fault.refuse);
    if (lastSeq > run.head) return error(409, "conflict");
    if (run.ended && lastSeq === run.head) return void response.writeHead(204).end();
    this.#stream(run, lastSeq, fault, response);
  }

  #act(run: TestRun, action: string, body: Received["body"]): void {
    if (action === "cancel") run.append({ type: "cancelled", reason: "user" });
    if (action === "tool-results") this.onToolResult(run, body);
  }

  #stream(run: TestRun, lastSeq: number, fault: Fault, response: ServerResponse): void {
    const socket = response.socket!;
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache, no-transform",
      "X-Stream-Id": run.streamId,
    });
    response.flushHeaders();
    this.#follow(run, lastSeq, fault, {
      first: Buffer.from(RETRY_LINE),
      encode: (frame) => Buffer.from(sseBlock(frame)),
      heartbeat: Buffer.from(": keepalive\n\n"),
      write: (bytes) => void response.write(bytes),
      // Each waits until what was written has left: a cut must not take back what came before it.
      end: (how) => void response.write("", () => (how === "end" ? response.end() : cutSocket(socket, how))),
      onClose: (closed) => response.on("close", closed),
    });
  }

  #serveSocket(webSocket: WebSocket, socket: Socket, request: IncomingMessage): void {
    const send = (value: unknown): void => webSocket.send(JSON.stringify(value));
    webSocket.on("error", () => undefined);
    webSocket.on("message", (data) => {
      const body = JSON.parse((data as Buffer).toString()) as Received["body"];
      const { type, streamId = "" } = body as { type: string; streamId?: string };
      const lastSeq = Number(body["lastSeq"] ?? 0);
      this.received.push({ transport: "ws", method: type, path: "/ws", lastSeq, headers: request.headers, body });
      const run = type === "chat" ? undefined : this.#find(streamId);
      const error = (code: string, status: number, retryable = false, more: object = {}): void =>
        send({
          type: "error",
          code,
          status,
          retryable,
          message: `The gateway says ${code}.`,
          ...more,
          ...(type === "chat" ? { requestId: body["requestId"] } : { streamId }),
        });
      if (type === "ping") return send({ type: "pong" });
      if (type !== "chat" && !run) return error("not_found", 404);
      if (type === "cancel") return this.#act(run!, "cancel", body);
      if (type === "tool_result") return this.#act(run!, "tool-results", body);
      if (type !== "chat" && type !== "resume") return;
      const requestId = run?.requestId ?? String(body["requestId"]);
      const fault = this.#nextFault(requestId);
      if (fault.refuse) {
        const { status, code = "internal", retryable = false, headers = {} } = fault.refuse;
        const seconds = headers["Retry-After"];
        return error(code, status, retryable, seconds === undefined ? {} : { retryAfterMs: Number(seconds) * 1000 });
      }
      const followed = run ?? this.#start(requestId);
      if (fault.vanish) return cutSocket(socket, "rst");
      if (lastSeq > followed.head) return error("conflict", 409);
      // A socket has no 204: the last event once more says that nothing is missing.
      const from = followed.ended && lastSeq === followed.head ? lastSeq - 1 : lastSeq;
      this.#follow(followed, from, fault, {
        first: Buffer.alloc(0),
        encode: (frame) => socketFrame(frame, followed.streamId),
        heartbeat: socketFrame({ seq: undefined, text: '{"type":"ping"}' }, ""),
        write: (bytes) => void socket.write(bytes),
        // The socket serves other streams, so the end of one says nothing; a clean close without it is a fault.
        end: (how) => (how === "end" ? fault.stop && webSocket.close(1001) : void socket.write("", () => cutSocket(socket, how))),
        // A dead connection does not answer on its other streams either.
        silence: () => webSocket.removeAllListeners("message"),
        onClose: (closed) => webSocket.on("close", closed),
      });
    });
  }

  #follow(
    run: TestRun,
    lastSeq: number,
    fault: Fault,
    wire: {
      first: Uint8Array;
      encode: (frame: LogFrame) => Uint8Array;
      heartbeat: Uint8Array;
      write: (bytes: Uint8Array) => void;
      end: (how: "end" | "fin" | "rst") => void;
      silence?: () => void;
      onClose: (closed: () => void) => void;
    },
  ): void {
    let left = fault.stop?.afterBytes ?? Number.POSITIVE_INFINITY;
    let framesLeft = fault.stop?.afterFrames ?? Number.POSITIVE_INFINITY;
    let stopped = false;
    const beat = fault.heartbeatMs === undefined ? undefined : setInterval(() => wire.write(wire.heartbeat), fault.heartbeatMs);
    if (beat) this.#timers.add(beat);
    const leave = (): void => {
      clearInterval(beat);
      run.followers.delete(follower);
    };
    const stop = (): void => {
      stopped = true;
      const how = fault.stop!.how;
      if (how === "silent") return wire.silence?.();
      leave();
      wire.end(how);
    };
    const write = (bytes: Uint8Array): void => {
      if (stopped) return;
      const now = bytes.subarray(0, left);
      left -= now.length;
      if (now.length > 0) wire.write(now);
      if (left <= 0) stop();
    };
    const follower: Follower = {
      push: (frames) => {
        const sent = (fault.edit ? fault.edit(frames) : frames).slice(0, framesLeft);
        framesLeft -= sent.length;
        if (sent.length > 0) write(Buffer.concat(sent.map(wire.encode)));
        if (framesLeft <= 0 && !stopped) stop();
      },
      end: () => {
        leave();
        if (!stopped) wire.end("end");
      },
    };
    wire.onClose(leave);
    run.followers.add(follower);
    if (wire.first.length > 0 || left <= 0) write(wire.first);
    const backlog = run.frames.slice(lastSeq);
    if (backlog.length > 0) follower.push(backlog);
    if (run.ended) follower.end();
  }
}

function sseBlock({ seq, text }: LogFrame): string {
  return `${seq === undefined ? "" : `id: ${seq}\n`}data: ${text}\n\n`;
}

/** One unmasked text frame, by hand, so that a test can cut inside it. */
function socketFrame({ text }: LogFrame, streamId: string): Uint8Array {
  const json =
    streamId !== "" && text.endsWith("}") && !text.includes('"streamId"')
      ? `${text.slice(0, -1)},"streamId":${JSON.stringify(streamId)}}`
      : text;
  const payload = Buffer.from(json);
  const head =
    payload.length < 126 ? Buffer.from([0x81, payload.length]) : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, payload]);
}

function cutSocket(socket: Socket, how: "fin" | "rst"): void {
  if (how === "rst") socket.resetAndDestroy();
  else {
    socket.end();
    socket.destroySoon();
  }
}
