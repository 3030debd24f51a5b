/** chanl-chat/react: the hook over a chat session. */
export { useStreamingChat, type StreamingChat, type UseStreamingChatOptions } from "./use-streaming-chat.ts";
export type { ChatMessage, MessagePart, ToolCallChunk } from "../shared/index.ts";
