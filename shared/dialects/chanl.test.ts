import { call, describeOwnStreams } from "../testing/streams/conformance.ts";

describeOwnStreams({
  dialect: "chanl",
  mayStopInsideCalls: true,
  streams: {
    "tool-loop": {
      text: "Grüße 😀 Done.",
      reasoning: "Hm.",
      toolCalls: [call("call_a", "find", { q: 1 })],
      results: { call_a: { n: 3 } },
      sources: [["T", "https://example.com/"]],
      usage: { inputTokens: 3, outputTokens: 4 },
    },
    "repeats-unknown-and-bad": { text: "Hello", end: "cancelled: user", reports: 2 },
    error: { text: "He", end: "error: provider_unavailable" },
    truncated: { text: "He", end: "error: truncated" },
  },
});
