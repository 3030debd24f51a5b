/** A gateway on a free port for tests, small limits, its log kept, and closed whatever happens. */
import { Writable } from "node:stream";

import { onTestFinished } from "vitest";

import { createServer, type GatewayServer } from "../app.ts";
import type { GatewayOptions } from "../gateway.ts";
import { createLogger } from "../logger.ts";
import { startReplayProvider, type ReplayProvider } from "./replay-provider.ts";

/** The key every played provider is called with. No response, event or log line of the whole suite may hold it. */
export const CANARY_KEY = "key-of-the-test";

export interface TestGateway extends GatewayServer {
  url: string;
  /** Every log line so far. */
  log: () => string;
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
  const url = await gateway.listen();
  onTestFinished(async () => {
    await gateway.close();
    if (log.includes(CANARY_KEY)) throw new Error("a log line holds the provider's key");
  });
  return { ...gateway, url, log: () => log };
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
