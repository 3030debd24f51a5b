import { call, cut, describeOwnStreams, describeRecordings } from "../testing/streams/conformance.ts";

describeRecordings("ai-sdk-ui");

const FOUND = call("call_a", "find", { q: 1 });

describeOwnStreams({
  dialect: "ai-sdk-ui",
  streams: {
    "text-multibyte": { text: "Grüße 漢字 😀" },
    "two-text-parts": { text: "One, two" },
    reasoning: { text: "Hi", reasoning: "Let me think." },
    "tool-with-output": { text: "Done.", toolCalls: [call("call_a", "find", { q: "aé" })], results: { call_a: { n: 3 } } },
    "tool-without-output": { toolCalls: [FOUND], end: "tool_calls" },
    "tool-input-at-once": { toolCalls: [FOUND, call("call_b", "now", {})], results: { call_a: null }, end: "tool_calls" },
    "tools-interleaved": {
      toolCalls: [call("call_b", "b", { y: 2 }), call("call_a", "a", { x: 1 })],
      results: { call_a: "one", call_b: "two" },
    },
    "tool-input-differs-from-its-text": { toolCalls: [call("call_a", "find", { q: 2, limit: 10 })], end: "tool_calls" },
    "tool-input-as-text": { toolCalls: [call("call_a", "run", 'print("x")')], results: { call_a: "x" } },
    "tool-input-error": {
      toolCalls: [call("call_a", "find", null, { invalid: true, argumentsText: '{"q":' })],
      results: { call_a: "not JSON" },
    },
    "tool-input-never-available": { toolCalls: [cut("call_a", "find", '{"q":1}')] },
    "tool-output-without-input": { toolCalls: [FOUND], results: { call_a: 1, call_x: 2 } },
    "tool-output-error": { toolCalls: [FOUND], results: { call_a: "boom" } },
    "tool-output-denied": { toolCalls: [FOUND], results: { call_a: "The call was not allowed." } },
    "tool-output-preliminary": { toolCalls: [FOUND], results: { call_a: { pct: 100 } } },
    "tool-of-the-provider": { text: "Found.", toolCalls: [call("call_a", "web_search", { q: 1 }, { runsOn: "provider" })] },
    "tool-input-twice": { toolCalls: [FOUND], end: "tool_calls" },
    sources: { text: "Hi", sources: [["T", "https://example.com/"], ["https://example.com/2", "https://example.com/2"], ["a.pdf"]] },
    "usage-in-the-metadata": {
      text: "Hi",
      usage: { inputTokens: 12, outputTokens: 5, totalTokens: 17, reasoningTokens: 2, cachedInputTokens: 4 },
    },
    "finish-length": { text: "He", end: "length" },
    "finish-content-filter": { text: "He", end: "content_filter" },
    "finish-tool-calls": { text: "He", end: "tool_calls" },
    "finish-other": { text: "He", end: "other" },
    "finish-something-new": { text: "He", end: "other" },
    "finish-of-a-merged-stream": { text: "One, two" },
    "no-done-marker": { text: "Hi" },
    "no-finish": { text: "Hi" },
    abort: { text: "He", toolCalls: [cut("call_a", "find", '{"q":1}')], end: "cancelled: user" },
    "abort-by-timeout": { text: "He", end: "cancelled: timeout" },
    error: { text: "He", toolCalls: [cut("call_a", "find", '{"q":')], end: "error: provider_error" },
    "error-as-first-event": { end: "error: provider_error" },
    "malformed-event": { text: "Hello", reports: 2 },
    "unknown-fields-and-types": { text: "Hi" },
    "no-final-blank-line": { text: "Hi" },
    crlf: { text: "Hi" },
    truncated: { text: "Hello", toolCalls: [cut("call_a", "find", '{"q":1}')], end: "error: truncated" },
  },
});
