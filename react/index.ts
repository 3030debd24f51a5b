/** chanl-chat/react: the hook over a chat session, and the web component with typed props. */
export { useStreamingChat, type StreamingChat, type UseStreamingChatOptions } from "./use-streaming-chat.ts";
export { ChanlChat, type ChanlChatProps } from "./chanl-chat.tsx";
export type { ChatMessage, MessagePart, ToolCallChunk } from "../shared/index.ts";
