import { expect, it } from "vitest";

import { type TypingClock, TypingFrames } from "./typing-frames.ts";

interface Manual {
  frames: TypingFrames;
  /** Frames that were asked for and ran, each with the frames since the last key. */
  ran: () => number;
  typing: boolean[];
  /** Lets frames come, 16 ms apart. @param each what happens before one */
  run: (count: number, each?: () => void) => void;
}

function manual(): Manual {
  let now = 0;
  let ran = 0;
  let waiting: (() => void)[] = [];
  let timers: { at: number; callback: () => void }[] = [];
  const typing: boolean[] = [];
  const schedule = (callback: () => void): (() => void) => {
    waiting.push(callback);
    return () => (waiting = waiting.filter((other) => other !== callback));
  };
  const clock: TypingClock = {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
  };
  return {
    frames: new TypingFrames({ schedule }, (isTyping) => typing.push(isTyping), clock),
    ran: () => ran,
    typing,
    run(count, each) {
      for (let frame = 0; frame < count; frame++) {
        now += 16;
        each?.();
        for (const timer of timers.filter(({ at }) => at <= now)) {
          timers = timers.filter((other) => other !== timer);
          timer.callback();
        }
        const due = waiting;
        waiting = [];
        if (due.length > 0) ran += 1;
        for (const callback of due) callback();
      }
    },
  };
}

/** A text that always has something to write. @param onWrite told of each piece */
function stream(frames: TypingFrames, onWrite: () => void = () => undefined): () => number {
  let writes = 0;
  const write = (): void => {
    writes++;
    onWrite();
    frames.schedule(write);
  };
  frames.schedule(write);
  return () => writes;
}

it("writes in every frame while nobody types", () => {
  const { frames, run } = manual();
  const writes = stream(frames);
  run(60);
  expect(writes()).toBe(60);
});

it("writes in the frame behind the one that shows a key, and in every frame again when one has stopped", () => {
  const { frames, run, typing } = manual();
  let sinceKey = 0;
  const at: number[] = [];
  const writes = stream(frames, () => at.push(sinceKey));
  run(3);
  at.length = 0;
  // Seven frames from key to key: 112 ms.
  run(70, () => {
    sinceKey += 1;
    if (sinceKey < 7) return;
    sinceKey = 0;
    frames.typed();
  });
  // What had been asked for before the first key comes with it.
  expect(at.slice(7)).toEqual(Array.from({ length: at.length - 7 }, () => 1));
  expect(at.length - 7).toBeGreaterThanOrEqual(8);
  expect(typing).toEqual([true]);
  run(25);
  expect(typing).toEqual([true, false]);
  const before = writes();
  run(30);
  expect(writes()).toBe(before + 30);
});

it("asks for no frame between the two", () => {
  const { frames, run, ran } = manual();
  stream(frames);
  let frame = 0;
  frames.typed();
  run(2);
  const idle = ran();
  // Keys 160 ms apart: of ten frames two have something to do.
  run(100, () => frame++ % 10 === 0 && frames.typed());
  expect(ran() - idle).toBeLessThanOrEqual(22);
});

it("writes five times a second while keys repeat so fast that no frame is free", () => {
  const { frames, run } = manual();
  const writes = stream(frames);
  run(125, () => frames.typed());
  expect(writes()).toBeGreaterThanOrEqual(9);
  expect(writes()).toBeLessThanOrEqual(11);
});

it("writes two texts of one frame together", () => {
  const { frames, run } = manual();
  const [one, other] = [stream(frames), stream(frames)];
  run(60, () => frames.typed());
  expect(one()).toBe(other());
});

it("runs nothing that was cancelled, while it waits either", () => {
  const { frames, run } = manual();
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

it("writes all that waits once one has stopped, although nothing more comes", () => {
  const { frames, run } = manual();
  let ran = 0;
  frames.typed();
  run(3);
  for (let text = 0; text < 3; text++) frames.schedule(() => ran++);
  run(20);
  expect(ran).toBe(3);
});
