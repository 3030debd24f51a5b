import { ChatError } from "../errors.ts";
import { isTerminal, type StreamChunk } from "../protocol/chunk.ts";
import { readBytes, type ByteSource } from "../sse/byte-source.ts";
import { SseDecoder } from "../sse/decoder.ts";
import type { SseEvent } from "../sse/event.ts";
import { anthropicDialect } from "./anthropic.ts";
import { chanlDialect } from "./chanl.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { openaiChatDialect } from "./openai-chat.ts";
import { payload } from "./payload.ts";

const DIALECTS: Record<DialectName, Dialect> = {
  chanl: chanlDialect,
  "openai-chat": openaiChatDialect,
  anthropic: anthropicDialect,
};

export interface ReadChunksOptions {
  /** The wire format of the body. `"auto"` tells it from the first event that shows one. @defaultValue `"auto"` */
  dialect?: Dialect | DialectName | "auto" | undefined;
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
  let ready: StreamChunk[] = [];
  const report = options.onReport ?? (() => undefined);
  const context = { emit: (chunk: StreamChunk) => void ready.push(chunk), report };
  let dialect = options.dialect === undefined || options.dialect === "auto" ? undefined : named(options.dialect);
  let reader = dialect?.createReader(context);
  let ending = false;
  const onEvent = (event: SseEvent): void => {
    dialect ??= detect(event, report);
    // With "auto" the decoder was made before the dialect was known, and flushes for all.
    if (!dialect || (ending && !dialect.flushAtEof)) return;
    reader ??= dialect.createReader(context);
    reader.read(event);
  };
  const decoder = new SseDecoder({ onEvent, maxEventBytes: options.maxEventBytes, flushAtEof: dialect?.flushAtEof ?? true });
  let broken: StreamChunk = { type: "error", code: "truncated", message: "The answer was cut off.", retryable: true };
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
    ending = true;
    decoder.end();
  } catch (error) {
    const tooLarge = error instanceof ChatError && error.code === "event_too_large";
    broken = tooLarge
      ? { type: "error", code: "event_too_large", message: error.message, retryable: false }
      : { type: "error", code: "network", message: "The connection broke during the answer.", retryable: true };
  }
  reader?.end();
  for (const chunk of ready) {
    yield chunk;
    if (isTerminal(chunk)) return;
  }
  yield broken;
}

function named(dialect: Dialect | DialectName): Dialect {
  if (typeof dialect !== "string") return dialect;
  const known = Object.hasOwn(DIALECTS, dialect) ? DIALECTS[dialect] : undefined;
  if (!known) throw new TypeError(`readChunks: unknown dialect "${dialect}". Known: ${Object.keys(DIALECTS).join(", ")}, auto`);
  return known;
}

/**
 * Each format shows itself: our `seq`, Anthropic's types, OpenAI's `choices`. Payloads and not event names tell, because
 * proxies drop the names. An event that shows none is passed over.
 */
function detect({ data }: SseEvent, report: (error: ChatError) => void): Dialect | undefined {
  if (data.trim() === "[DONE]") return openaiChatDialect;
  const body = payload(data, report);
  if (!body) return undefined;
  const type = typeof body["type"] === "string" ? body["type"] : "";
  if (typeof body["seq"] === "number" || type === "start") return chanlDialect;
  if (/^(message|content_block)_|^(ping|error)$/.test(type)) return anthropicDialect;
  return "choices" in body || "error" in body ? openaiChatDialect : undefined;
}
