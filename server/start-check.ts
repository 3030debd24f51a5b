/** What an operator should hear at the start instead of in the first answer: names that lead nowhere, programs that do not start, keys that are refused. */
import type { AgentDefinition } from "./agent/agent-store.ts";
import type { Gateway } from "./gateway.ts";

/** Agents of the configuration that name something there is not: one sentence each. */
export function checkNames(
  agents: readonly AgentDefinition[],
  { tools, mcpServers, models }: Pick<Gateway, "tools" | "mcpServers" | "models">,
): string[] {
  const problems: string[] = [];
  for (const { id, model, fallbackModel, tools: named, mcpServers: servers = [] } of agents) {
    for (const name of named)
      if (!tools.has(name)) problems.push(`agent ${id}: there is no tool ${name}; known are ${[...tools.keys()].join(", ")}`);
    for (const server of servers) {
      if (typeof server === "string" && !mcpServers.names.includes(server)) problems.push(`agent ${id}: there is no MCP server ${server}`);
    }
    for (const name of [model, fallbackModel]) {
      const problem = name === undefined ? undefined : problemOf(() => models.resolve(name));
      if (problem !== undefined) problems.push(`agent ${id}: model ${name}: ${problem}`);
    }
  }
  return problems;
}

/**
 * Asks MCP servers and providers, each for a few seconds at most: about the model of agents that name none, and about those the
 * agents name. One sentence per problem, never a key's value. Never rejects.
 */
export async function checkOutside(
  { mcpServers, models }: Pick<Gateway, "mcpServers" | "models">,
  agents: readonly AgentDefinition[],
): Promise<string[]> {
  const named = agents.flatMap(({ model, fallbackModel }) => [model, fallbackModel]).filter((name) => name !== undefined);
  // That a model's key is not set is told with its agent's name.
  const known = named.filter((name) => problemOf(() => models.resolve(name)) === undefined);
  const [{ missing }, ...answers] = await Promise.all([
    mcpServers.toolsOf(mcpServers.names),
    ...[...new Set([models.defaultModel, ...known])].map((name) => models.check(name)),
  ]);
  const problems = [...missing.map(({ why }) => why), ...answers.filter((answer) => answer !== undefined)];
  // One key serves several models.
  return [...new Set(problems)];
}

function problemOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
