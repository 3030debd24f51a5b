/** What a list of chunks says, in the shape the expected results are written in. */
import { isTerminal, type StreamChunk, type Usage } from "../protocol/chunk.ts";

export interface AnswerCall {
  id: string;
  name: string;
  arguments: unknown;
  runsOn: string;
  argumentsText?: string;
  incomplete?: true;
  invalid?: true;
}

export interface Answer {
  text: string;
  reasoning: string;
  refusal: string;
  toolCalls: AnswerCall[];
  /** The finish reason, or the code of the error that ended it, or `none`. */
  end: string;
  usage: Usage | null;
}

export function answerOf(chunks: readonly StreamChunk[]): Answer {
  const answer: Answer = { text: "", reasoning: "", refusal: "", toolCalls: [], end: "none", usage: null };
  for (const chunk of chunks) {
    if (chunk.type === "token" && chunk.refusal) answer.refusal += chunk.content;
    else if (chunk.type === "token") answer.text += chunk.content;
    else if (chunk.type === "reasoning") answer.reasoning += chunk.content;
    else if (chunk.type === "tool_call") {
      const { type: _, index: __, ...call } = chunk;
      delete (call as { seq?: number }).seq;
      answer.toolCalls.push(call);
    } else if (chunk.type === "done") {
      answer.end = chunk.reason;
      answer.usage = chunk.usage ?? null;
    } else if (chunk.type === "error") answer.end = `error: ${chunk.code}`;
    else if (chunk.type === "cancelled") answer.end = `cancelled: ${chunk.reason}`;
  }
  return answer;
}

/**
 * The rules every list of chunks keeps, whatever it says.
 * @param isCut whether the list may stop inside a call, as a gateway's own stream does when it is cut
 */
export function brokenRules(chunks: readonly StreamChunk[], isCut = false): string[] {
  const broken: string[] = [];
  const ends = chunks.filter(isTerminal).length;
  if (ends !== 1) broken.push(`${ends} terminal chunks`);
  if (chunks.length > 0 && !isTerminal(chunks.at(-1)!)) broken.push("the last chunk is not the terminal one");
  const calls = chunks.filter((chunk) => chunk.type === "tool_call");
  if (new Set(calls.map((call) => call.id)).size !== calls.length) broken.push("a call was completed twice");
  for (const call of calls) {
    if (call.id === "") broken.push("a call has no id");
    if ((call.incomplete ?? call.invalid ?? false) !== (call.arguments === null)) broken.push(`the call ${call.id} has wrong arguments`);
  }
  const begun = new Set(chunks.filter((chunk) => chunk.type === "tool_call_delta").map((delta) => delta.index));
  for (const index of isCut ? [] : begun)
    if (!calls.some((call) => call.index === index)) broken.push(`the call at ${index} was never completed`);
  return broken;
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
