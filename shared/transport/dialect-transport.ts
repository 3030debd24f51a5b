/**
 * A transport to an endpoint that is no gateway of ours: a provider's API, or a server that speaks its format, asked by the page itself.
 *
 * Behind such a stream there is no log. A cut answer cannot be picked up: it is `truncated`, and what came is kept. Whoever stops
 * reading ends the request. Tools of the page and approvals need a gateway; what a server's own tools do is shown.
 */
import { readChunks } from "../dialects/read-chunks.ts";
import type { DialectName } from "../dialects/dialect.ts";
import { ChatError } from "../errors.ts";
import type { ErrorChunk } from "../protocol/chunk.ts";
import type { ChatRequest, RequestImage, RequestMessage } from "../protocol/request.ts";
import { resolveHeaders } from "./http.ts";
import { parseRetryAfter } from "./retry.ts";
import type { ChatTransport, FollowOptions, TransportChunk, TransportOptions } from "./transport.ts";

export type EndpointProtocol = "openai" | "anthropic" | "ai-sdk" | "ag-ui";

export interface DialectTransportOptions extends Pick<TransportOptions, "headers" | "fetch"> {
  /** The exact address that is asked, such as `https://host/v1/chat/completions`. */
  endpoint: string;
  protocol: EndpointProtocol;
}

interface Shape {
  dialect: DialectName;
  headers?: Record<string, string>;
  body: (request: ChatRequest & { requestId: string }) => unknown;
}

/** Most tokens of an answer: Anthropic's API wants a figure, and every model of theirs takes this one. */
const ANTHROPIC_MAX_TOKENS = 4_096;

const SHAPES: Record<EndpointProtocol, Shape> = {
  openai: {
    dialect: "openai-chat",
    body: ({ agentId, messages }) => ({
      model: agentId,
      stream: true,
      stream_options: { include_usage: true },
      messages: said(messages).map(({ role, content, images = [] }) => ({
        role,
        content:
          images.length === 0
            ? content
            : [{ type: "text", text: content }, ...images.map((image) => ({ type: "image_url", image_url: { url: address(image) } }))],
      })),
    }),
  },
  anthropic: {
    dialect: "anthropic",
    headers: { "anthropic-version": "2023-06-01" },
    body: ({ agentId, messages }) => ({
      model: agentId,
      stream: true,
      max_tokens: ANTHROPIC_MAX_TOKENS,
      system: messages
        .filter(({ role }) => role === "system")
        .map(({ content }) => content)
        .join("\n\n"),
      messages: said(messages)
        .filter(({ role }) => role !== "system")
        .map(({ role, content, images = [] }) => ({
          role,
          content: [
            ...images.map((image) => ({
              type: "image",
              source: "url" in image ? { type: "url", url: image.url } : { type: "base64", media_type: image.mediaType, data: image.data },
            })),
            { type: "text", text: content },
          ],
        })),
    }),
  },
  "ai-sdk": {
    dialect: "ai-sdk-ui",
    body: ({ agentId, conversationId, messages, requestId }) => ({
      id: conversationId ?? requestId,
      trigger: "submit-message",
      agentId,
      messages: said(messages).map(({ role, content, images = [] }, at) => ({
        id: `m${at}`,
        role,
        parts: [
          ...images.map((image) => ({ type: "file", mediaType: "mediaType" in image ? image.mediaType : "image/*", url: address(image) })),
          { type: "text", text: content },
        ],
      })),
    }),
  },
  "ag-ui": {
    dialect: "ag-ui",
    body: ({ agentId, conversationId, messages, requestId }) => ({
      threadId: conversationId ?? requestId,
      runId: requestId,
      state: {},
      tools: [],
      context: [],
      forwardedProps: { agentId },
      messages: said(messages).map(({ role, content }, at) => ({ id: `m${at}`, role, content })),
    }),
  },
};

/** What people and the model said. Calls and results of a server's own tools are the server's to remember. */
const said = (messages: readonly RequestMessage[]): RequestMessage[] =>
  messages.filter(({ role, content, images = [] }) => role !== "tool" && (content !== "" || images.length > 0));

const address = (image: RequestImage): string => ("url" in image ? image.url : `data:${image.mediaType};base64,${image.data}`);

const failure = (code: ErrorChunk["code"], message: string, retryable: boolean): ErrorChunk => ({
  type: "error",
  code,
  message,
  retryable,
});

export function createDialectTransport(options: DialectTransportOptions): ChatTransport {
  const shape = SHAPES[options.protocol];
  const running = new Map<string, AbortController>();

  async function* send(
    request: ChatRequest & { requestId: string },
    follow: FollowOptions = {},
  ): AsyncGenerator<TransportChunk, void, undefined> {
    const { requestId: streamId, agentId } = request;
    const controller = new AbortController();
    const leave = (): void => controller.abort();
    if (follow.signal?.aborted) return;
    follow.signal?.addEventListener("abort", leave);
    running.set(streamId, controller);
    let seq = 0;
    try {
      yield { type: "start", streamId, messageId: streamId, agentId, model: agentId, v: 1, seq: ++seq };
      for await (const chunk of answer(request, controller.signal, follow)) {
        if (controller.signal.aborted) break;
        yield { ...chunk, seq: ++seq };
      }
      if (controller.signal.aborted && !follow.signal?.aborted) yield { type: "cancelled", reason: "user", seq: ++seq };
    } finally {
      running.delete(streamId);
      follow.signal?.removeEventListener("abort", leave);
      controller.abort();
    }
  }

  async function* answer(
    request: ChatRequest & { requestId: string },
    signal: AbortSignal,
    { onProtocolError }: FollowOptions,
  ): AsyncGenerator<TransportChunk, void, undefined> {
    let response: Response;
    try {
      response = await (options.fetch ?? globalThis.fetch)(options.endpoint, {
        method: "POST",
        headers: {
          ...shape.headers,
          ...(await resolveHeaders(options.headers)),
          "Content-Type": "application/json",
          Accept: "text/event-stream",
        },
        body: JSON.stringify(shape.body(request)),
        signal,
      });
    } catch {
      yield failure("network", "The server could not be reached.", true);
      return;
    }
    const type = response.headers.get("Content-Type") ?? "nothing";
    if (!response.body || (response.ok && type.startsWith("text/html"))) {
      void response.body?.cancel().catch(() => undefined);
      yield failure("bad_frame", `The server answered with ${type.split(";")[0]}, not with a stream. Check the endpoint.`, false);
      return;
    }
    // A refusal is read like a stream: its dialect says in our words what it means, and nothing of its own text gets through.
    const retryAfterMs = response.ok ? undefined : parseRetryAfter(response.headers.get("Retry-After"));
    for await (const chunk of readChunks(response.body, { dialect: shape.dialect, onReport: onProtocolError })) {
      if (chunk.type !== "error") yield chunk;
      else {
        const { detail: _, ...told } = chunk;
        yield retryAfterMs === undefined ? told : { ...told, retryAfterMs };
      }
    }
  }

  const needsGateway = (): Promise<void> =>
    Promise.reject(new ChatError("bad_request", "This server takes no results and no decisions. That needs the gateway."));
  return {
    name: "sse",
    send,
    async *resume() {
      yield failure("truncated", "This server keeps no answers, so this one cannot be picked up. What came is kept; ask again.", true);
    },
    cancel: (streamId) => {
      running.get(streamId)?.abort();
      return Promise.resolve();
    },
    sendToolResult: needsGateway,
    sendApproval: needsGateway,
    close() {
      for (const controller of running.values()) controller.abort();
    },
  };
}
