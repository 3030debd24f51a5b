import { REQUEST_LIMITS, type RequestMessage } from "../protocol/request.ts";
import { messageText, type ChatMessage } from "./message.ts";

/** Text sent along at most, in UTF-16 units: half of the gateway's body limit, which counts bytes of JSON. */
const MAX_CHARS = REQUEST_LIMITS.bodyBytes / 2;

/**
 * The conversation as the model gets it: the words of both sides, newest kept when it grows too long.
 * An answer that was stopped or cut goes along as far as it came; one without a word is left out.
 */
export function requestMessages(messages: readonly ChatMessage[]): RequestMessage[] {
  const result: RequestMessage[] = [];
  let chars = 0;
  for (let at = messages.length - 1; at >= 0 && result.length < REQUEST_LIMITS.messages; at--) {
    const message = messages[at]!;
    const content = messageText(message);
    if (content === "") continue;
    chars += content.length;
    if (result.length > 0 && chars > MAX_CHARS) break;
    result.unshift({ role: message.role, content });
  }
  return result;
}
