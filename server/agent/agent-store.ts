/**
 * Where agents are kept.
 *
 * Contract: `get` of an unknown id is `undefined`; `create` never overwrites; what is returned is a copy the caller may keep.
 */

export interface AgentDefinition {
  id: string;
  name: string;
  /** What the agent is told before the conversation. */
  instructions: string;
  /** `anthropic/…`, `openai/…` or `docs-guide`; without one the gateway's own model. */
  model?: string;
  /** Names of tools of the gateway this agent may use. */
  tools: string[];
}

export type AgentChanges = Partial<Omit<AgentDefinition, "id">>;

export interface AgentStore {
  list(): Promise<AgentDefinition[]>;
  get(id: string): Promise<AgentDefinition | undefined>;
  create(agent: AgentDefinition): Promise<AgentDefinition>;
  /** `undefined` when there is no such agent. */
  update(id: string, changes: AgentChanges): Promise<AgentDefinition | undefined>;
  /** Whether there was one. */
  delete(id: string): Promise<boolean>;
}

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
    if (this.#agents.has(agent.id)) return Promise.reject(new Error(`agent ${agent.id} exists`));
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
