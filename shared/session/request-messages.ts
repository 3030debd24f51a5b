import { REQUEST_LIMITS, type RequestMessage } from "../protocol/request.ts";
import { messageText, type ChatMessage } from "./message.ts";

/** Bytes of JSON sent along at most: three quarters of the gateway's limit for the body, the rest is for tools. */
const MAX_BYTES = REQUEST_LIMITS.bodyBytes * 0.75;

/**
 * The conversation as the model gets it: the words of both sides, newest kept when it grows too long.
 * An answer that was stopped or cut goes along as far as it came; one without a word is left out.
 * What is kept of a long conversation begins with a question, as providers want it.
 */
export function requestMessages(messages: readonly ChatMessage[]): RequestMessage[] {
  const result: RequestMessage[] = [];
  const encoder = new TextEncoder();
  let bytes = 0;
  let isWhole = true;
  for (const { role, text } of messages.map((message) => ({ role: message.role, text: messageText(message) })).toReversed()) {
    if (text === "") continue;
    // The newest is the person's own: if it is too long, the gateway says so. An old answer must not block every later question.
    const content = result.length === 0 ? text : text.slice(0, REQUEST_LIMITS.contentChars);
    bytes += encoder.encode(JSON.stringify({ role, content })).length + 1;
    isWhole = result.length === 0 || (bytes <= MAX_BYTES && result.length < REQUEST_LIMITS.messages);
    if (!isWhole) break;
    result.push({ role, content });
  }
  result.reverse();
  if (!isWhole) while (result.length > 1 && result[0]!.role === "assistant") result.shift();
  return result;
}
