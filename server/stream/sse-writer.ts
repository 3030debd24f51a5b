/**
 * One SSE answer, a reader of its run. When the client does not take more, the run's log waits for `drain` or `close`, whichever is
 * first: waiting for `drain` alone never ends for a client that stopped reading and then went away. It listens to the response's
 * `close`; the request's fires as soon as its body is read.
 */
import type { ServerResponse } from "node:http";

import { encodeSseComment, encodeSseEvent } from "../../shared/sse/encoder.ts";
import type { Frame } from "./frame.ts";
import type { HeartbeatMember, HeartbeatWheel } from "./heartbeat.ts";
import { HttpBody } from "./http-body.ts";
import type { RunHandle } from "./run.ts";
import type { FrameReader } from "./run-store.ts";

export interface SseWriterOptions {
  heartbeat: HeartbeatWheel;
  /** Longest wait for a client that does not read, in ms. After it the connection is closed; the client may resume. */
  stallMs: number;
  onStall?: (() => void) | undefined;
}

const KEEPALIVE = encodeSseComment("keepalive");
/** First bytes of every stream: how long `EventSource` waits before it reconnects. */
const RETRY = encodeSseEvent({ retry: 1000 });

export class SseWriter implements FrameReader, HeartbeatMember {
  readonly #response: ServerResponse;
  readonly #body: HttpBody;
  readonly #options: SseWriterOptions;
  #reading: { leave: () => void } | undefined;
  #closed = false;
  /** Lets the log go on; set while the client takes nothing. */
  #resume: (() => void) | undefined;
  #stall: NodeJS.Timeout | undefined;
  hasSent = false;

  /** Sends the headers at once. `Connection` is left to Node: set by hand it is wrong for HTTP/2 and for clients that asked to close. */
  constructor(response: ServerResponse, streamId: string, options: SseWriterOptions) {
    this.#response = response;
    this.#options = options;
    response.once("close", () => this.#close());
    // A reset socket also emits `close`; without a listener the error would end the process.
    response.on("error", () => undefined);
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache, no-transform",
      "X-Accel-Buffering": "no",
      "X-Stream-Id": streamId,
      "X-Chanl-Stream": "v1",
    });
    response.write(RETRY);
    this.#body = new HttpBody(response, () => this.#goOn());
    options.heartbeat.add(this);
    if (response.destroyed) this.#close();
  }

  /** Reads the run to its end, or until the client is gone. */
  follow(run: RunHandle, afterSeq: number): void {
    if (this.#closed) return;
    this.#reading = run.attach(afterSeq, this);
  }

  take(frames: readonly Frame[]): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.hasSent = true;
    for (const { sse, bytes } of frames) this.#body.write(sse, bytes);
    return this.#body.isFull ? this.#drainOrClose() : undefined;
  }

  end(): void {
    if (!this.#closed) this.#body.end();
    this.#detach();
  }

  beat(): void {
    // A comment behind megabytes that are not read proves nothing to anybody.
    if (!this.#body.isFull) this.#body.write(KEEPALIVE, KEEPALIVE.length);
  }

  /** Ends the answer in the middle: a client resumes at once, at an instance that stays. */
  reconnect(): void {
    if (this.#closed) return;
    // Spread over a second, so that not all of them come at the same time.
    const retry = encodeSseEvent({ retry: 50 + Math.floor(Math.random() * 1000) });
    this.#body.write(retry, retry.length);
    this.#body.end();
    this.#detach();
  }

  #drainOrClose(): Promise<void> {
    this.#stall = setTimeout(() => {
      this.#options.onStall?.();
      this.#response.destroy();
    }, this.#options.stallMs);
    return new Promise((resolve) => (this.#resume = resolve));
  }

  #goOn(): void {
    clearTimeout(this.#stall);
    this.#resume?.();
    this.#resume = undefined;
  }

  #close(): void {
    this.#closed = true;
    this.#detach();
    this.#goOn();
  }

  #detach(): void {
    this.#options.heartbeat.remove(this);
    this.#reading?.leave();
    this.#reading = undefined;
  }
}
