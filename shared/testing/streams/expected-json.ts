/** The expected result of a recording, written in its provider's words, in ours: the mapping of docs/dialects.md. */
import type { Usage } from "../../protocol/chunk.ts";
import type { Answer, AnswerCall } from "../answer.ts";

type Json = { [key: string]: unknown };

export interface ExpectedJson {
  text: string;
  reasoning?: string;
  refusal?: string;
  toolCalls: Json[];
  finishReason: string | null;
  usage?: Json | null;
  error?: unknown;
  /** The last line or part was there. */
  done?: boolean;
}

/** Calls whose provider gives no id have none here. */
export type AnswerWithoutIds = Omit<Answer, "toolCalls"> & { toolCalls: (Omit<AnswerCall, "id"> & { id?: string })[] };

const REASONS: { [reason: string]: string } = {
  end_turn: "stop",
  stop_sequence: "stop",
  STOP: "stop",
  completed: "stop",
  finish: "stop",
  RUN_FINISHED: "stop",
  max_tokens: "length",
  MAX_TOKENS: "length",
  incomplete: "length",
  tool_use: "tool_calls",
  SAFETY: "content_filter",
  abort: "cancelled: user",
};

const ERRORS: { [code: string]: string } = { insufficient_quota: "provider_rate_limited" };

export function answerExpected(expected: ExpectedJson): Answer | AnswerWithoutIds {
  const refusal = expected.refusal ?? "";
  const toolCalls = expected.toolCalls.map((call) => {
    const cut = call["arguments"] === null;
    return {
      ...(call["id"] === undefined ? {} : { id: call["id"] as string }),
      name: call["name"] as string,
      arguments: call["arguments"],
      runsOn: call["type"] === "server_tool_use" ? "provider" : "server",
      ...(cut ? { incomplete: true as const, argumentsText: call["raw"] as string } : {}),
    };
  });
  return {
    text: expected.text,
    reasoning: expected.reasoning ?? "",
    refusal,
    toolCalls,
    end: endOf(expected, refusal !== ""),
    usage: usageOf(expected.usage ?? null),
  };
}

function endOf({ error, finishReason, done, toolCalls }: ExpectedJson, isRefused: boolean): string {
  if (error !== undefined) return `error: ${ERRORS[(error as Json)["code"] as string] ?? "provider_error"}`;
  if (finishReason === null && !done) return "error: truncated";
  const told = finishReason ?? "stop";
  const reason = REASONS[told] ?? told;
  if (reason !== "stop") return reason;
  const isOurs = (call: Json): boolean => call["type"] !== "server_tool_use" && call["arguments"] !== null;
  // A call that has its result in the stream was run already.
  if (toolCalls.some((call) => isOurs(call) && !("result" in call) && !("error" in call))) return "tool_calls";
  return isRefused ? "refusal" : "stop";
}

const FIGURES: [keyof Usage, ...string[]][] = [
  ["inputTokens", "prompt_tokens", "input_tokens", "promptTokenCount", "input"],
  ["outputTokens", "completion_tokens", "output_tokens", "candidatesTokenCount", "output"],
  ["totalTokens", "total_tokens", "totalTokenCount"],
  [
    "cachedInputTokens",
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cache_read_input_tokens",
    "cachedContentTokenCount",
  ],
  [
    "reasoningTokens",
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "output_tokens_details.thinking_tokens",
    "thoughtsTokenCount",
  ],
];

function usageOf(usage: Json | null): Usage | null {
  if (!usage) return null;
  const at = (path: string): unknown => path.split(".").reduce<unknown>((value, key) => (value as Json | undefined)?.[key], usage);
  const figures = FIGURES.map(([name, ...paths]) => [name, paths.map(at).find((figure) => typeof figure === "number")] as const);
  return Object.fromEntries(figures.filter(([, figure]) => figure !== undefined));
}
