import { ChatError } from "../errors.ts";
import { isTerminal, type StreamChunk } from "../protocol/chunk.ts";
import { readBytes, type ByteSource } from "../sse/byte-source.ts";
import { SseDecoder } from "../sse/decoder.ts";
import type { SseEvent } from "../sse/event.ts";
import { anthropicDialect } from "./anthropic.ts";
import { chanlDialect } from "./chanl.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { openaiChatDialect } from "./openai-chat.ts";

const DIALECTS: Record<DialectName, Dialect> = {
  chanl: chanlDialect,
  "openai-chat": openaiChatDialect,
  anthropic: anthropicDialect,
};

export interface ReadChunksOptions {
  /** The wire format of the body. `"auto"` tells it from the first event. @defaultValue `"auto"` */
  dialect?: Dialect | DialectName | "auto" | undefined;
  /** An event that was skipped because it could not be read. */
  onReport?: ((error: ChatError) => void) | undefined;
  /** See `SseDecoderOptions.maxEventBytes`. */
  maxEventBytes?: number | undefined;
}

/**
 * A provider's body → our chunks: bytes in, `StreamChunk`s out.
 * Ends after exactly one terminal chunk. A body that stops without a sign of its end gives `error {code: "truncated"}`,
 * one that breaks gives `error {code: "network"}`, each after everything that came before. It never throws for what the
 * body holds; leaving the loop early closes the body.
 */
export async function* readChunks(body: ByteSource, options: ReadChunksOptions = {}): AsyncGenerator<StreamChunk, void, undefined> {
  let ready: StreamChunk[] = [];
  const report = options.onReport ?? (() => undefined);
  const context = { emit: (chunk: StreamChunk) => void ready.push(chunk), report };
  let dialect = options.dialect === undefined || options.dialect === "auto" ? undefined : named(options.dialect);
  let reader = dialect?.createReader(context);
  const onEvent = (event: SseEvent): void => {
    dialect ??= detect(event);
    reader ??= dialect.createReader(context);
    reader.read(event);
  };
  // With "auto" the dialect is not known yet; a flushed block that is none of ours is reported, not shown.
  const decoder = new SseDecoder({ onEvent, maxEventBytes: options.maxEventBytes, flushAtEof: dialect?.flushAtEof ?? true });
  try {
    for await (const bytes of readBytes(body)) {
      decoder.push(bytes);
      if (ready.length === 0) continue;
      const batch = ready;
      ready = [];
      for (const chunk of batch) {
        yield chunk;
        if (isTerminal(chunk)) return;
      }
    }
    decoder.end();
    reader?.end();
  } catch (error) {
    yield* ready;
    const tooLarge = error instanceof ChatError && error.code === "event_too_large";
    yield tooLarge
      ? { type: "error", code: "event_too_large", message: error.message, retryable: false }
      : { type: "error", code: "network", message: "The connection broke during the answer.", retryable: true };
    return;
  }
  for (const chunk of ready) {
    yield chunk;
    if (isTerminal(chunk)) return;
  }
  yield { type: "error", code: "truncated", message: "The answer was cut off.", retryable: true };
}

function named(dialect: Dialect | DialectName): Dialect {
  if (typeof dialect !== "string") return dialect;
  const known = Object.hasOwn(DIALECTS, dialect) ? DIALECTS[dialect] : undefined;
  if (!known) throw new TypeError(`readChunks: unknown dialect "${dialect}". Known: ${Object.keys(DIALECTS).join(", ")}, auto`);
  return known;
}

/** Each format shows itself in its first event: our `seq`, Anthropic's event names, OpenAI's `choices`. */
function detect(event: SseEvent): Dialect {
  if (event.type !== "message") return anthropicDialect;
  return /"seq"\s*:\s*\d|"type"\s*:\s*"start"/.test(event.data) ? chanlDialect : openaiChatDialect;
}
