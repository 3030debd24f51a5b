/**
 * A call the model made, checked before it is told: who runs it, whether it may run, whether a person has to approve it.
 * A call that does not pass is answered to the model with `fault` and never runs.
 */
import type { JsonValue, ToolCallChunk } from "../../shared/protocol/chunk.ts";
import type { ApprovalRequest, ClientToolDefinition, ToolResultRequest } from "../../shared/protocol/request.ts";
import { foreignSchemaCheck, ownSchemaCheck, type ArgumentCheck } from "./argument-schema.ts";
import type { Tool } from "./tool.ts";

/** Longest arguments and longest result, in characters of JSON. */
export const MAX_ARGUMENTS_CHARS = 65_536;

export interface OpenCall {
  /** As it is told to the client. */
  chunk: ToolCallChunk;
  /** What the model wrote, parsed. */
  input: JsonValue;
  /** Why it does not run, as a sentence for the model and the person. */
  fault: string | undefined;
  /** Missing for a tool that runs in the client. */
  tool: Tool | undefined;
  check: ArgumentCheck;
  /** What a person said, where one is asked. */
  approval: Promise<ApprovalRequest> | undefined;
  /** What the client answers, once it may run the call. */
  clientAnswer: Promise<ToolResultRequest> | undefined;
}

export interface KnownTools {
  tools: readonly Tool[];
  clientTools: readonly ClientToolDefinition[];
}

export function openCall(call: ToolCallChunk, { tools, clientTools }: KnownTools): OpenCall {
  const tool = tools.find(({ name }) => name === call.name);
  const clientTool = tool ? undefined : clientTools.find(({ name }) => name === call.name);
  const chunk: ToolCallChunk = { ...call, runsOn: call.runsOn === "provider" ? "provider" : clientTool ? "client" : "server" };
  const check = checkOf(tool ?? clientTool, tool !== undefined && !tool.hasForeignSchema);
  const open: OpenCall = {
    chunk,
    input: call.arguments,
    fault: undefined,
    tool,
    check,
    approval: undefined,
    clientAnswer: undefined,
  };
  if (chunk.runsOn === "provider") return open;
  if (call.incomplete) open.fault = "The arguments were cut off, so the call was not run.";
  else if (call.invalid) open.fault = "The arguments were not valid JSON, so the call was not run.";
  else if (!tool && !clientTool) open.fault = `There is no tool named ${call.name.slice(0, 100)}.`;
  else if (JSON.stringify(call.arguments).length > MAX_ARGUMENTS_CHARS)
    return refused(open, "The arguments are larger than 64 KB, so the call was not run.");
  else if (holdsDangerousKey(call.arguments))
    return refused(open, "The arguments hold a key named __proto__, constructor or prototype, so the call was not run.");
  else {
    const complaint = check(call.arguments);
    if (complaint !== undefined) return refused(open, `The arguments do not fit the tool: ${complaint}. The call was not run.`);
    if (clientTool ? clientTool.needsApproval === true : tool !== undefined && isApprovalNeeded(tool, call.arguments))
      chunk.needsApproval = true;
  }
  return open;
}

/** Parsed, and still not to be run: the client gets the text, and no value that a handler could act on. */
function refused(open: OpenCall, fault: string): OpenCall {
  const argumentsText = (open.chunk.argumentsText ?? JSON.stringify(open.input)).slice(0, MAX_ARGUMENTS_CHARS);
  return { ...open, fault, chunk: { ...open.chunk, arguments: null, argumentsText, invalid: true } };
}

function checkOf(definition: Tool | ClientToolDefinition | undefined, isOwn: boolean): ArgumentCheck {
  if (!definition) return () => undefined;
  return isOwn ? ownSchemaCheck(definition.parameters) : foreignSchemaCheck(definition.parameters);
}

function isApprovalNeeded({ needsApproval }: Tool, input: JsonValue): boolean {
  if (typeof needsApproval !== "function") return needsApproval === true;
  try {
    return needsApproval(input);
  } catch {
    return true;
  }
}

/** Keys that become a weapon wherever an object is merged later. */
export function holdsDangerousKey(value: JsonValue): boolean {
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (key === "__proto__" || key === "constructor" || key === "prototype") return true;
      if (typeof inner === "object" && inner !== null) open.push(inner);
    }
  }
  return false;
}
