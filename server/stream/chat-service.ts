/** A chat request → its run: the agent, its model and tools, the tool loop. The one way in, for HTTP and WebSocket alike. */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { ChatRequest } from "../../shared/protocol/request.ts";
import type { AgentDefinition, AgentStore } from "../agent/agent-store.ts";
import { toolLoop } from "../agent/tool-loop.ts";
import type { Tool } from "../agent/tool.ts";
import { errorChunk, GatewayError, toGatewayError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { SEARCH_DOCS } from "../providers/docs-passages.ts";
import type { ModelRegistry } from "../providers/model-registry.ts";
import type { Run, RunHandle } from "./run.ts";
import type { RunManager } from "./run-manager.ts";

export interface ChatServiceOptions {
  agents: AgentStore;
  models: ModelRegistry;
  /** Every tool of the gateway, by name. An agent uses those it names. */
  tools: ReadonlyMap<string, Tool>;
  runs: RunManager;
  maxSteps: number;
  toolTimeoutMs: number;
  clientToolTimeoutMs: number;
  logger: Logger;
}

export class ChatService {
  readonly #options: ChatServiceOptions;

  constructor(options: ChatServiceOptions) {
    this.#options = options;
  }

  get runs(): RunManager {
    return this.#options.runs;
  }

  /** @throws GatewayError `not_found`, `bad_request`, `conflict` or `overloaded`. What happens later is told in the stream. */
  async start(request: ChatRequest, owner: string): Promise<RunHandle> {
    const { agentId, messages, requestId, onDisconnect, tools: clientTools = [] } = request;
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
      owner,
      agentId,
      model,
      requestId,
      onDisconnect,
      content: { agentId, messages, clientTools },
      source: (run) => (signal) => this.#answer({ agent, model, tools, request, run, signal }),
    });
  }

  #answer(input: {
    agent: AgentDefinition;
    model: string;
    tools: Tool[];
    request: ChatRequest;
    run: Run;
    signal: AbortSignal;
  }): AsyncIterable<StreamChunk> {
    const { maxSteps, toolTimeoutMs, clientToolTimeoutMs, models, logger } = this.#options;
    try {
      const resolved = models.resolve(input.model);
      return toolLoop({
        provider: resolved.provider,
        model: resolved.model,
        instructions: input.agent.instructions,
        messages: input.request.messages,
        tools: input.tools,
        clientTools: input.request.tools ?? [],
        clientResults: input.run.clientResults,
        signal: input.signal,
        maxSteps,
        toolTimeoutMs,
        clientToolTimeoutMs,
        onToken: input.run.onToken,
        onDetail: (detail) => logger.debug({ streamId: input.run.id, detail }, "upstream detail"),
      });
    } catch (error) {
      return failed(error);
    }
  }

  /** `docs-guide` can do nothing without the docs, so it always has them. */
  #toolsOf(agent: AgentDefinition, model: string): Tool[] {
    const names = new Set(agent.tools);
    if (model === "docs-guide") names.add(SEARCH_DOCS);
    return [...names].map((name) => this.#options.tools.get(name)).filter((tool) => tool !== undefined);
  }
}

async function* failed(error: unknown): AsyncGenerator<StreamChunk, void, undefined> {
  yield errorChunk(toGatewayError(error));
}
