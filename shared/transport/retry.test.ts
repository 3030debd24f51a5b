import { describe, expect, test } from "vitest";

import { watchTimers } from "../testing/timers.ts";
import { Backoff, parseRetryAfter, wait } from "./retry.ts";

const waits = (backoff: Backoff): (number | null)[] => Array.from({ length: 7 }, () => backoff.next());

describe("the wait before the next attempt", () => {
  test("doubles up to the limit, then the budget is spent", () => {
    expect(waits(new Backoff({ maxAttempts: 6, baseMs: 100, maxMs: 1000, random: () => 0 }))).toEqual([
      100,
      200,
      400,
      800,
      1000,
      1000,
      null,
    ]);
  });

  test("jitter takes up to half of it away", () => {
    expect(waits(new Backoff({ maxAttempts: 3, baseMs: 100, maxMs: 1000, random: () => 0.999_999 })).slice(0, 3)).toEqual([50, 100, 200]);
  });

  test("the defaults are five attempts from 300 ms", () => {
    expect(waits(new Backoff({ random: () => 0 }))).toEqual([300, 600, 1200, 2400, 4800, null, null]);
  });

  test("Retry-After is a floor, not a replacement", () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 0 });
    expect(backoff.next(5000)).toBe(5000);
    expect(backoff.next(1)).toBe(200);
  });

  test("progress makes the budget whole, and the waits short again", () => {
    const backoff = new Backoff({ maxAttempts: 2, baseMs: 100, random: () => 0 });
    backoff.next();
    backoff.next();
    expect(backoff.attempt).toBe(2);
    backoff.progress();
    expect(backoff.attempt).toBe(0);
    expect(backoff.next()).toBe(100);
  });

  test("a budget of none never waits", () => expect(new Backoff({ maxAttempts: 0 }).next()).toBeNull());
});

describe("waiting", () => {
  const never = new AbortController().signal;

  test("ends after its time", async () => {
    const begin = performance.now();
    await wait(20, never);
    expect(performance.now() - begin).toBeGreaterThan(15);
  });

  test("ends when the browser is online again, and lets go of everything", async () => {
    const listeners = new EventTarget();
    const { addEventListener, removeEventListener } = globalThis;
    Object.assign(globalThis, {
      addEventListener: listeners.addEventListener.bind(listeners),
      removeEventListener: listeners.removeEventListener.bind(listeners),
    });
    const timers = watchTimers();
    const waiting = wait(60_000, never);
    listeners.dispatchEvent(new Event("online"));
    await waiting;
    expect(timers.pending()).toBe(0);
    timers.restore();
    Object.assign(globalThis, { addEventListener, removeEventListener });
  });

  test("ends without error when the signal aborts, also before", async () => {
    const stop = new AbortController();
    const waiting = wait(60_000, stop.signal);
    stop.abort();
    await waiting;
    await wait(60_000, stop.signal);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  test.each([
    ["7", 7000],
    [" 0 ", 0],
    ["Tue, 01 Jan 2030 00:00:30 GMT", 30_000],
    ["Mon, 31 Dec 2029 00:00:00 GMT", 0],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ])("%j", (value, expected) => expect(parseRetryAfter(value, now)).toBe(expected));
});
