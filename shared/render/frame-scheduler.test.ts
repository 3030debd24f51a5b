import { expect, test } from "vitest";

import { createFrameScheduler, type FrameClock } from "./frame-scheduler.ts";

/** Frames and timers that come when they are told to. */
class ManualFrames implements FrameClock {
  readonly document = { hidden: false };
  readonly frames = new Map<number, () => void>();
  readonly timers = new Map<number, () => void>();
  #id = 0;

  requestAnimationFrame(callback: () => void): number {
    this.frames.set(++this.#id, callback);
    return this.#id;
  }

  cancelAnimationFrame(id: number): void {
    this.frames.delete(id);
  }

  setTimeout(callback: () => void, ms: number): number {
    expect(ms).toBe(250);
    this.timers.set(++this.#id, callback);
    return this.#id;
  }

  clearTimeout(id: number): void {
    this.timers.delete(id);
  }

  run(queue: Map<number, () => void>): void {
    const callbacks = [...queue.values()];
    queue.clear();
    for (const callback of callbacks) callback();
  }
}

function setUp(): { clock: ManualFrames; runs: () => number; cancel: () => void } {
  const clock = new ManualFrames();
  let runs = 0;
  const cancel = createFrameScheduler(clock).schedule(() => runs++);
  return { clock, runs: () => runs, cancel };
}

test("runs in the next frame, once, and leaves nothing behind", () => {
  const { clock, runs } = setUp();
  expect(runs()).toBe(0);
  clock.run(clock.frames);
  clock.run(clock.timers);
  expect([runs(), clock.frames.size, clock.timers.size]).toEqual([1, 0, 0]);
});

test("a document hidden after the frame was asked for gets the timer instead", () => {
  const { clock, runs } = setUp();
  clock.document.hidden = true;
  clock.run(clock.timers);
  expect([runs(), clock.frames.size, clock.timers.size]).toEqual([1, 0, 0]);
});

test("a visible document that is slow still waits for its frame", () => {
  const { clock, runs } = setUp();
  clock.run(clock.timers);
  clock.run(clock.timers);
  expect(runs()).toBe(0);
  clock.run(clock.frames);
  expect(runs()).toBe(1);
});

test("nothing runs after cancelling, however often", () => {
  const { clock, runs, cancel } = setUp();
  cancel();
  cancel();
  clock.document.hidden = true;
  clock.run(clock.frames);
  clock.run(clock.timers);
  expect([runs(), clock.frames.size, clock.timers.size]).toEqual([0, 0, 0]);
});
