/** A transport whose code comes beside the element's: most chats travel over fetch, and pay nothing for the others. */
import { ChatError } from "../../shared/errors.ts";
import type { ChatTransport, TransportChunk } from "../../shared/transport/transport.ts";

const MISSING = "A part of the chat could not be loaded.";

/** @param load asked at once, and again by the next use after it has failed */
export function lazyTransport(name: ChatTransport["name"], load: () => Promise<ChatTransport>): ChatTransport {
  let loaded: Promise<ChatTransport> | undefined;
  const get = (): Promise<ChatTransport> => {
    if (!loaded) {
      loaded = load().catch((cause: unknown) => {
        loaded = undefined;
        throw new ChatError("network", MISSING, { retryable: true, cause });
      });
    }
    return loaded;
  };
  async function* through(
    open: (transport: ChatTransport) => AsyncIterable<TransportChunk>,
  ): AsyncGenerator<TransportChunk, void, undefined> {
    const transport = await get().catch(() => null);
    if (transport) yield* open(transport);
    else yield { type: "error", code: "network", message: MISSING, retryable: true };
  }
  // Whoever asks hears that it failed.
  get().catch(() => undefined);
  return {
    name,
    send: (request, follow) => through((transport) => transport.send(request, follow)),
    resume: (streamId, lastSeq, follow) => through((transport) => transport.resume(streamId, lastSeq, follow)),
    cancel: async (streamId) => (await get()).cancel(streamId),
    sendToolResult: async (streamId, result) => (await get()).sendToolResult(streamId, result),
    sendApproval: async (streamId, approval) => (await get()).sendApproval(streamId, approval),
    close: () =>
      void loaded?.then(
        (transport) => transport.close(),
        () => undefined,
      ),
  };
}
