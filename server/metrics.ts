/**
 * What operators watch, in Prometheus' words. Labels are models, transports and outcomes: nothing of a person, and nothing a
 * client can make up, so the number of series is bounded.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import type { TerminalChunk } from "../shared/protocol/chunk.ts";

export type TransportName = "sse" | "websocket";

export interface GatewayState {
  /** Runs that have not ended. */
  runs(): number;
  /** Readers of all runs. */
  readers(): number;
  /** Open WebSockets. */
  sockets(): number;
}

/** Seconds; from a cached answer to a model that thinks for a minute. */
const TTFT_BUCKETS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];
const RATE_BUCKETS = [1, 5, 10, 20, 50, 100, 200, 500, 1000];

export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #ttft: Histogram<"model">;
  readonly #rate: Histogram<"model">;
  readonly #tokens: Counter<"model">;
  readonly #ended: Counter<"model" | "outcome">;
  readonly #errors: Counter<"code">;
  readonly #resumes: Counter<"transport">;
  readonly #stalls: Counter<"transport">;

  constructor(state: GatewayState) {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, value: () => number): void => {
      const made: Gauge = new Gauge({ name, help, registers: [], collect: () => made.set(value()) });
      this.#registry.registerMetric(made);
    };
    gauge("chanl_runs", "Runs that have not ended", () => state.runs());
    gauge("chanl_readers", "Readers of all runs", () => state.readers());
    gauge("chanl_sockets", "Open WebSockets", () => state.sockets());
    const labelNames = ["model"] as const;
    this.#ttft = new Histogram({
      name: "chanl_time_to_first_token_seconds",
      help: "Request accepted to first token, reasoning or tool delta",
      labelNames,
      buckets: TTFT_BUCKETS,
      registers,
    });
    this.#rate = new Histogram({
      name: "chanl_tokens_per_second",
      help: "Tokens of a run per second, counted from its first token on",
      labelNames,
      buckets: RATE_BUCKETS,
      registers,
    });
    this.#tokens = new Counter({ name: "chanl_tokens_total", help: "Output tokens of ended runs", labelNames, registers });
    this.#ended = new Counter({
      name: "chanl_runs_ended_total",
      help: "Ended runs: done, error, or cancelled with who ended it",
      labelNames: ["model", "outcome"],
      registers,
    });
    this.#errors = new Counter({
      name: "chanl_errors_total",
      help: "Runs and requests that failed, by code",
      labelNames: ["code"],
      registers,
    });
    this.#resumes = new Counter({ name: "chanl_resumes_total", help: "Streams taken up again", labelNames: ["transport"], registers });
    this.#stalls = new Counter({
      name: "chanl_stalls_total",
      help: "Readers let go because they did not read",
      labelNames: ["transport"],
      registers,
    });
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  runEnded(model: string, terminal: TerminalChunk): void {
    const outcome = terminal.type === "cancelled" ? `cancelled_${terminal.reason}` : terminal.type;
    this.#ended.inc({ model, outcome });
    if (terminal.type === "error") this.#errors.inc({ code: terminal.code });
    const { metrics } = terminal;
    if (!metrics) return;
    this.#tokens.inc({ model }, metrics.tokenCount);
    if (metrics.ttft !== null) this.#ttft.observe({ model }, metrics.ttft / 1000);
    if (metrics.decodeTokensPerSecond > 0) this.#rate.observe({ model }, metrics.decodeTokensPerSecond);
  }

  /** A request that was answered with an error, or a message over a socket. */
  refused(code: string): void {
    this.#errors.inc({ code });
  }

  resumed(transport: TransportName): void {
    this.#resumes.inc({ transport });
  }

  stalled(transport: TransportName): void {
    this.#stalls.inc({ transport });
  }
}
