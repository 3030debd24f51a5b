/** Time to first token, total, count and rate of one stream. */
import type { Metrics, StreamChunk, Usage } from "../protocol/chunk.ts";

export interface StreamMetricsOptions {
  /** Clock in ms. @defaultValue `performance.now` */
  now?: (() => number) | undefined;
}

/** Starts counting when it is made: make it when the request is accepted. */
export class StreamMetrics {
  readonly #now: () => number;
  readonly #start: number;
  #first: number | null = null;
  #deltas = 0;

  constructor({ now = () => performance.now() }: StreamMetricsOptions = {}) {
    this.#now = now;
    this.#start = now();
  }

  /** Counts one chunk as the provider sent it, before any merging. */
  chunk(chunk: StreamChunk): void {
    if (chunk.type !== "token" && chunk.type !== "reasoning" && chunk.type !== "tool_call_delta") return;
    this.#deltas++;
    this.#first ??= this.#now();
  }

  /** Ms to the first token, reasoning or tool delta; `null` while none came. */
  get ttft(): number | null {
    return this.#first === null ? null : round(this.#first - this.#start);
  }

  /** Deltas per second since the first one, while it streams; `null` before two of them. */
  get liveTokensPerSecond(): number | null {
    if (this.#first === null || this.#deltas < 2) return null;
    const ms = this.#now() - this.#first;
    return ms > 0 ? round((this.#deltas / ms) * 1000) : null;
  }

  finish(usage?: Usage): Metrics {
    const end = this.#now();
    const totalMs = round(end - this.#start);
    const told = usage?.outputTokens;
    const tokenCount = told ?? this.#deltas;
    const decodeMs = this.#first === null ? 0 : end - this.#first;
    return {
      ttft: this.ttft,
      totalMs,
      tokenCount,
      tokensPerSecond: totalMs > 0 ? round((tokenCount / totalMs) * 1000) : 0,
      decodeTokensPerSecond: decodeMs > 0 ? round((tokenCount / decodeMs) * 1000) : 0,
      ...(told === undefined ? { estimated: true as const } : {}),
    };
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
