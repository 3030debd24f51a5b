import type { Usage } from "../protocol/chunk.ts";
import { call, describeOwnStreams, describeRecordings, madeUpId } from "../testing/streams/conformance.ts";

describeRecordings("ollama");

const USAGE: Usage = { inputTokens: 12, outputTokens: 5 };
const made = (name: string, args: unknown): ReturnType<typeof call> => call(madeUpId(), name, args);

describeOwnStreams({
  dialect: "ollama",
  usage: USAGE,
  streams: {
    "text-multibyte": { text: "Grüße 漢字 😀" },
    thinking: { text: "Hi", reasoning: "Let me think." },
    "call-with-object-arguments": { toolCalls: [made("find", { q: "aé", n: [1, { y: null }] })], end: "tool_calls" },
    "calls-in-one-line": { text: "Wait.", toolCalls: [call("call_a", "a", { x: 1 }), call("call_b", "b", { y: 2 })], end: "tool_calls" },
    "calls-of-the-same-name": { toolCalls: [made("a", { x: 1 }), made("a", { x: 2 })], end: "tool_calls" },
    "arguments-missing": { toolCalls: [made("now", {})], end: "tool_calls" },
    "arguments-as-text": { toolCalls: [made("find", { q: 1 })], end: "tool_calls" },
    "done-reason-length": { text: "He", end: "length" },
    "done-reason-unknown": { text: "He", end: "other" },
    "done-without-reason": { text: "Hi" },
    "done-with-content": { text: "Hi" },
    "generate-response": { text: "Hi", reasoning: "Hm." },
    "error-mid-stream": { text: "He", toolCalls: [made("a", { x: 1 })], end: "error: provider_error", usage: null },
    "error-object": { text: "He", end: "error: provider_unavailable", usage: null },
    "error-only": { end: "error: provider_error", usage: null },
    "blank-lines-and-crlf": { text: "Hi" },
    "no-final-line-end": { text: "Hi" },
    "malformed-line": { text: "Hello", reports: 2 },
    "unknown-fields-and-types": { text: "Hi" },
    "nothing-after-done": { text: "Hi" },
    truncated: { text: "Hello", end: "error: truncated", usage: null },
  },
});
