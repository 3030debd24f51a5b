import type { Usage } from "../protocol/chunk.ts";
import { call, cut, describeOwnStreams, describeRecordings, madeUpId } from "../testing/streams/conformance.ts";

describeRecordings("gemini", "google");

const USAGE: Usage = { inputTokens: 12, outputTokens: 5, totalTokens: 19, reasoningTokens: 2, cachedInputTokens: 4 };
const made = (name: string, args: unknown): ReturnType<typeof call> => call(madeUpId(), name, args);
const unfinished = (name: string, argumentsText: string): ReturnType<typeof call> => cut(madeUpId(), name, argumentsText);
/** An own field of that name, which a literal cannot write. */
const WITH_PROTOTYPE_KEYS: unknown = JSON.parse('{"__proto__":{"polluted":1,"more":false},"z":1,"constructor":2}');

describeOwnStreams({
  dialect: "gemini",
  usage: USAGE,
  endsWithBody: true,
  streams: {
    "text-multibyte": { text: "Grüße 漢字 😀" },
    "finish-on-every-event": { text: "Hello" },
    "finish-then-more-text": { text: "Hello", end: "error: truncated", usage: null },
    "finish-then-metadata": { text: "Hi", sources: [["T", "https://example.com/"]] },
    "crlf-mixed": { text: "Hi" },
    "no-final-blank-line": { text: "Hi" },
    thoughts: { text: "Hi there", reasoning: "Let me think." },
    "function-call": { toolCalls: [made("find", { q: "aé", n: [1, { y: null }] })], end: "tool_calls" },
    "function-calls-with-id": { text: "Wait.", toolCalls: [call("fc_a", "a", { x: 1 }), call("fc_b", "b", { y: 2 })], end: "tool_calls" },
    "function-call-without-args": { toolCalls: [made("now", {}), made("now", {})], end: "tool_calls" },
    "partial-args": {
      toolCalls: [
        call("fc_a", "book", {
          city: 'San "José"\n',
          guest: { name: "Ada", age: 36, vip: true },
          days: [1.5, 0],
          rooms: [{ beds: ["big", "small"] }, { "the view": null }],
          "a.b": "",
        }),
      ],
      end: "tool_calls",
    },
    "partial-args-out-of-order": { toolCalls: [made("book", { a: { x: 1, y: 3 }, b: "2" })], end: "tool_calls" },
    "partial-args-value-said-again": { toolCalls: [made("book", { a: 2 })], end: "tool_calls" },
    "partial-args-in-one-part": { toolCalls: [made("find", { q: "x" })], end: "tool_calls" },
    "partial-args-name-repeated": { toolCalls: [made("find", { q: "xy" })], end: "tool_calls" },
    "partial-args-without-any": { toolCalls: [made("now", {})], end: "tool_calls" },
    "partial-args-of-two-calls": { toolCalls: [made("a", { x: 1 }), made("a", { x: 2 })], end: "tool_calls" },
    "partial-args-prototype-keys": { toolCalls: [made("a", WITH_PROTOTYPE_KEYS)], end: "tool_calls" },
    "partial-args-never-closed": { toolCalls: [unfinished("a", '{"x":1')] },
    "partial-args-not-begun-and-never-closed": { toolCalls: [unfinished("a", "")] },
    "partial-args-next-call-before-the-close": { toolCalls: [unfinished("a", '{"x":1'), made("b", { y: 2 })], end: "tool_calls" },
    "partial-args-same-tool-before-the-close": { toolCalls: [unfinished("a", '{"x":1'), made("a", { x: 2 })], end: "tool_calls" },
    "partial-args-string-promised-more": { toolCalls: [unfinished("a", '{"x":"lo')] },
    "partial-args-cut-by-max-tokens": { toolCalls: [unfinished("a", '{"x":"lo')], end: "length" },
    "partial-args-unreadable-path": { toolCalls: [unfinished("a", '{"x":1')], reports: 1 },
    "partial-args-array-with-a-hole": { toolCalls: [unfinished("a", "")], reports: 1 },
    "partial-args-path-through-a-value": { toolCalls: [unfinished("a", '{"x":1')], reports: 1 },
    "partial-args-of-an-unknown-kind": { toolCalls: [made("a", { y: 2 })], end: "tool_calls" },
    "close-without-a-call": { text: "Hi" },
    "prompt-blocked": { end: "content_filter" },
    "prompt-blocked-for-another-reason": { end: "content_filter" },
    "prompt-not-blocked": { text: "Hi" },
    "finish-safety": { text: "He", end: "content_filter" },
    "finish-recitation": { text: "He", end: "content_filter" },
    "finish-max-tokens": { text: "He", end: "length" },
    "finish-unknown": { text: "He", end: "other" },
    "finish-unspecified": { text: "He", end: "error: truncated", usage: null },
    "content-without-parts": { text: "Hi" },
    "two-candidates": { text: "Hi" },
    "usage-after-the-finish": { text: "Hi" },
    grounding: {
      text: "Hi!",
      sources: [
        ["T", "https://example.com/"],
        ["https://example.com/2", "https://example.com/2"],
      ],
    },
    citations: {
      text: "Hi",
      sources: [
        ["https://example.com/", "https://example.com/"],
        ["T", "https://example.com/2"],
      ],
    },
    "error-framed": { text: "He", end: "error: provider_unavailable", usage: null },
    "error-unframed": { text: "He", toolCalls: [unfinished("a", "")], end: "error: provider_unavailable", usage: null },
    "error-unframed-crlf": { text: "He", end: "error: provider_unavailable", usage: null },
    "error-unframed-in-one-line": { text: "He", end: "error: provider_unavailable", usage: null },
    "error-unframed-right-behind-an-event": { text: "He", end: "error: provider_unavailable", usage: null },
    "error-unframed-as-a-list": { text: "He", end: "error: provider_unavailable", usage: null },
    "error-unframed-and-nothing-else": { end: "error: provider_unavailable", usage: null },
    "error-unframed-cut": { text: "He", end: "error: truncated", usage: null },
    "answer-as-a-list": { text: "Hi" },
    "malformed-event": { text: "Hello", reports: 2 },
    "malformed-last-event": { text: "He", end: "error: truncated", usage: null, reports: 1 },
    "unknown-fields-and-types": { text: "Hi" },
    truncated: { text: "Hello", toolCalls: [unfinished("a", '{"x":1')], end: "error: truncated", usage: null },
  },
});
