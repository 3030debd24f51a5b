import { ChatError } from "../errors.ts";
import { isTerminal, type StreamChunk } from "../protocol/chunk.ts";
import { readBytes, type ByteSource } from "../sse/byte-source.ts";
import type { SseEvent } from "../sse/event.ts";
import { BodyDecoder } from "./body-decoder.ts";
import { detectFromEvent, detectFromHeaders, type HeadersLike } from "./detect.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { namedDialect } from "./named.ts";

export interface ReadChunksOptions {
  /** The wire format of the body. `"auto"` tells it from the headers or the first event that shows one. @defaultValue `"auto"` */
  dialect?: Dialect | DialectName | "auto" | undefined;
  /** The headers of the response, for `"auto"`: some formats name themselves there. Without them the body tells. */
  headers?: HeadersLike | undefined;
  /** An event that was skipped because it could not be read. */
  onReport?: ((error: ChatError) => void) | undefined;
  /** See `SseDecoderOptions.maxEventBytes`. */
  maxEventBytes?: number | undefined;
}

/**
 * A provider's body → our chunks: bytes in, `StreamChunk`s out.
 * Ends after exactly one terminal chunk. A body that stops without a sign of its end gives `error {code: "truncated"}`,
 * one that breaks gives `error {code: "network"}`, each after everything that came before, calls that were cut as incomplete.
 * It never throws for what the body holds; leaving the loop early closes the body.
 */
export async function* readChunks(body: ByteSource, options: ReadChunksOptions = {}): AsyncGenerator<StreamChunk, void, undefined> {
  for await (const batch of readChunkBatches(body, options)) yield* batch;
}

/** The same, all chunks of one piece of the body together: for a reader whom a promise per chunk costs too much. */
export async function* readChunkBatches(
  body: ByteSource,
  options: ReadChunksOptions = {},
): AsyncGenerator<readonly StreamChunk[], void, undefined> {
  let ready: StreamChunk[] = [];
  const report = options.onReport ?? (() => undefined);
  const context = { emit: (chunk: StreamChunk) => void ready.push(chunk), report };
  let { dialect, framing } = chosen(options);
  let reader = dialect?.createReader(context);
  let ending = false;
  const onEvent = (event: SseEvent): void => {
    if (!dialect) {
      const name = detectFromEvent(event.data, report);
      if (name) dialect = namedDialect(name);
    }
    // With "auto" the decoder was made before the dialect was known, and flushes for all.
    if (!dialect || (ending && !dialect.flushAtEof)) return;
    reader ??= dialect.createReader(context);
    reader.read(event);
  };
  const { maxEventBytes } = options;
  const decoder = new BodyDecoder({ framing, onEvent, maxEventBytes, flushAtEof: dialect?.flushAtEof ?? true });
  let broken: StreamChunk = { type: "error", code: "truncated", message: "The answer was cut off.", retryable: true };
  let isBroken = true;
  try {
    for await (const bytes of readBytes(body)) {
      decoder.push(bytes);
      if (ready.length === 0) continue;
      const batch = upToTerminal(ready);
      ready = [];
      yield batch;
      if (endsThere(batch)) return;
    }
    // A last line of JSON without its line end is whole; a last block of events is not, unless the dialect says so.
    ending = decoder.framing === "sse";
    isBroken = decoder.end();
  } catch (error) {
    const tooLarge = error instanceof ChatError && error.code === "event_too_large";
    broken = tooLarge
      ? { type: "error", code: "event_too_large", message: error.message, retryable: false }
      : { type: "error", code: "network", message: "The connection broke during the answer.", retryable: true };
  }
  reader?.end(isBroken);
  const last = upToTerminal(ready);
  yield endsThere(last) ? last : [...last, broken];
}

/** A dialect says nothing after its terminal chunk, but one of somebody's own may. */
function upToTerminal(chunks: StreamChunk[]): StreamChunk[] {
  const terminal = chunks.findIndex(isTerminal);
  return terminal === -1 ? chunks : chunks.slice(0, terminal + 1);
}

function endsThere(chunks: readonly StreamChunk[]): boolean {
  const last = chunks.at(-1);
  return last !== undefined && isTerminal(last);
}

function chosen({ dialect, headers }: ReadChunksOptions): { dialect?: Dialect; framing?: Dialect["framing"] } {
  if (dialect !== undefined && dialect !== "auto") {
    const given = typeof dialect === "string" ? namedDialect(dialect) : dialect;
    return { dialect: given, framing: given.framing };
  }
  const told = headers ? detectFromHeaders(headers) : {};
  return told.dialect ? { dialect: namedDialect(told.dialect), framing: told.framing } : { framing: told.framing };
}
