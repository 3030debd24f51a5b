import { REQUEST_LIMITS, type RequestImage, type RequestMessage } from "../protocol/request.ts";
import { messageText, type ChatMessage, type ContextPart } from "./message.ts";

/** Bytes of JSON sent along at most: three quarters of the gateway's limit for the body, the rest is for tools. */
const MAX_BYTES = REQUEST_LIMITS.bodyBytes * 0.75;

/** What is sent along with a person's words. What `gather` throws is reported, and nothing is sent along. */
export interface ContextSource {
  /** Asked at each `send`, before the request goes out. */
  gather: () => Promise<readonly ContextPart[]>;
  /** The words with what goes along, as the model reads them. */
  quote: (words: string, along: readonly ContextPart[]) => string;
  images: (along: readonly ContextPart[]) => RequestImage[];
}

/**
 * The conversation as the model gets it: the words of both sides, newest kept when it grows too long.
 * An answer that was stopped or cut goes along as far as it came; one without a word is left out.
 * What a person sent along stands in front of their words; with an older question that would be too long, the words go alone.
 * What is kept of a long conversation begins with a question, as providers want it.
 */
export function requestMessages(messages: readonly ChatMessage[], context?: ContextSource): RequestMessage[] {
  const result: RequestMessage[] = [];
  const encoder = new TextEncoder();
  let bytes = 0;
  let isWhole = true;
  const size = (message: RequestMessage): number => encoder.encode(JSON.stringify(message)).length + 1;
  for (const message of messages.toReversed()) {
    const { role } = message;
    const text = messageText(message);
    const along = message.parts.filter((part): part is ContextPart => part.type === "context");
    if (text === "" && !along.length) continue;
    const whole = context?.quote(text, along) ?? text;
    // With the newest question only: a picture is as large as many questions.
    const images = (result.length === 0 && context?.images(along)) || [];
    // The newest is the person's own: if it is too long, the gateway says so. An old answer must not block every later question.
    const fits = whole.length <= REQUEST_LIMITS.contentChars && bytes + size({ role, content: whole }) <= MAX_BYTES;
    const content = result.length === 0 || fits ? whole : text.slice(0, REQUEST_LIMITS.contentChars);
    const request: RequestMessage = { role, content, ...(images.length > 0 ? { images } : {}) };
    bytes += size(request);
    isWhole = result.length === 0 || (bytes <= MAX_BYTES && result.length < REQUEST_LIMITS.messages);
    if (!isWhole) break;
    result.push(request);
  }
  result.reverse();
  if (!isWhole) while (result.length > 1 && result[0]!.role === "assistant") result.shift();
  return result;
}
