/**
 * One SSE answer. A write waits for `drain` or `close`, whichever is first: waiting for `drain` alone never ends for a client that
 * stopped reading and then went away. It listens to the response's `close`; the request's fires as soon as its body is read.
 */
import type { ServerResponse } from "node:http";

import { encodeSseComment } from "../../shared/sse/encoder.ts";
import type { HeartbeatMember, HeartbeatWheel } from "./heartbeat.ts";

export interface SseWriterOptions {
  heartbeat: HeartbeatWheel;
  /** Longest wait for a client that does not read, in ms. After it the connection is closed; the client may resume. */
  stallMs: number;
}

const KEEPALIVE = encodeSseComment("keepalive");

export class SseWriter implements HeartbeatMember {
  readonly #response: ServerResponse;
  readonly #options: SseWriterOptions;
  readonly #closed = new AbortController();
  #blocked = false;
  lastSent = performance.now();

  /** Sends the headers at once. `Connection` is left to Node: set by hand it is wrong for HTTP/2 and for clients that asked to close. */
  constructor(response: ServerResponse, streamId: string, options: SseWriterOptions) {
    this.#response = response;
    this.#options = options;
    response.once("close", () => {
      options.heartbeat.remove(this);
      this.#closed.abort();
    });
    // A reset socket also emits `close`; without a listener the error would end the process.
    response.on("error", () => undefined);
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache, no-transform",
      "X-Accel-Buffering": "no",
      "X-Stream-Id": streamId,
      "X-Chanl-Stream": "v1",
    });
    response.flushHeaders();
    options.heartbeat.add(this);
    if (response.destroyed) this.#closed.abort();
  }

  /** Aborts when the client is gone. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** Nothing when the client can take more; else a promise for when it can, or is gone. Most writes are the first, and cost no promise. */
  write(text: string): Promise<void> | undefined {
    if (this.#closed.signal.aborted) return undefined;
    this.lastSent = performance.now();
    return this.#response.write(text) ? undefined : this.#drainOrClose();
  }

  beat(): void {
    // A comment behind megabytes that are not read proves nothing to anybody.
    if (!this.#blocked) this.#response.write(KEEPALIVE);
  }

  end(): void {
    this.#options.heartbeat.remove(this);
    if (!this.#closed.signal.aborted) this.#response.end();
  }

  #drainOrClose(): Promise<void> {
    const response = this.#response;
    this.#blocked = true;
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(stall);
        response.off("drain", settle);
        this.#closed.signal.removeEventListener("abort", settle);
        this.#blocked = false;
        resolve();
      };
      const stall = setTimeout(() => response.destroy(), this.#options.stallMs);
      response.once("drain", settle);
      this.#closed.signal.addEventListener("abort", settle, { once: true });
    });
  }
}
