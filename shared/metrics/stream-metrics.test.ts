import { describe, expect, test } from "vitest";

import type { StreamChunk } from "../protocol/chunk.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { StreamMetrics } from "./stream-metrics.ts";

const TOKEN: StreamChunk = { type: "token", content: "x" };

function begin(): { clock: ManualClock; metrics: StreamMetrics } {
  const clock = new ManualClock(1000);
  return { clock, metrics: new StreamMetrics({ now: clock.now }) };
}

describe("time to first token", () => {
  test.each<StreamChunk>([TOKEN, { type: "reasoning", content: "x" }, { type: "tool_call_delta", index: 0, arguments: "{" }])(
    "counts to the first $type",
    (chunk) => {
      const { clock, metrics } = begin();
      clock.advance(120);
      metrics.chunk(chunk);
      clock.advance(500);
      metrics.chunk(TOKEN);
      expect(metrics.ttft).toBe(120);
      expect(metrics.finish().ttft).toBe(120);
    },
  );

  test.each<StreamChunk>([
    { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 },
    { type: "usage", outputTokens: 3 },
    { type: "source", id: "1", title: "T" },
    { type: "done", reason: "stop" },
  ])("$type is no token", (chunk) => {
    const { metrics } = begin();
    metrics.chunk(chunk);
    expect(metrics.ttft).toBeNull();
    expect(metrics.finish()).toMatchObject({ ttft: null, tokenCount: 0, decodeTokensPerSecond: 0 });
  });
});

test("the provider's own count is taken, and rates are per second", () => {
  const { clock, metrics } = begin();
  clock.advance(500);
  metrics.chunk(TOKEN);
  clock.advance(1500);
  expect(metrics.finish({ outputTokens: 30 })).toEqual({
    ttft: 500,
    totalMs: 2000,
    tokenCount: 30,
    tokensPerSecond: 15,
    decodeTokensPerSecond: 20,
  });
});

test("without the provider's count the deltas are counted, and it says so", () => {
  const { clock, metrics } = begin();
  for (let count = 0; count < 4; count++) {
    clock.advance(250);
    metrics.chunk(TOKEN);
  }
  expect(metrics.finish({ inputTokens: 9 })).toMatchObject({ tokenCount: 4, tokensPerSecond: 4, estimated: true });
});

test("a provider's count of 0 is a count", () => {
  expect(begin().metrics.finish({ outputTokens: 0 })).toEqual({
    ttft: null,
    totalMs: 0,
    tokenCount: 0,
    tokensPerSecond: 0,
    decodeTokensPerSecond: 0,
  });
});

test("no rate is infinite or NaN when no time passed", () => {
  const { metrics } = begin();
  metrics.chunk(TOKEN);
  expect(metrics.liveTokensPerSecond).toBeNull();
  for (const value of Object.values(metrics.finish({ outputTokens: 5 }))) expect(Number.isFinite(value)).toBe(true);
});

test("the live rate needs two deltas and is counted from the first", () => {
  const { clock, metrics } = begin();
  clock.advance(9000);
  expect(metrics.liveTokensPerSecond).toBeNull();
  metrics.chunk(TOKEN);
  clock.advance(500);
  expect(metrics.liveTokensPerSecond).toBeNull();
  metrics.chunk(TOKEN);
  expect(metrics.liveTokensPerSecond).toBe(4);
});

test("figures are rounded to a tenth", () => {
  const { clock, metrics } = begin();
  clock.advance(100.123);
  metrics.chunk(TOKEN);
  expect(metrics.ttft).toBe(100.1);
});

test("the platform's clock is used when none is given", async () => {
  const metrics = new StreamMetrics();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(metrics.finish().totalMs).toBeGreaterThan(3);
});
