/** Puts the gateway's parts together from one configuration. */
import { existsSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";

import { LayeredAgentStore, MemoryAgentStore, type AgentDefinition, type AgentStore } from "./agent/agent-store.ts";
import { docsAgent } from "./agent/docs-agent.ts";
import { createSearchDocs } from "./agent/search-docs.ts";
import { FileAgentStore } from "./agent/file-agent-store.ts";
import type { McpServerSettings } from "./agent/mcp-settings.ts";
import { McpServers } from "./agent/mcp-tools.ts";
import type { Tool } from "./agent/tool.ts";
import { createIdentify, type Identify } from "./auth/identify.ts";
import { Limits } from "./auth/limits.ts";
import { OriginPolicy } from "./auth/origins.ts";
import { SessionTokens } from "./auth/session-tokens.ts";
import { defaultConfig, type GatewayConfig } from "./config.ts";
import { createLogger, type Logger } from "./logger.ts";
import { GatewayMetrics } from "./metrics.ts";
import { packageRoot } from "./package-root.ts";
import { AnthropicProvider } from "./providers/anthropic.ts";
import { DocsGuideProvider } from "./providers/docs-guide.ts";
import { DocsIndex } from "./providers/docs-index.ts";
import { ModelRegistry, type RegisteredProvider } from "./providers/model-registry.ts";
import { GeminiProvider } from "./providers/gemini.ts";
import { OpenAiProvider } from "./providers/openai.ts";
import { OpenAiResponsesProvider } from "./providers/openai-responses.ts";
import type { Provider } from "./providers/provider.ts";
import { ChatService } from "./stream/chat-service.ts";
import { HeartbeatWheel } from "./stream/heartbeat.ts";
import { MemoryRunStore } from "./stream/memory-run-store.ts";
import { RedisRunStore } from "./stream/redis-run-store.ts";
import { RunManager } from "./stream/run-manager.ts";
import type { RunStore } from "./stream/run-store.ts";
import { WebSocketGateway } from "./web-socket.ts";

/** Everything is optional; what is left out is as in an empty environment. */
export interface GatewayOptions extends Partial<GatewayConfig> {
  /** More providers, by the prefix of their models: `{acme: …}` runs `acme/model-1`. */
  providers?: Readonly<Record<string, Provider>> | undefined;
  /** Tools that run at the gateway, for agents that name them. `search_docs` is always there. */
  tools?: readonly Tool[] | undefined;
  /** Agents besides `docs`. Ignored with an `agentStore` of one's own. */
  agents?: readonly AgentDefinition[] | undefined;
  /** Agents of a file: the agents routes show them and do not change them. They go before all others. */
  fixedAgents?: readonly AgentDefinition[] | undefined;
  agentStore?: AgentStore | undefined;
  /** MCP servers by name, for agents that name them. */
  mcpServers?: Readonly<Record<string, McpServerSettings>> | undefined;
  runStore?: RunStore | undefined;
  /**
   * Who is asking, as a stable name: only the same one can resume and stop a run. Throw a `GatewayError("unauthorized")` to refuse.
   * Without it nobody is told apart, and the stream's id, 128 random bits, is the key to it.
   */
  identify?: ((request: IncomingMessage) => string | Promise<string>) | undefined;
  /** A client of `ioredis` that counts requests and tokens for all instances. */
  limiterRedis?: unknown;
  /** Silent without one. */
  logger?: Logger | undefined;
}

export interface Gateway {
  config: GatewayConfig;
  logger: Logger;
  agents: AgentStore;
  tools: ReadonlyMap<string, Tool>;
  mcpServers: McpServers;
  models: ModelRegistry;
  /** Agents the routes do not change. */
  fixedAgentIds: ReadonlySet<string>;
  chat: ChatService;
  runs: RunManager;
  heartbeat: HeartbeatWheel;
  origins: OriginPolicy;
  sockets: WebSocketGateway;
  identify: Identify;
  /** Missing without a `siteSecret`. */
  sessionTokens: SessionTokens | undefined;
  metrics: GatewayMetrics;
  docs: () => Promise<DocsIndex>;
  /** Where citations link to, ending with `/`; set by whoever serves the docs' pages. */
  docsUrl: string | undefined;
  /** Ends programs, connections and files of the gateway. Runs and sockets are closed before. */
  release: () => Promise<void>;
}

const OWN_QUESTIONS = ["How do I embed the widget?", "Should I use SSE or WebSocket?", "How does an answer survive a lost connection?"];

export function createGateway(options: GatewayOptions): Gateway {
  const config: GatewayConfig = { ...defaultConfig(), ...withoutUndefined(options) };
  const logger = options.logger ?? createLogger({ level: "silent" });
  let index: Promise<DocsIndex> | undefined;
  let titles: string[] = [];
  const docs = (): Promise<DocsIndex> => {
    index ??= loadDocs(config.docsDir).then((loaded) => {
      titles = loaded.titles;
      return loaded;
    });
    return index;
  };

  const providers = new Map<string, RegisteredProvider>();
  providers.set("docs-guide", {
    provider: new DocsGuideProvider({
      tokensPerSecond: config.docsGuideTokensPerSecond,
      fragmentMs: config.docsGuideFragmentMs,
      suggestions: () => (config.docsDir === undefined ? OWN_QUESTIONS : titles),
    }),
    setting: "DOCS_DIR",
  });
  const limits = { idleMs: config.providerIdleMs, maxRetries: config.providerRetries };
  const { anthropic, openai, gemini } = config;
  providers.set("anthropic", {
    provider: anthropic && new AnthropicProvider({ ...anthropic, ...limits }),
    setting: "ANTHROPIC_API_KEY (or ANTHROPIC_BASE_URL)",
  });
  const openaiSetting = "OPENAI_API_KEY (or OPENAI_BASE_URL)";
  providers.set("openai", { provider: openai && new OpenAiProvider({ ...openai, ...limits }), setting: openaiSetting });
  providers.set("openai-responses", { provider: openai && new OpenAiResponsesProvider({ ...openai, ...limits }), setting: openaiSetting });
  providers.set("gemini", {
    provider: gemini && new GeminiProvider({ ...gemini, ...limits }),
    setting: "GEMINI_API_KEY (or GEMINI_BASE_URL)",
  });
  for (const [prefix, provider] of Object.entries(options.providers ?? {})) providers.set(prefix, { provider, setting: prefix });

  const heartbeat = new HeartbeatWheel(config.heartbeatMs);
  const origins = new OriginPolicy(config);
  const seeds = [docsAgent(), ...(options.agents ?? [])];
  const { dataDir } = config;
  const kept =
    options.agentStore ?? (dataDir === undefined ? new MemoryAgentStore(seeds) : new FileAgentStore(join(dataDir, "agents.jsonl"), seeds));
  const agents = new LayeredAgentStore(options.fixedAgents ?? [], kept);
  const mcpServers = new McpServers({
    servers: options.mcpServers ?? {},
    toolTimeoutMs: config.toolTimeoutMs,
    onDetail: (detail) => logger.debug({ detail }, "mcp detail"),
  });
  const metrics: GatewayMetrics = new GatewayMetrics({
    runs: () => runs.running,
    readers: () => runs.readers,
    sockets: () => complete.sockets.size,
  });
  const runs: RunManager = new RunManager({
    store: options.runStore ?? runStore(config, logger),
    limits: config,
    ttlMs: config.ttlMs,
    maxRuns: config.maxRuns,
    logger,
    metrics,
  });
  const sessionTokens = config.siteSecret === undefined ? undefined : new SessionTokens(config.siteSecret);
  const identify = createIdentify({
    tokens: sessionTokens,
    anonymous: config.allowAnonymous,
    trustedProxies: config.trustedProxies,
    own: options.identify,
  });
  const tools = new Map<string, Tool>();
  const models = new ModelRegistry(providers, config.model);
  const gateway: Omit<Gateway, "chat" | "sockets"> = {
    config,
    logger,
    agents,
    tools,
    mcpServers,
    models,
    fixedAgentIds: new Set(options.fixedAgents?.map(({ id }) => id)),
    runs,
    heartbeat,
    origins,
    metrics,
    identify,
    sessionTokens,
    docs,
    docsUrl: undefined,
    async release() {
      await mcpServers.close();
      if (kept instanceof FileAgentStore) await kept.close();
    },
  };
  for (const tool of [createSearchDocs({ index: docs, baseUrl: () => complete.docsUrl }), ...(options.tools ?? [])])
    tools.set(tool.name, tool);

  const chat = new ChatService({
    agents,
    models,
    tools,
    mcpServers,
    runs,
    limits: new Limits(config, options.limiterRedis),
    maxSteps: config.maxSteps,
    toolTimeoutMs: config.toolTimeoutMs,
    clientToolTimeoutMs: config.clientToolTimeoutMs,
    approvalTimeoutMs: config.approvalTimeoutMs,
    logger,
  });
  const sockets = new WebSocketGateway({
    chat,
    heartbeat,
    origins,
    identify,
    stallMs: config.stallMs,
    pingMs: config.heartbeatMs,
    logger,
    metrics,
  });
  const complete: Gateway = Object.assign(gateway, { chat, sockets });
  return complete;
}

function runStore({ redisUrl, maxLogBytes: maxBytes, ttlMs }: GatewayConfig, logger: Logger): RunStore {
  return redisUrl === undefined ? new MemoryRunStore({ maxBytes }) : new RedisRunStore({ url: redisUrl, maxBytes, ttlMs, logger });
}

function loadDocs(docsDir: string | undefined): Promise<DocsIndex> {
  if (docsDir !== undefined) return DocsIndex.load([docsDir]);
  const root = packageRoot();
  const paths = [join(root, "docs"), join(root, "README.md")].filter((path) => existsSync(path));
  // Decisions tell why the project is as it is, which is not what its users ask.
  return DocsIndex.load(paths, (path) => path.startsWith("decisions/"));
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
