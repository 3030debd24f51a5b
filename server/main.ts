#!/usr/bin/env node
/** Starts the gateway from the environment. What a person reads goes to stdout, logs go to stderr. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { destination } from "pino";

import { loadAgentsFile } from "./agent/agents-file.ts";
import { createServer } from "./app.ts";
import { ConfigError, isLoopback, loadConfig, type GatewayConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import { packageRoot } from "./package-root.ts";
import { checkNames, checkOutside } from "./start-check.ts";
import { connect, loadRedis } from "./stream/redis/client.ts";
import { RedisRunStore } from "./stream/redis-run-store.ts";

function fail(message: string): never {
  process.stderr.write(`chanl-chat cannot start:\n${message}\n`);
  process.exit(1);
}

function orFail<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    throw error;
  }
}

/** Requests and tokens are counted where runs are kept. While Redis is away each instance counts for itself. */
async function limiterClient(url: string): Promise<unknown> {
  const Redis = await loadRedis().catch((error: Error) => fail(`REDIS_URL: ${error.message}`));
  const client = connect(Redis, { url, name: "chanl-limits", onError: (error) => logger.debug({ err: error }, "limits: redis") });
  void client.connect().catch(() => undefined);
  return client;
}

const config: GatewayConfig = orFail(() => loadConfig(process.env));
const { agents: fixedAgents, mcpServers } = orFail(() =>
  config.agentsFile === undefined ? { agents: [], mcpServers: {} } : loadAgentsFile(config.agentsFile, process.env),
);
const logger = createLogger({ level: config.logLevel, destination: destination({ fd: 2, sync: true }) });
const limiterRedis = config.redisUrl === undefined ? undefined : await limiterClient(config.redisUrl);
const gateway = orFail(() => createServer({ ...config, logger, fixedAgents, mcpServers, limiterRedis }));
const problems = checkNames(fixedAgents, gateway.gateway);
if (problems.length > 0) fail(problems.map((problem) => `AGENTS_FILE ${config.agentsFile ?? ""}: ${problem}`).join("\n"));

// A folder of docs that cannot be read is found now, not at the first question.
await gateway.gateway
  .docs()
  .catch((error: NodeJS.ErrnoException) => fail(`DOCS_DIR ${config.docsDir ?? ""} cannot be read: ${error.message}`));

const { store } = gateway.gateway.runs;
if (store instanceof RedisRunStore) await store.ready().catch((error: Error) => fail(`REDIS_URL: ${error.message}`));

const url = await gateway.listen().catch((error: NodeJS.ErrnoException) => {
  if (error.code === "EADDRINUSE") fail(`PORT ${config.port} is taken. Set PORT to another one.`);
  if (error.code === "EACCES" || error.code === "EADDRNOTAVAIL")
    fail(`HOST ${config.host} and PORT ${config.port} cannot be used: ${error.code}.`);
  throw error;
});

const extension = join(packageRoot(), "dist", "extension");
const isOpenToOthers = !isLoopback(config.host) && config.allowedOrigins.length + config.allowedExtensionIds.length === 0;
const lines = [
  `chanl-chat is ready at ${url}`,
  `  model      ${config.model}${config.model === "docs-guide" ? " (searches the docs; no language model, no key needed)" : ""}`,
  existsSync(extension) && `  extension  ${extension} (chrome://extensions, developer mode, "Load unpacked")`,
  isOpenToOthers && "  note       only pages of this server may use it; name other sites in ALLOWED_ORIGINS",
  config.openai &&
    process.env["OPENAI_BASE_URL"] &&
    !process.env["MODEL"] &&
    `  note       MODEL is not set; ${config.model} may not exist at OPENAI_BASE_URL`,
  config.redisUrl !== undefined &&
    config.dataDir !== undefined &&
    "  note       agents made over the API are this gateway's alone; for those that all gateways share use AGENTS_FILE",
  config.adminKey && config.adminKey.length < 16 && "  note       ADMIN_KEY is short; take at least 16 random characters",
];
// One write: whoever waits for the first line also has the others.
process.stdout.write(`${lines.filter(Boolean).join("\n")}\n`);

// After that line: a provider that does not answer must not hold up the start. Agents made over the API may name what is no more:
// that is told too, and stops nobody else's agent.
const agents = await gateway.gateway.agents.list();
const tell = (found: readonly string[]): void => {
  for (const problem of found) process.stdout.write(`  problem    ${problem}\n`);
};
tell(checkNames(agents, gateway.gateway));
void checkOutside(gateway.gateway, agents).then(tell);

let closing = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    // A second signal means now.
    if (closing) process.exit(1);
    closing = true;
    logger.info({ signal }, "closing");
    void gateway.close().then(() => process.exit(0));
  });
}
