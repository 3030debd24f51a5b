import { expect, test } from "vitest";

import { encodeFrame } from "./frame.ts";
import { FrameLog } from "./frame-log.ts";
import type { Follow } from "./run-store.ts";

const LIMITS = { maxBytes: 1_000_000, maxEvents: 1_000 };
const token = (seq: number) => encodeFrame({ type: "token", content: `${seq} ` }, seq);
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Five readers; the one at `place` does `act` when it is given the second frame. */
async function readers(
  place: number,
  act: (places: readonly Follow[], seen: readonly number[][]) => void,
): Promise<{ log: FrameLog; seen: number[][] }> {
  const log = new FrameLog("m", LIMITS);
  const seen: number[][] = [[], [], [], [], []];
  const places = seen.map((list, index): Follow =>
    log.follow(0, {
      take: (frames) => {
        list.push(...frames.map(({ seq }) => seq));
        if (index === place && frames[0]?.seq === 2) act(places, seen);
        return undefined;
      },
      end: () => undefined,
    }),
  );
  await turn();
  for (let seq = 1; seq <= 3; seq++) log.append(token(seq));
  return { log, seen };
}

test("readers that leave while a frame is handed out, themselves or others, cost no other reader a frame and get none", async () => {
  // Every reader, and every set of readers that could leave in that moment, the older or the newer ones first.
  for (let actor = 0; actor < 5; actor++) {
    for (let moment = 0; moment < 64; moment++) {
      const leaving = moment >> 1;
      const leaves = (index: number) => (leaving & (1 << index)) !== 0;
      let given: number[][] = [];
      const { log, seen } = await readers(actor, (places, lists) => {
        given = lists.map((list) => [...list]);
        const going = places.filter((_, index) => leaves(index));
        for (const place of moment % 2 === 0 ? going : going.toReversed()) place.leave();
      });
      for (const [index, list] of seen.entries()) {
        const expected = leaves(index) ? given[index] : [1, 2, 3];
        expect(list, `reader ${index}, acting ${actor}, moment ${moment}`).toEqual(expected);
      }
      expect(log.readers).toBe(5 - seen.filter((_, index) => leaves(index)).length);
    }
  }
});

test("a reader that leaves twice is counted once", async () => {
  const { log } = await readers(2, ([, , third]) => {
    third?.leave();
    third?.leave();
  });
  expect(log.readers).toBe(4);
});

test("a reader that comes while a frame is handed out gets every frame once", async () => {
  const late: number[] = [];
  const { log } = await readers(1, () => undefined);
  log.follow(3, {
    take: (frames) => {
      log.follow(0, { take: (more) => void late.push(...more.map(({ seq }) => seq)), end: () => undefined });
      expect(frames.map(({ seq }) => seq)).toEqual([4]);
      return undefined;
    },
    end: () => undefined,
  });
  await turn();
  log.append(token(4));
  await turn();
  expect(late).toEqual([1, 2, 3, 4]);
});
