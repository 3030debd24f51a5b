import { call, cut, describeOwnStreams, describeRecordings } from "../testing/streams/conformance.ts";

describeRecordings("ag-ui");

const A = call("call_a", "a", { x: 1 });
const B = call("call_b", "b", { y: 2 });

describeOwnStreams({
  dialect: "ag-ui",
  streams: {
    "text-multibyte": { text: "Grüße 漢字 😀" },
    "text-chunks": { text: "Hi" },
    "messages-of-others": { text: "Hi" },
    reasoning: { text: "Hi", reasoning: "Let me think." },
    thinking: { text: "Hi", reasoning: "Hm." },
    "tool-call": { toolCalls: [call("call_a", "find", { q: "aé" })], end: "tool_calls" },
    "tool-call-without-args": { toolCalls: [call("call_a", "now", {})], end: "tool_calls" },
    "tool-calls-interleaved": { toolCalls: [B, A], end: "tool_calls" },
    "tool-call-in-chunks": { toolCalls: [A, B], end: "tool_calls" },
    "tool-result": { text: "Done.", toolCalls: [call("call_a", "find", { q: 1 })], results: { call_a: "three" } },
    "tool-result-completes-a-call-in-chunks": { toolCalls: [A], results: { call_a: [{ type: "text", text: "one" }] } },
    "args-of-an-unknown-call": { text: "Hi" },
    "args-not-json": { toolCalls: [call("call_a", "a", null, { invalid: true, argumentsText: "{x: 1}" })] },
    "args-after-the-end": { toolCalls: [A], end: "tool_calls", reports: 1 },
    "state-events": { text: "Hi" },
    "usage-and-reason-of-a-back-end": { text: "He", end: "length", usage: { inputTokens: 12, outputTokens: 5, totalTokens: 17 } },
    "run-error": { text: "He", toolCalls: [cut("call_a", "a", '{"x":')], end: "error: provider_rate_limited" },
    "run-error-without-code": { end: "error: provider_error" },
    "first-event-is-not-the-start": { text: "Hi" },
    "data-in-several-lines": { text: "Hi" },
    "ids-retry-and-comments": { text: "Hi" },
    "malformed-event": { text: "Hello", reports: 2 },
    "unknown-fields-and-types": { text: "Hi" },
    "no-final-blank-line": { text: "Hi" },
    crlf: { text: "Hi" },
    truncated: { text: "Hello", toolCalls: [cut("call_a", "a", '{"x":1}')], end: "error: truncated" },
  },
});
