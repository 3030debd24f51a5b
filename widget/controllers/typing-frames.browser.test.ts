import { expect, it } from "vitest";

import { TypingFrames } from "./typing-frames.ts";

/** Frames that come when they are told to, 16 ms apart. */
function manualFrames(): { frames: TypingFrames; run: (count: number, each?: () => void) => void } {
  let now = 0;
  let waiting: (() => void)[] = [];
  const schedule = (callback: () => void): (() => void) => {
    waiting.push(callback);
    return () => (waiting = waiting.filter((other) => other !== callback));
  };
  return {
    frames: new TypingFrames({ schedule }, () => now),
    run(count, each) {
      for (let frame = 0; frame < count; frame++) {
        now += 16;
        each?.();
        for (const callback of waiting.splice(0)) callback();
      }
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
