/** A chat request → its run: the agent, its model and tools, the tool loop. The one way in, for HTTP and WebSocket alike. */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { ChatRequest } from "../../shared/protocol/request.ts";
import type { AgentDefinition, AgentStore } from "../agent/agent-store.ts";
import { withApprovalRule } from "../agent/approval-rule.ts";
import type { McpServers, McpTools } from "../agent/mcp-tools.ts";
import { toolLoop } from "../agent/tool-loop.ts";
import type { Tool } from "../agent/tool.ts";
import type { Caller } from "../auth/caller.ts";
import type { Limits } from "../auth/limits.ts";
import { errorChunk, GatewayError, toGatewayError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { SEARCH_DOCS } from "../providers/docs-passages.ts";
import { FallbackProvider } from "../providers/fallback.ts";
import type { ModelRegistry, ResolvedModel } from "../providers/model-registry.ts";
import type { Run, RunHandle } from "./run.ts";
import type { RunManager } from "./run-manager.ts";

export interface ChatServiceOptions {
  agents: AgentStore;
  models: ModelRegistry;
  /** Every tool of the gateway, by name. An agent uses those it names. */
  tools: ReadonlyMap<string, Tool>;
  mcpServers: McpServers;
  runs: RunManager;
  limits: Limits;
  maxSteps: number;
  toolTimeoutMs: number;
  clientToolTimeoutMs: number;
  approvalTimeoutMs: number;
  logger: Logger;
}

interface Answer {
  agent: AgentDefinition;
  model: string;
  tools: Tool[];
  request: ChatRequest;
  run: Run;
  signal: AbortSignal;
}

export class ChatService {
  readonly #options: ChatServiceOptions;

  constructor(options: ChatServiceOptions) {
    this.#options = options;
  }

  get runs(): RunManager {
    return this.#options.runs;
  }

  /** @throws GatewayError `not_found`, `bad_request`, `conflict`, `forbidden`, `rate_limited` or `overloaded`. What happens later is told in the stream. */
  async start(request: ChatRequest, caller: Caller): Promise<RunHandle> {
    await this.#options.limits.request(caller);
    const { agentId, messages, requestId, onDisconnect, tools: clientTools = [] } = request;
    if (caller.agentId !== undefined && caller.agentId !== agentId)
      throw new GatewayError("forbidden", { field: "agentId", message: `agentId: this session is for the agent "${caller.agentId}".` });
    const agent = await this.#options.agents.get(agentId);
    if (!agent) throw new GatewayError("not_found", { field: "agentId", message: `agentId: there is no agent "${agentId}".` });
    const model = agent.model ?? this.#options.models.defaultModel;
    const tools = this.#toolsOf(agent, model);
    const clash = clientTools.findIndex((clientTool) => tools.some((tool) => tool.name === clientTool.name));
    if (clash !== -1) {
      throw new GatewayError("bad_request", {
        field: `tools[${clash}].name`,
        message: `tools[${clash}].name is the name of a tool the agent already has.`,
      });
    }
    return this.#options.runs.start({
      owner: caller.owner,
      admit: () => this.#options.limits.admit(caller),
      agentId,
      model,
      requestId,
      onDisconnect,
      content: { agentId, messages, clientTools },
      source: (run) => (signal) => this.#answer({ agent, model, tools, request, run, signal }),
    });
  }

  #answer(answer: Answer): AsyncIterable<StreamChunk> | Promise<AsyncIterable<StreamChunk>> {
    const { mcpServers = [] } = answer.agent;
    if (mcpServers.length === 0) return this.#answerWith(answer, { tools: [], missing: [] });
    return this.#options.mcpServers.toolsOf(mcpServers).then((found) => this.#answerWith(answer, found));
  }

  #answerWith({ agent, model, tools: own, request, run, signal }: Answer, mcp: McpTools): AsyncIterable<StreamChunk> {
    const { maxSteps, toolTimeoutMs, clientToolTimeoutMs, approvalTimeoutMs, logger } = this.#options;
    const streamId = run.id;
    for (const { server, why } of mcp.missing) logger.warn({ streamId, agentId: agent.id, mcpServer: server, why }, "mcp server missing");
    const tools = [...own, ...mcp.tools].map((tool) => withApprovalRule(tool, agent.needsApproval?.[tool.name]));
    const names = new Set(tools.map(({ name }) => name));
    const { limits = {} } = agent;
    try {
      const resolved = this.#resolve(agent, model, streamId);
      return toolLoop({
        provider: resolved.provider,
        model: resolved.model,
        instructions: withMissing(agent.instructions, mcp.missing),
        messages: request.messages,
        tools,
        clientTools: (request.tools ?? []).filter(({ name }) => !names.has(name)),
        clientResults: run.clientResults,
        approvals: run.approvals,
        signal,
        maxSteps: limits.maxSteps ?? maxSteps,
        maxOutputTokens: limits.maxOutputTokens,
        reasoning: agent.reasoning,
        toolTimeoutMs: limits.toolTimeoutMs ?? toolTimeoutMs,
        clientToolTimeoutMs,
        approvalTimeoutMs,
        onDecision: ({ approved, arguments: edited }, { id, name }) =>
          logger.info({ streamId, toolCallId: id, tool: name, approved, edited: edited !== undefined }, "approval"),
        onToken: run.onToken,
        onDetail: (detail) => logger.debug({ streamId, detail }, "upstream detail"),
      });
    } catch (error) {
      return failed(error);
    }
  }

  #resolve({ id, fallbackModel }: AgentDefinition, model: string, streamId: string): ResolvedModel {
    const { models, logger } = this.#options;
    if (fallbackModel === undefined) return models.resolve(model);
    const second = models.resolve(fallbackModel);
    let first: ResolvedModel;
    try {
      first = models.resolve(model);
    } catch {
      return second;
    }
    const onFallback = ({ code }: { code: string }): void =>
      logger.warn({ streamId, agentId: id, model, fallbackModel, code }, "the model failed, its fallback is asked");
    return { provider: new FallbackProvider(first, second, onFallback), model: first.model };
  }

  /** `docs-guide` can do nothing without the docs, so it always has them. */
  #toolsOf(agent: AgentDefinition, model: string): Tool[] {
    const names = new Set(agent.tools);
    if (model === "docs-guide") names.add(SEARCH_DOCS);
    return [...names].map((name) => this.#options.tools.get(name)).filter((tool) => tool !== undefined);
  }
}

/** A model that does not know what it lacks makes it up. */
function withMissing(instructions: string, missing: McpTools["missing"]): string {
  if (missing.length === 0) return instructions;
  const names = missing.map(({ server }) => server).join(", ");
  return `${instructions}\n\nThe tools of ${names} cannot be reached right now. Say so when they would be needed.`.trimStart();
}

async function* failed(error: unknown): AsyncGenerator<StreamChunk, void, undefined> {
  yield errorChunk(toGatewayError(error));
}
