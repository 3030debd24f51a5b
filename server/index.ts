/** `chanl-chat/server`: the gateway, whole or as a router, and the contracts its parts are replaced through. */

// The gateway as a server of its own, or mounted in another one.
export { createChatRouter, createServer, type ChatRouter, type GatewayServer } from "./app.ts";
export type { Gateway, GatewayOptions } from "./gateway.ts";
export { ConfigError, defaultConfig, loadConfig, type GatewayConfig } from "./config.ts";

// What a request can fail with.
export { ERROR_CATALOGUE, GatewayError, type GatewayErrorCode, type GatewayErrorOptions } from "./errors.ts";

// Where runs are kept.
export type { Follow, FrameReader, LocalRuns, LogHead, RunMessage, RunRecord, RunReply, RunStore } from "./stream/run-store.ts";
export { MemoryRunStore, type MemoryRunStoreOptions } from "./stream/memory-run-store.ts";
export { RedisRunStore, type RedisRunStoreOptions } from "./stream/redis-run-store.ts";
export { encodeFrame, type Frame } from "./stream/frame.ts";

// Agents and their tools.
export {
  MemoryAgentStore,
  type AgentChanges,
  type AgentDefinition,
  type AgentLimits,
  type AgentStore,
  type ApprovalRule,
} from "./agent/agent-store.ts";
export { FileAgentStore } from "./agent/file-agent-store.ts";
export { loadAgentsFile, type AgentsFile } from "./agent/agents-file.ts";
export type { McpServerSettings } from "./agent/mcp-settings.ts";
export type { McpServerAddress } from "./agent/mcp-tools.ts";
export { docsAgent } from "./agent/docs-agent.ts";
export { ToolError, type Tool, type ToolContext, type ToolOutcome } from "./agent/tool.ts";

// Models.
export type { ModelTurn, NativeContent, Provider, ReasoningEffort, ToolSpecification, TurnMessage } from "./providers/provider.ts";
export { AnthropicProvider, type AnthropicOptions } from "./providers/anthropic.ts";
export { OpenAiProvider, type OpenAiOptions } from "./providers/openai.ts";
export { OpenAiResponsesProvider } from "./providers/openai-responses.ts";
export { GeminiProvider, type GeminiOptions } from "./providers/gemini.ts";
export { DocsGuideProvider, type DocsGuideOptions } from "./providers/docs-guide.ts";

export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
