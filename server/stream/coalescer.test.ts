import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { Coalescer } from "./coalescer.ts";
import { FlushWheel } from "./flush-wheel.ts";

const WINDOW_MS = 20;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function coalesced(wheel = new FlushWheel(WINDOW_MS)): {
  out: { chunk: StreamChunk; at: number }[];
  token: (content: string) => void;
  coalescer: Coalescer;
} {
  const out: { chunk: StreamChunk; at: number }[] = [];
  const coalescer = new Coalescer(wheel, (chunk) => out.push({ chunk, at: performance.now() }));
  return { out, coalescer, token: (content) => coalescer.push({ type: "token", content }) };
}

test("the first token goes out at once, those within the window together, and other events never overtake them", () => {
  const { out, token, coalescer } = coalesced();
  const chunks = (): StreamChunk[] => out.map(({ chunk }) => chunk);
  token("a");
  expect(out).toHaveLength(1);
  token("b");
  token("c");
  coalescer.push({ type: "reasoning", content: "r" });
  coalescer.push({ type: "reasoning", content: "s" });
  coalescer.push({ type: "tool_call_delta", index: 0, arguments: "{" });
  expect(chunks()).toEqual([
    { type: "token", content: "a" },
    { type: "token", content: "bc" },
    { type: "reasoning", content: "rs" },
    { type: "tool_call_delta", index: 0, arguments: "{" },
  ]);
  token("d");
  expect(out).toHaveLength(4);
  vi.advanceTimersByTime(WINDOW_MS);
  expect(chunks().at(-1)).toEqual({ type: "token", content: "d" });
  // Slower than the window: nothing is held back.
  vi.advanceTimersByTime(10 * WINDOW_MS);
  token("e");
  expect(chunks().at(-1)).toEqual({ type: "token", content: "e" });
  coalescer.push({ type: "token", content: "f" });
  coalescer.push({ type: "token", content: "no", refusal: true });
  coalescer.flush();
  coalescer.flush();
  expect(chunks().slice(-2)).toEqual([
    { type: "token", content: "f" },
    { type: "token", content: "no", refusal: true },
  ]);
});

test("no token waits longer than the window, all of them come out in order, and a window makes one event", () => {
  const wheel = new FlushWheel(WINDOW_MS);
  const runs = Array.from({ length: 50 }, () => coalesced(wheel));
  const made: number[][] = runs.map(() => []);
  for (let ms = 0; ms < 1_000; ms++) {
    // Each run at its own pace, 1 to 30 ms from token to token.
    for (const [index, { token }] of runs.entries()) {
      if (ms % (1 + (index % 30)) !== 0) continue;
      token(`${made[index]?.length} `);
      made[index]?.push(performance.now());
    }
    vi.advanceTimersByTime(1);
  }
  vi.advanceTimersByTime(2 * WINDOW_MS);
  for (const [index, { out }] of runs.entries()) {
    const tokens = out.flatMap(({ chunk, at }) =>
      (chunk as { content: string }).content
        .trim()
        .split(" ")
        .map((number) => ({ number: Number(number), at })),
    );
    expect(tokens.map(({ number }) => number)).toEqual(made[index]?.map((_, number) => number));
    expect(Math.max(...tokens.map(({ number, at }) => at - (made[index]?.[number] ?? 0)))).toBeLessThanOrEqual(WINDOW_MS + 1);
    // 1,000 ms have 50 windows of 20 ms. Where tokens come fast, the next one begins with the next token.
    const pace = 1 + (index % 30);
    const period = pace <= WINDOW_MS / 2 ? pace * Math.ceil(WINDOW_MS / pace) : WINDOW_MS;
    expect(out.length).toBeLessThanOrEqual(1_000 / period + 3);
  }
});

test("one that comes late in a window does not wait for a whole one", () => {
  const { out, token } = coalesced();
  token("a");
  vi.advanceTimersByTime(15);
  token("b");
  vi.advanceTimersByTime(WINDOW_MS - 15 + 1);
  expect(out.map(({ chunk }) => (chunk as { content: string }).content)).toEqual(["a", "b"]);
});

test("all runs share one timer, and without held text there is none", () => {
  const wheel = new FlushWheel(WINDOW_MS);
  const runs = Array.from({ length: 1_000 }, () => coalesced(wheel));
  for (const { token } of runs) for (const content of ["at once", "held", "held too"]) token(content);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(2 * WINDOW_MS);
  for (const { out } of runs) expect(out.map(({ chunk }) => chunk)).toMatchObject([{ content: "at once" }, { content: "heldheld too" }]);
  expect(vi.getTimerCount()).toBe(0);
});

test("what is due sooner than what is held already is not late", () => {
  const wheel = new FlushWheel(WINDOW_MS);
  const [slow, fast] = [coalesced(wheel), coalesced(wheel)];
  slow.token("a");
  vi.advanceTimersByTime(14);
  fast.token("c");
  vi.advanceTimersByTime(1);
  fast.token("d");
  slow.token("b");
  const since = performance.now();
  vi.advanceTimersByTime(WINDOW_MS + 1);
  expect(slow.out[1]!.at - since).toBeLessThanOrEqual(6);
  expect(fast.out[1]!.at - since).toBeLessThanOrEqual(WINDOW_MS + 1);
});

test("after a long silence the wheel is as good as new", () => {
  const { out, token } = coalesced();
  token("a");
  token("b");
  vi.advanceTimersByTime(60_000);
  token("c");
  token("d");
  vi.advanceTimersByTime(WINDOW_MS + 1);
  expect(out.map(({ chunk }) => (chunk as { content: string }).content)).toEqual(["a", "b", "c", "d"]);
});
