/** A gateway on a free port for tests, small limits, its log kept, and closed whatever happens. */
import type { Socket } from "node:net";
import { Writable } from "node:stream";

import { onTestFinished } from "vitest";

import { createServer, type GatewayServer } from "../app.ts";
import type { GatewayOptions } from "../gateway.ts";
import { createLogger } from "../logger.ts";
import { isWatchable, watchSocket } from "./key-watch.mjs";
import { startReplayProvider, type ReplayProvider } from "./replay-provider.ts";

/** The key every played provider is called with. No response, event or log line of the whole suite may hold it. */
export const CANARY_KEY = "key-of-the-test";

export interface TestGateway extends GatewayServer {
  url: string;
  /** Every log line so far. */
  log: () => string;
  /** Names of the gateway's keys that a client or a log line was told since the last look. What nobody looked at fails the test. */
  takeLeaks: () => string[];
}

export async function startTestGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  let log = "";
  const destination = new Writable({
    write(chunk, _encoding, done) {
      log += String(chunk);
      done();
    },
  });
  const gateway = createServer({
    port: 0,
    coalesceMs: 0,
    shutdownMs: 0,
    docsGuideTokensPerSecond: 0,
    docsGuideFragmentMs: 0,
    providerRetries: 0,
    logger: createLogger({ level: options.logLevel ?? "info", destination }),
    ...options,
  });
  const keys = { provider: CANARY_KEY, ...keysOf(options) };
  const written = new Set<string>();
  gateway.server.prependListener("connection", (socket: Socket) => watchSocket(socket, keys, (name) => written.add(name)));
  const url = await gateway.listen();
  let logSeen = 0;
  const takeLeaks = (): string[] => {
    const lines = log.slice(logSeen);
    logSeen = log.length;
    for (const [name, key] of Object.entries(keys)) if (isWatchable(key) && lines.includes(key)) written.add(name);
    const leaks = [...written];
    written.clear();
    return leaks;
  };
  onTestFinished(async () => {
    await gateway.close();
    const leaks = takeLeaks();
    if (leaks.length > 0) throw new Error(`a client or a log line was told the gateway's keys: ${leaks.join(", ")}`);
  });
  return { ...gateway, url, log: () => log, takeLeaks };
}

function keysOf({ openai, anthropic, gemini, adminKey, siteSecret }: GatewayOptions): Record<string, unknown> {
  return { openai: openai?.apiKey, anthropic: anthropic?.apiKey, gemini: gemini?.apiKey, adminKey, siteSecret };
}

/** A gateway whose agents run on an OpenAI-compatible provider that the test plays. */
export async function startWithProvider(options: GatewayOptions = {}): Promise<{ gateway: TestGateway; provider: ReplayProvider }> {
  const provider = await startReplayProvider();
  onTestFinished(() => provider.close());
  const gateway = await startTestGateway({
    openai: { baseUrl: `${provider.url}/v1`, apiKey: CANARY_KEY },
    model: "openai/test-model",
    ...options,
  });
  return { gateway, provider };
}
