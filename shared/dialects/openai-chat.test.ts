import type { Usage } from "../protocol/chunk.ts";
import { call, cut, describeOwnStreams, describeRecordings, madeUpId } from "../testing/streams/conformance.ts";

describeRecordings("openai-chat");

const USAGE: Usage = { inputTokens: 12, outputTokens: 5, totalTokens: 17, cachedInputTokens: 4, reasoningTokens: 2 };
const A = call("call_a", "a", { x: 1 });

describeOwnStreams({
  dialect: "openai-chat",
  streams: {
    "text-multibyte": { text: "Grüße 漢字 😀", usage: USAGE },
    "first-chunk-without-choices": { text: "Hi" },
    "name-empty-in-second-delta": { toolCalls: [call("call_a", "search", { q: "x" })], end: "tool_calls" },
    "index-starts-at-1": { toolCalls: [call("call_a", "read", { p: 1 })], end: "tool_calls" },
    "index-missing": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
    "index-zero-for-each-call": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
    "index-changes-inside-a-call": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
    "calls-interleaved": { toolCalls: [A, call("call_b", "b", { y: 2 })], end: "tool_calls" },
    "name-in-two-pieces": { toolCalls: [call("call_a", "get_weather", {})], end: "tool_calls" },
    "call-without-id": { toolCalls: [call(madeUpId(), "a", { x: 1 })], end: "tool_calls" },
    "no-role": { text: "Hi" },
    "arguments-whole": { toolCalls: [call("call_a", "a", {})], end: "tool_calls" },
    "arguments-empty": { toolCalls: [call("call_a", "a", {})], end: "tool_calls" },
    "arguments-missing": { toolCalls: [call("call_a", "a", {})], end: "tool_calls" },
    "arguments-as-object": { toolCalls: [call("call_a", "a", { x: [1, { y: null }] })], end: "tool_calls" },
    "arguments-look-complete-early": { toolCalls: [call("call_a", "a", 12)], end: "tool_calls" },
    "arguments-placeholder-then-object": { toolCalls: [call("call_a", "a", { x: 1 }, { argumentsText: '{}{"x":1}' })], end: "tool_calls" },
    "arguments-not-json": { toolCalls: [call("call_a", "a", null, { invalid: true, argumentsText: "{x: 1}" })], end: "tool_calls" },
    "arguments-cut-by-length": { toolCalls: [A, cut("call_b", "b", '{"y":"lo')], end: "length" },
    "arguments-not-begun-by-length": { toolCalls: [cut("call_a", "a", "")], end: "length" },
    "stop-after-a-call": { toolCalls: [A], end: "tool_calls" },
    "finish-inside-the-last-call-delta": { toolCalls: [A], end: "tool_calls" },
    "late-call-delta": { toolCalls: [A], end: "tool_calls", reports: 1 },
    "usage-inside-finish-chunk": { text: "Hi", usage: USAGE },
    "usage-of-groq": { text: "Hi", usage: USAGE },
    "usage-null-on-each-chunk": { text: "Hi", usage: USAGE },
    "three-choices": { text: "one two" },
    "choices-in-one-chunk": { text: "yes" },
    "comments-between": { text: "Hi" },
    "reasoning-content": { text: "Hi", reasoning: "Let me think." },
    reasoning: { text: "Hi", reasoning: "Let me think." },
    "reasoning-as-content-list": { text: "Hi", reasoning: "Hm." },
    refusal: { refusal: "I cannot do that.", end: "refusal" },
    "finish-content-filter": { text: "He", end: "content_filter" },
    "finish-unknown": { text: "He", end: "other" },
    "error-object": { text: "He", toolCalls: [cut("call_a", "a", '{"x":')], end: "error: provider_unavailable" },
    "error-string": { text: "He", end: "error: provider_error" },
    "malformed-event": { text: "Hello", reports: 3 },
    "unknown-fields-and-types": { text: "Hi" },
    "no-done": { text: "Hi" },
    "no-final-blank-line": { text: "Hi" },
    "done-without-finish-reason": { text: "Hi" },
    crlf: { text: "Hi" },
    truncated: { text: "Hel", toolCalls: [cut("call_a", "a", '{"x":1}')], end: "error: truncated" },
    "whole-message": { text: "Hi" },
  },
});
