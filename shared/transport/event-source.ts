/** The browser's `EventSource` for reading, one POST for starting. For pages and proxies that want plain GET streams. */
import { ChatError } from "../errors.ts";
import { EventQueue } from "./event-queue.ts";
import type { Connector, Received } from "./follow-run.ts";
import { createFrameReader } from "./frame-reader.ts";
import { createHttpTransport } from "./http-transport.ts";
import { GatewayHttp } from "./http.ts";
import type { ChatTransport, TransportOptions } from "./transport.ts";

interface EventSourceLike {
  readonly readyState: number;
  onmessage: ((event: MessageEvent<string>) => void) | null;
  onerror: ((event: Event) => void) | null;
  close(): void;
}

export interface EventSourceTransportOptions extends TransportOptions {
  /** @defaultValue the platform's `EventSource` */
  EventSource?: (new (url: string) => EventSourceLike) | undefined;
}

const CLOSED = 2;

/**
 * `EventSource` cannot send headers, so a gateway that asks for a token on the GET route needs another transport.
 * Its own reconnect is not used: it would keep the cursor of the address it was opened with, and it hides why it failed.
 */
export function createEventSourceTransport(options: EventSourceTransportOptions): ChatTransport {
  const Source = options.EventSource ?? globalThis.EventSource;
  if (!Source)
    throw new TypeError("createEventSourceTransport: this platform has no EventSource. Pass one, or use createFetchSseTransport.");
  const http = new GatewayHttp(options);
  const connector: Connector = {
    // Comments never reach a page, so silence says nothing.
    seesHeartbeats: false,
    async *open(request, cursor, { signal, onStreamId }) {
      let { streamId } = cursor;
      if (streamId === null) {
        const response = await http.request("/stream", { method: "POST", headers: { Accept: "application/json" }, body: request, signal });
        const body = (await response.json()) as { streamId?: unknown };
        if (typeof body.streamId !== "string") throw new ChatError("bad_frame", "The server did not name the stream.");
        streamId = body.streamId;
        onStreamId(streamId);
      }
      const path = `/stream/${encodeURIComponent(streamId)}?lastSeq=${cursor.lastSeq}`;
      const broken = new ChatError("network", "The connection broke.", { retryable: true });
      const queue = new EventQueue<Received>();
      const readFrame = createFrameReader();
      const source = new Source(http.url(path));
      let isRefused = false;
      source.onmessage = (event) => queue.push(readFrame(event));
      source.onerror = () => {
        // It gave up by itself: the answer was no stream. A lost connection leaves it connecting.
        isRefused = source.readyState === CLOSED;
        queue.end(isRefused ? undefined : broken);
      };
      const abort = (): void => queue.end();
      signal.addEventListener("abort", abort);
      try {
        yield* queue;
      } finally {
        signal.removeEventListener("abort", abort);
        source.close();
      }
      if (!isRefused || signal.aborted) return;
      // Which answer it was, EventSource keeps to itself: ask again in a way that tells.
      const response = await http.request(path, { method: "GET", headers: { Accept: "text/event-stream" }, signal });
      void response.body?.cancel().catch(() => undefined);
      if (response.status !== 204) throw broken;
      yield { nothingMissing: true };
    },
  };
  return createHttpTransport("eventsource", connector, http, options);
}
