/** An agent's rule for one tool, put in the place of the tool's own. */
import type { ApprovalRule } from "./agent-store.ts";
import { ownSchemaCheck } from "./argument-schema.ts";
import type { Tool } from "./tool.ts";

export function withApprovalRule(tool: Tool, rule: ApprovalRule | undefined): Tool {
  if (rule === undefined) return tool;
  const needsApproval = typeof rule === "string" ? rule === "always" : asksWhen(rule.when);
  // Field by field, with `run` on the tool itself: a tool may be an instance of a class.
  const { name, description, parameters, hasForeignSchema, timeoutMs, parallel } = tool;
  return {
    name,
    description,
    parameters,
    hasForeignSchema,
    timeoutMs,
    parallel,
    needsApproval,
    run: (input, context) => tool.run(input, context),
  };
}

function asksWhen(schema: Parameters<typeof ownSchemaCheck>[0]): NonNullable<Tool["needsApproval"]> {
  const check = ownSchemaCheck(schema);
  return (input) => check(input) === undefined;
}
