import type { Usage } from "../protocol/chunk.ts";
import { call, cut, describeOwnStreams, describeRecordings } from "../testing/streams/conformance.ts";

describeRecordings("anthropic");

const USAGE: Usage = { inputTokens: 25, outputTokens: 9 };

describeOwnStreams({
  dialect: "anthropic",
  usage: USAGE,
  streams: {
    "text-with-pings": { text: "Grüße 漢字 😀" },
    "text-in-block-start": { text: "Hello" },
    "thinking-then-text": { text: "Hi", reasoning: "Let me think.", usage: { ...USAGE, cachedInputTokens: 7, reasoningTokens: 4 } },
    "tool-no-args": { toolCalls: [call("toolu_a", "now", {})], end: "tool_calls" },
    "tool-args-in-pieces": {
      text: "Wait.",
      toolCalls: [call("toolu_a", "find", { q: "aé", n: 2 }), call("toolu_b", "read", {})],
      end: "tool_calls",
    },
    "tool-input-in-block-start": { toolCalls: [call("toolu_a", "find", { q: 1 })], end: "tool_calls" },
    "tool-args-cut-by-max-tokens": { toolCalls: [cut("toolu_a", "write", '{"text": "lo')], end: "length" },
    "tool-args-cut-block-stopped": { toolCalls: [cut("toolu_a", "write", '{"text": "lo')], end: "length" },
    "server-tool": {
      text: "Found.",
      toolCalls: [call("srvtoolu_a", "web_search", { query: "x" }, { runsOn: "provider" })],
      sources: [["T", "https://example.com/"]],
    },
    "mcp-tool": { toolCalls: [call("mcptoolu_a", "list", { a: 1 }, { runsOn: "provider" })] },
    "stop-after-a-call": { toolCalls: [call("toolu_a", "find", { q: 1 })], end: "tool_calls" },
    "second-message-start": { toolCalls: [cut("toolu_a", "find", '{"q":"lo'), call("toolu_b", "find", { q: "long" })], end: "tool_calls" },
    refusal: { text: "Here", end: "refusal" },
    "finish-unknown": { text: "He", end: "other" },
    "error-mid-stream": { text: "He", toolCalls: [cut("toolu_a", "find", '{"q":')], end: "error: provider_unavailable", usage: null },
    "malformed-event": { text: "Hello", reports: 2 },
    "unknown-fields-and-types": { text: "Hi" },
    "spaces-inside-the-json": { text: "Hi" },
    "no-final-blank-line": { text: "Hi" },
    "no-message-stop": { text: "Hi" },
    "no-event-names": { text: "Hi" },
    truncated: { text: "Hel", toolCalls: [cut("toolu_a", "find", '{"q":1}')], end: "error: truncated", usage: null },
  },
});
