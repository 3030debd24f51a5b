/**
 * Where agents are kept.
 *
 * Contract (held by `agent-store.test.ts` against every implementation): `get` of an unknown id is `undefined`; `create` never
 * overwrites; what is returned is a copy the caller may keep; what resolved is kept.
 */
import type { JsonObject } from "../../shared/protocol/chunk.ts";
import { GatewayError } from "../errors.ts";
import type { ReasoningEffort } from "../providers/provider.ts";
import type { McpServerAddress } from "./mcp-tools.ts";

/** When a person has to approve a tool's call: always, never, or when the arguments fit a JSON Schema. */
export type ApprovalRule = "always" | "never" | { when: JsonObject };

export interface AgentLimits {
  /** Most model turns of one answer. @defaultValue `MAX_STEPS` */
  maxSteps?: number | undefined;
  /** Most output tokens of one model turn. @defaultValue the provider's own */
  maxOutputTokens?: number | undefined;
  /** Longest run of a tool, in ms. @defaultValue `TOOL_TIMEOUT_MS` */
  toolTimeoutMs?: number | undefined;
}

export interface AgentDefinition {
  id: string;
  name: string;
  /** What the agent is told before the conversation. */
  instructions: string;
  /** `anthropic/…`, `openai/…`, `openai-responses/…`, `gemini/…` or `docs-guide`; without one the gateway's own model. */
  model?: string | undefined;
  /** Asked when `model` fails before its first token. */
  fallbackModel?: string | undefined;
  /** How much a model that can think is to think. @defaultValue the provider's own */
  reasoning?: ReasoningEffort | undefined;
  /** Names of tools of the gateway this agent may use. */
  tools: string[];
  /** MCP servers this agent may use: names of the configuration, or public addresses of its own. */
  mcpServers?: (string | McpServerAddress)[] | undefined;
  /** By the tool's name; it goes before what the tool itself says. */
  needsApproval?: Record<string, ApprovalRule> | undefined;
  limits?: AgentLimits | undefined;
}

export type AgentChanges = Partial<Omit<AgentDefinition, "id">>;

export interface AgentStore {
  list(): Promise<AgentDefinition[]>;
  get(id: string): Promise<AgentDefinition | undefined>;
  /** @throws GatewayError `conflict` when there is one with this id. */
  create(agent: AgentDefinition): Promise<AgentDefinition>;
  /** A field that is there and `undefined` is taken away. Resolves with `undefined` when there is no such agent. */
  update(id: string, changes: AgentChanges): Promise<AgentDefinition | undefined>;
  /** Whether there was one. */
  delete(id: string): Promise<boolean>;
}

export const agentExists = (): GatewayError =>
  new GatewayError("conflict", { field: "id", message: "id: there already is an agent with this id." });

/** Keeps agents as long as the process lives. */
export class MemoryAgentStore implements AgentStore {
  readonly #agents = new Map<string, AgentDefinition>();

  constructor(agents: readonly AgentDefinition[] = []) {
    for (const agent of agents) this.#agents.set(agent.id, structuredClone(agent));
  }

  list(): Promise<AgentDefinition[]> {
    return Promise.resolve(structuredClone([...this.#agents.values()]));
  }

  get(id: string): Promise<AgentDefinition | undefined> {
    return Promise.resolve(structuredClone(this.#agents.get(id)));
  }

  create(agent: AgentDefinition): Promise<AgentDefinition> {
    if (this.#agents.has(agent.id)) return Promise.reject(agentExists());
    this.#agents.set(agent.id, structuredClone(agent));
    return Promise.resolve(structuredClone(agent));
  }

  update(id: string, changes: AgentChanges): Promise<AgentDefinition | undefined> {
    const agent = this.#agents.get(id);
    if (!agent) return Promise.resolve(undefined);
    const next = { ...agent, ...structuredClone(changes) };
    this.#agents.set(id, next);
    return Promise.resolve(structuredClone(next));
  }

  delete(id: string): Promise<boolean> {
    return Promise.resolve(this.#agents.delete(id));
  }
}

/** Agents that are given and stay as they are, before those of a store. */
export class LayeredAgentStore implements AgentStore {
  readonly #fixed: MemoryAgentStore;
  readonly #rest: AgentStore;

  constructor(fixed: readonly AgentDefinition[], rest: AgentStore) {
    this.#fixed = new MemoryAgentStore(fixed);
    this.#rest = rest;
  }

  async list(): Promise<AgentDefinition[]> {
    const fixed = await this.#fixed.list();
    const ids = new Set(fixed.map(({ id }) => id));
    return [...fixed, ...(await this.#rest.list()).filter(({ id }) => !ids.has(id))];
  }

  async get(id: string): Promise<AgentDefinition | undefined> {
    return (await this.#fixed.get(id)) ?? this.#rest.get(id);
  }

  create(agent: AgentDefinition): Promise<AgentDefinition> {
    return this.#rest.create(agent);
  }

  update(id: string, changes: AgentChanges): Promise<AgentDefinition | undefined> {
    return this.#rest.update(id, changes);
  }

  delete(id: string): Promise<boolean> {
    return this.#rest.delete(id);
  }
}
