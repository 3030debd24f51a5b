/** SSE over `fetch`: the POST's own answer is the stream, a GET with the cursor resumes it. The default transport. */
import { ChatError } from "../errors.ts";
import { readBytes } from "../sse/byte-source.ts";
import { SseDecoder } from "../sse/decoder.ts";
import { followRun, type Connector, type Received } from "./follow-run.ts";
import { createFrameReader } from "./frame-reader.ts";
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
  return {
    name: "sse",
    send: (request, follow) => followRun(connector, request, { streamId: null, lastSeq: 0 }, { ...options, ...follow }),
    resume: (streamId, lastSeq, follow) => followRun(connector, null, { streamId, lastSeq }, { ...options, ...follow }),
    cancel: (streamId) => http.cancel(streamId),
    sendToolResult: (streamId, result) => http.sendToolResult(streamId, result),
    sendApproval: (streamId, approval) => http.sendApproval(streamId, approval),
    close() {},
  };
}

async function* decodeEvents(body: ReadableStream<Uint8Array>, onActivity: () => void): AsyncGenerator<Received, void, undefined> {
  let ready: Received[] = [];
  const readFrame = createFrameReader();
  const decoder = new SseDecoder({ onEvent: (event) => ready.push(readFrame(event)) });
  for await (const bytes of readBytes(body)) {
    onActivity();
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
