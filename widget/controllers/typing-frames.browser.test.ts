import { expect, it } from "vitest";

import { TypingFrames, type TypingClock } from "./typing-frames.ts";

/** Frames that come when they are told to, 16 ms apart. */
function manualFrames(): { frames: TypingFrames; run: (count: number, each?: () => void) => number } {
  let now = 0;
  let waiting: (() => void)[] = [];
  let timers: { at: number; callback: () => void }[] = [];
  const schedule = (callback: () => void): (() => void) => {
    waiting.push(callback);
    return () => (waiting = waiting.filter((other) => other !== callback));
  };
  const clock = {
    now: () => now,
    setTimeout: (callback: () => void, ms: number) => timers.push({ at: now + ms, callback }) && timers.at(-1)!,
    clearTimeout: (timer: (typeof timers)[number]) => void (timers = timers.filter((other) => other !== timer)),
  };
  return {
    frames: new TypingFrames({ schedule }, clock as unknown as TypingClock),
    /** How many frames were asked for. */
    run(count, each) {
      let asked = 0;
      for (let frame = 0; frame < count; frame++) {
        now += 16;
        const due = timers.filter(({ at }) => at <= now);
        timers = timers.filter(({ at }) => at > now);
        for (const { callback } of due) callback();
        each?.();
        if (waiting.length > 0) asked++;
        for (const callback of waiting.splice(0)) callback();
      }
      return asked;
    },
  };
}

/** A text that always has something to write. */
function stream(frames: TypingFrames): () => number {
  let writes = 0;
  const write = (): void => {
    writes++;
    frames.schedule(write);
  };
  frames.schedule(write);
  return () => writes;
}

it("writes in every frame while nobody types", () => {
  const { frames, run } = manualFrames();
  const writes = stream(frames);
  run(60);
  expect(writes()).toBe(60);
});

it("writes ten times a second while somebody types, and in every frame again when they have stopped", () => {
  const { frames, run } = manualFrames();
  const writes = stream(frames);
  let sinceKey = 0;
  run(60, () => sinceKey++ % 10 === 0 && frames.typed());
  expect(writes()).toBeGreaterThanOrEqual(8);
  expect(writes()).toBeLessThanOrEqual(11);
  run(20);
  const before = writes();
  run(30);
  expect(writes()).toBe(before + 30);
});

it("never writes in a frame that paints a key, and asks for no frame that does neither", () => {
  const { frames, run } = manualFrames();
  let at = 0;
  const written: number[] = [];
  const write = (): void => {
    written.push(at);
    frames.schedule(write);
  };
  frames.schedule(write);
  const keys: number[] = [];
  const asked = run(120, () => {
    at++;
    if (at % 4 !== 1) return;
    keys.push(at);
    frames.typed();
  });
  expect(written.filter((frame) => keys.includes(frame))).toEqual([]);
  // Behind a key, and as often as it is promised.
  expect(written.filter((frame) => keys.includes(frame - 1)).length).toBe(written.length);
  expect(written.length).toBeGreaterThan(14);
  // A piece asks for the next one's frame in the frame it is written in: that one and its own.
  expect(asked).toBeLessThanOrEqual(keys.length + 2 * written.length + 1);
});

it("writes although a key is in every frame", () => {
  const { frames, run } = manualFrames();
  const writes = stream(frames);
  run(125, () => frames.typed());
  expect(writes()).toBeGreaterThan(7);
});

it("writes two texts of one frame together", () => {
  const { frames, run } = manualFrames();
  const [one, other] = [stream(frames), stream(frames)];
  run(60, () => frames.typed());
  expect(one()).toBe(other());
});

it("runs nothing that was cancelled, while it waits either", () => {
  const { frames, run } = manualFrames();
  let ran = 0;
  frames.schedule(() => ran++);
  run(1);
  frames.typed();
  const cancel = frames.schedule(() => ran++);
  run(2, () => frames.typed());
  cancel();
  run(60);
  expect(ran).toBe(1);
});
