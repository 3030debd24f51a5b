import type { Usage } from "../protocol/chunk.ts";
import { call, cut, describeOwnStreams, describeRecordings } from "../testing/streams/conformance.ts";

describeRecordings("openai-responses");

const USAGE: Usage = { inputTokens: 12, outputTokens: 5, totalTokens: 17, cachedInputTokens: 4, reasoningTokens: 2 };
const FOUND = call("call_a", "find", { q: 1 });
const A = call("call_a", "a", { x: 1 });
const B = call("call_b", "b", { y: 2 });

describeOwnStreams({
  dialect: "openai-responses",
  usage: USAGE,
  streams: {
    "text-multibyte": { text: "Grüße 漢字 😀" },
    "item-ids-change": { text: "Hello", toolCalls: [FOUND], end: "tool_calls" },
    "text-only-in-text-done": { text: "Hi" },
    "text-only-in-item-done": { text: "Hi there" },
    "everything-only-in-completed": { text: "Hi", toolCalls: [FOUND], end: "tool_calls" },
    "completed-counts-items-otherwise": { text: "Hi" },
    "done-adds-the-rest": { text: "Hello, you" },
    "done-says-other-words": { text: "Hello" },
    "two-content-parts": { text: "One, two" },
    "reasoning-summary": { text: "Hi", reasoning: "Let me think. Yes." },
    "reasoning-summary-only-in-item-done": { text: "Hi", reasoning: "Hm." },
    "reasoning-text": { text: "Hi", reasoning: "Hm." },
    refusal: { refusal: "I cannot do that.", end: "refusal" },
    "refusal-only-in-done": { refusal: "No.", end: "refusal" },
    "tool-args-in-pieces": { toolCalls: [call("call_a", "find", { q: "aé" })], end: "tool_calls" },
    "tool-args-only-in-done": { toolCalls: [FOUND], end: "tool_calls" },
    "tool-only-in-item-done": { toolCalls: [FOUND], end: "tool_calls" },
    "tool-args-in-item-added": { toolCalls: [FOUND], end: "tool_calls" },
    "tool-no-args": { toolCalls: [call("call_a", "now", {})], end: "tool_calls" },
    "calls-interleaved": { toolCalls: [B, A], end: "tool_calls" },
    "call-id-missing-and-item-never-done": { toolCalls: [call("fc_0", "find", { q: 1 })], end: "tool_calls" },
    "args-before-their-item": { toolCalls: [FOUND], end: "tool_calls" },
    "item-done-corrects-args": { toolCalls: [call("call_a", "find", { q: 2 })], end: "tool_calls" },
    "tool-args-not-json": { toolCalls: [call("call_a", "find", null, { invalid: true, argumentsText: "{q:1}" })] },
    "late-args": { toolCalls: [FOUND], end: "tool_calls" },
    "args-cut-by-max-output-tokens": { toolCalls: [A, cut("call_b", "b", '{"y":"lo')], end: "length" },
    "incomplete-call-that-parses": { toolCalls: [cut("call_a", "a", '{"x":1}')], end: "length" },
    "args-not-begun-by-max-output-tokens": { toolCalls: [cut("call_a", "a", "")], end: "length" },
    "custom-tool": { toolCalls: [call("call_a", "run", 'print("ä\n")')], end: "tool_calls" },
    "custom-tool-without-input": { toolCalls: [call("call_a", "run", "")], end: "tool_calls" },
    "mcp-calls": {
      text: "Found.",
      toolCalls: [
        call("mcp_a", "list", { a: 1 }, { runsOn: "provider" }),
        call("mcp_b", "list", {}, { runsOn: "provider" }),
        call("mcp_c", "list", {}, { runsOn: "provider" }),
      ],
      results: { mcp_a: "three", mcp_b: "boom", mcp_c: "bad" },
    },
    "web-search-and-citations": {
      text: "Found.",
      sources: [["T", "https://example.com/"], ["a.pdf"], ["https://example.com/2", "https://example.com/2"]],
    },
    "incomplete-by-content-filter": { text: "He", end: "content_filter" },
    "incomplete-without-reason": { text: "He", end: "length" },
    "incomplete-for-an-unknown-reason": { text: "He", end: "other" },
    failed: { text: "He", toolCalls: [cut("call_a", "a", '{"x":1}')], end: "error: provider_error", usage: null },
    "error-then-failed": { text: "He", end: "error: provider_rate_limited", usage: null },
    "error-with-fields-of-its-own": { text: "He", end: "error: provider_rate_limited", usage: null },
    "error-as-first-event": { end: "error: provider_rate_limited", usage: null },
    "malformed-event": { text: "Hello", reports: 2 },
    "unknown-fields-and-types": { text: "Hi" },
    "no-event-names": { text: "Hi" },
    "no-final-blank-line": { text: "Hi" },
    "done-marker-of-a-gateway": { text: "Hi" },
    "done-marker-too-early": { text: "Hi" },
    crlf: { text: "Hi" },
    truncated: { text: "Hel", toolCalls: [cut("call_a", "a", '{"x":1}')], end: "error: truncated", usage: null },
  },
});
