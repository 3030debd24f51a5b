/** A body of bytes, as `fetch`, Node streams and tests give it. */

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

export type ByteSource = AsyncIterable<Uint8Array> | { getReader(): ByteReader };

/**
 * Iterates any of them. Leaving the loop early cancels the body, so that the connection closes.
 * Safari has no `ReadableStream[Symbol.asyncIterator]`; the reader works everywhere.
 */
export async function* readBytes(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (!("getReader" in source)) {
    yield* source;
    return;
  }
  const reader = source.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        finished = true;
        return;
      }
      if (value) yield value;
    }
  } finally {
    if (!finished) void reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}
