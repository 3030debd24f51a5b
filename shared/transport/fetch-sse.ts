/** SSE over `fetch`: the POST's own answer is the stream, a GET with the cursor resumes it. The default transport. */
import { ChatError } from "../errors.ts";
import { readBytes } from "../sse/byte-source.ts";
import { readSseEvents } from "../sse/read-events.ts";
import type { Connector, Received } from "./follow-run.ts";
import { createFrameReader } from "./frame-reader.ts";
import { createHttpTransport } from "./http-transport.ts";
import { GatewayHttp } from "./http.ts";
import type { ChatTransport, TransportOptions } from "./transport.ts";

export function createFetchSseTransport(options: TransportOptions): ChatTransport {
  const http = new GatewayHttp(options);
  const connector: Connector = {
    seesHeartbeats: true,
    async *open(request, cursor, { signal, onActivity, onStreamId }) {
      const headers = { Accept: "text/event-stream" };
      const response =
        cursor.streamId === null && request
          ? await http.request("/stream", { method: "POST", headers, body: request, signal })
          : await http.request(`/stream/${encodeURIComponent(cursor.streamId ?? "")}?lastSeq=${cursor.lastSeq}`, {
              method: "GET",
              headers,
              signal,
            });
      onActivity();
      if (response.status === 204) {
        yield { nothingMissing: true };
        return;
      }
      const type = response.headers.get("Content-Type") ?? "nothing";
      if (!type.startsWith("text/event-stream") || !response.body) {
        void response.body?.cancel().catch(() => undefined);
        throw new ChatError("bad_frame", `The server answered with ${type.split(";")[0]}, not with an event stream. Check the endpoint.`);
      }
      const streamId = response.headers.get("X-Stream-Id");
      if (streamId) onStreamId(streamId);
      yield* decodeEvents(response.body, onActivity);
    },
  };
  return createHttpTransport("sse", connector, http, options);
}

async function* decodeEvents(body: ReadableStream<Uint8Array>, onActivity: () => void): AsyncGenerator<Received, void, undefined> {
  const readFrame = createFrameReader();
  for await (const event of readSseEvents(watched(body, onActivity))) yield readFrame(event);
}

/** Comments are bytes too, and never become events. */
async function* watched(body: ReadableStream<Uint8Array>, onActivity: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of readBytes(body)) {
    onActivity();
    yield bytes;
  }
}
