import { readBytes, type ByteSource } from "./byte-source.ts";
import { SseDecoder, type SseDecoderOptions } from "./decoder.ts";
import type { SseEvent } from "./event.ts";

/**
 * The events of a body, one by one. Reads ahead by at most one chunk, so a slow consumer slows the sender.
 * @throws ChatError `event_too_large`, and whatever the body throws when it breaks, each after the events before it.
 */
export async function* readSseEvents(
  body: ByteSource,
  options: Omit<SseDecoderOptions, "onEvent"> = {},
): AsyncGenerator<SseEvent, void, undefined> {
  let ready: SseEvent[] = [];
  const decoder = new SseDecoder({ ...options, onEvent: (event) => ready.push(event) });
  for await (const bytes of readBytes(body)) {
    try {
      decoder.push(bytes);
    } catch (error) {
      yield* ready;
      throw error;
    }
    if (ready.length === 0) continue;
    const batch = ready;
    ready = [];
    yield* batch;
  }
  decoder.end();
  yield* ready;
}
