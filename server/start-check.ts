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

/** Asks MCP servers and providers, each for a few seconds at most. One sentence per problem, never a key's value. Never rejects. */
export async function checkOutside(
  { mcpServers, models }: Pick<Gateway, "mcpServers" | "models">,
  modelNames: readonly string[],
): Promise<string[]> {
  const { missing } = await mcpServers.toolsOf(mcpServers.names);
  const answers = await Promise.all([...new Set(modelNames)].map((name) => models.check(name)));
  return [...missing.map(({ why }) => why), ...answers.filter((answer) => answer !== undefined)];
}

function problemOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
