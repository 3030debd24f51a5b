/**
 * Requests whose answers end when they grow beyond what any message may be: the MCP SDK keeps a whole one in memory, and whoever runs
 * the server decides how long it is.
 */
import type { OutboundFetch } from "../outbound.ts";

/** Longest message, in bytes: of an event stream each event, of any other answer all of it. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export function boundedFetch(outbound: OutboundFetch, maxBytes = MAX_MESSAGE_BYTES): OutboundFetch {
  return async (input, init) => {
    const response = await outbound(input, init);
    if (!response.body) return response;
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    const count = isStream ? countEvent() : countAll();
    const limit = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        if (count(bytes) > maxBytes) controller.error(new Error(`a message is larger than ${maxBytes} bytes`));
        else controller.enqueue(bytes);
      },
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(limit), { status, statusText, headers });
  };
}

function countAll(): (bytes: Uint8Array) => number {
  let sum = 0;
  return (bytes) => (sum += bytes.length);
}

/** Bytes since the last blank line. Looks at line ends only, so that a long line costs one search. */
function countEvent(): (bytes: Uint8Array) => number {
  let sinceBlank = 0;
  /** Of the line that is not over yet. */
  let lineLength = 0;
  let lastByte = 0;
  return (bytes) => {
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      lineLength += end - start;
      const beforeEnd = end > 0 ? bytes[end - 1] : lastByte;
      const isBlank = lineLength === 0 || (lineLength === 1 && beforeEnd === 13);
      sinceBlank = isBlank ? 0 : sinceBlank + end + 1 - start;
      lineLength = 0;
      start = end + 1;
    }
    lineLength += bytes.length - start;
    sinceBlank += bytes.length - start;
    lastByte = bytes.at(-1) ?? lastByte;
    return sinceBlank;
  };
}
