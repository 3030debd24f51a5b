/**
 * chanl-chat/core, in the order a byte travels: bytes → events → dialect → chunks → session state → renderer → DOM.
 */

// What goes wrong, as data.
export { ChatError, type ChatErrorCode, type ChatErrorOptions } from "./errors.ts";

// Bytes → events: the WHATWG event stream, both ways.
export type { SseEvent } from "./sse/event.ts";
export type { ByteSource } from "./sse/byte-source.ts";
export { SseDecoder, type SseDecoderOptions } from "./sse/decoder.ts";
export { encodeSseComment, encodeSseEvent, type SseFields } from "./sse/encoder.ts";
export { readSseEvents } from "./sse/read-events.ts";
export { PayloadParser } from "./sse/payload-parser.ts";
export { NdjsonDecoder, type NdjsonDecoderOptions } from "./sse/ndjson.ts";

// Events → chunks: one vocabulary, whatever the provider.
export * from "./protocol/chunk.ts";
export * from "./protocol/request.ts";
export { parseEvent, type ReceivedEvent } from "./protocol/validate.ts";
export type { Dialect, DialectContext, DialectName, DialectReader } from "./dialects/dialect.ts";
export { readChunks, type ReadChunksOptions } from "./dialects/read-chunks.ts";
export {
  IncrementalJson,
  type IncrementalJsonCounters,
  type IncrementalJsonError,
  type IncrementalJsonOptions,
  type IncrementalJsonResult,
  type IncrementalJsonState,
  type JsonPath,
} from "./tool-calls/incremental-json.ts";
export {
  createToolCallAccumulator,
  type CompletedToolCall,
  type ToolCallAccumulator,
  type ToolCallFragment,
  type ToolCallProgress,
  type ToolCallView,
} from "./tool-calls/accumulator.ts";

// Chunks over the network: ordered, resumed, never twice.
export type {
  ChatTransport,
  FollowOptions,
  HeadersSource,
  ReconnectNotice,
  RetryOptions,
  TransportChunk,
  TransportOptions,
} from "./transport/transport.ts";
export { createDialectTransport, type DialectTransportOptions, type EndpointProtocol } from "./transport/dialect-transport.ts";
export { createFetchSseTransport } from "./transport/fetch-sse.ts";
export { createWebSocketTransport, type WebSocketConstructor, type WebSocketTransportOptions } from "./transport/web-socket.ts";
export { createEventSourceTransport, type EventSourceTransportOptions } from "./transport/event-source.ts";

// Chunks → conversation.
export * from "./session/message.ts";
export { reduceMessage } from "./session/reduce.ts";
export { editMessage, rate, regenerate, selectVersion, type Conversation, type Fork, type Forks } from "./session/versions.ts";
export { pageContext, withoutContext } from "./session/context.ts";
export type { ContextSource } from "./session/request-messages.ts";
export type { ActiveRun, ConversationStore, StoredConversation } from "./session/conversation-store.ts";
export { createWebStorageStore } from "./session/web-storage-store.ts";
export { ClientTools, type ClientTool } from "./session/client-tools.ts";
export {
  ChatSession,
  type ChatSessionOptions,
  type SessionError,
  type SessionSnapshot,
  type SessionState,
} from "./session/chat-session.ts";
export { StreamMetrics, type StreamMetricsOptions } from "./metrics/stream-metrics.ts";

// Text → Markdown tree → DOM.
export { MarkdownStream } from "./markdown/markdown-stream.ts";
export type { HighlightCode } from "./render/code-writer.ts";
export { documentFrames, type FrameScheduler } from "./render/frame-scheduler.ts";
export type { MathSupport, WriteMath } from "./render/math-support.ts";
export { TokenRenderer, type RenderCounters, type RenderedFrame, type TokenRendererOptions } from "./render/token-renderer.ts";

// The client for code.
export {
  ChanlClient,
  type Agent,
  type AgentDefinition,
  type ApprovalDecision,
  type ChanlClientOptions,
  type StreamOptions,
  type WholeAnswer,
} from "./client.ts";
export { StreamingChatClient, type StreamingChatClientOptions } from "./streaming-client.ts";
