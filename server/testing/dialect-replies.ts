/** One model turn in each provider's own form: calls side by side, or a text. For tests that are the same whatever the provider. */
import type { JsonObject } from "../../shared/protocol/chunk.ts";
import type { ReplayCall } from "./replay-provider.ts";

/** `compatible` is Chat Completions as Ollama and its like speak it: calls whole, all at index 0, a plain stop after them, usage at the end. */
export type ProviderDialect = "openai" | "openai-responses" | "anthropic" | "gemini" | "compatible";

export interface PlayedCall {
  id: string;
  name: string;
  arguments: JsonObject;
}

const data = (body: object): string => `data: ${JSON.stringify(body)}\n\n`;

/** Which provider a request was meant for, by its path; a compatible server by its model. */
export function dialectOf({ path, body }: ReplayCall): ProviderDialect {
  if (path.endsWith("/chat/completions")) return (body as { model: string }).model.startsWith("llama") ? "compatible" : "openai";
  if (path.endsWith("/responses")) return "openai-responses";
  return path.endsWith("/messages") ? "anthropic" : "gemini";
}

/** Names of the tools whose results a request brings back, in order, in whatever form: each dialect's own words for a result. */
export function resultsIn(call: ReplayCall): number {
  const text = JSON.stringify(call.body);
  const sign = {
    openai: '"role":"tool"',
    compatible: '"role":"tool"',
    "openai-responses": '"function_call_output"',
    anthropic: '"tool_result"',
    gemini: '"functionResponse"',
  };
  return text.split(sign[dialectOf(call)]).length - 1;
}

export function callsTurn(dialect: ProviderDialect, calls: readonly PlayedCall[]): string[] {
  switch (dialect) {
    case "openai": {
      const choice = (delta: object, finish_reason: string | null = null): string =>
        data({ choices: [{ index: 0, delta, finish_reason }] });
      return [
        choice({ role: "assistant", content: null }),
        ...calls.flatMap(({ id, name, arguments: args }, index) => [
          choice({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
          ...halves(args).map((half) => choice({ tool_calls: [{ index, function: { arguments: half } }] })),
        ]),
        choice({}, "tool_calls"),
        "data: [DONE]\n\n",
      ];
    }
    case "compatible":
      return [
        ...calls.map(({ id, name, arguments: args }) =>
          compatible({ tool_calls: [{ id, index: 0, type: "function", function: { name, arguments: JSON.stringify(args) } }] }),
        ),
        compatible({}, "stop"),
        ...compatibleEnd,
      ];
    case "openai-responses":
      return [
        ...calls.flatMap(({ id, name, arguments: args }, output_index) => {
          const item = { type: "function_call", id: `fc_${id}`, call_id: id, name };
          const key = { output_index, item_id: `fc_${id}` };
          return [
            data({ type: "response.output_item.added", output_index, item: { ...item, arguments: "" } }),
            ...halves(args).map((delta) => data({ type: "response.function_call_arguments.delta", ...key, delta })),
            data({ type: "response.function_call_arguments.done", ...key, arguments: JSON.stringify(args) }),
            data({
              type: "response.output_item.done",
              output_index,
              item: { ...item, arguments: JSON.stringify(args), status: "completed" },
            }),
          ];
        }),
        data({ type: "response.completed", response: { status: "completed", usage: { input_tokens: 9, output_tokens: 9 } } }),
      ];
    case "anthropic":
      return [
        data({ type: "message_start", message: { usage: { input_tokens: 9 } } }),
        ...calls.flatMap(({ id, name, arguments: args }, index) => [
          data({ type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } }),
          ...halves(args).map((partial_json) =>
            data({ type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json } }),
          ),
          data({ type: "content_block_stop", index }),
        ]),
        data({ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } }),
        data({ type: "message_stop" }),
      ];
    case "gemini":
      return [
        data({
          candidates: [
            {
              content: {
                role: "model",
                parts: calls.map(({ name, arguments: args }) => ({ functionCall: { name, args }, thoughtSignature: "c2ln" })),
              },
              finishReason: "STOP",
            },
          ],
        }),
      ];
  }
}

export function textTurn(dialect: ProviderDialect, tokens: readonly string[]): string[] {
  switch (dialect) {
    case "openai":
      return [
        ...tokens.map((content) => data({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })),
        data({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
        "data: [DONE]\n\n",
      ];
    case "compatible":
      return [...tokens.map((content) => compatible({ content })), compatible({}, "stop"), ...compatibleEnd];
    case "openai-responses":
      return [
        ...tokens.map((delta) => data({ type: "response.output_text.delta", output_index: 0, content_index: 0, item_id: "m", delta })),
        data({ type: "response.completed", response: { status: "completed" } }),
      ];
    case "anthropic":
      return [
        data({ type: "message_start", message: {} }),
        data({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
        ...tokens.map((text) => data({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
        data({ type: "content_block_stop", index: 0 }),
        data({ type: "message_delta", delta: { stop_reason: "end_turn" } }),
        data({ type: "message_stop" }),
      ];
    case "gemini":
      return tokens.map((text, at) =>
        data({ candidates: [{ content: { parts: [{ text }] }, ...(at === tokens.length - 1 ? { finishReason: "STOP" } : {}) }] }),
      );
  }
}

const compatible = (delta: object, finish_reason: string | null = null): string =>
  data({ model: "llama3.2", choices: [{ index: 0, delta: { role: "assistant", content: "", ...delta }, finish_reason }] });
const compatibleEnd = [data({ model: "llama3.2", choices: [], usage: { prompt_tokens: 9, completion_tokens: 9 } }), "data: [DONE]\n\n"];

/** Long arguments come in two pieces. */
function halves(args: JsonObject): string[] {
  const json = JSON.stringify(args);
  if (json.length < 15) return [json];
  const middle = json.length >> 1;
  return [json.slice(0, middle), json.slice(middle)];
}
