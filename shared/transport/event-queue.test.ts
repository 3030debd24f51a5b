import { expect, test } from "vitest";

import { collect } from "../testing/answer.ts";
import { EventQueue } from "./event-queue.ts";

test("what was pushed before and while it is read comes in order", async () => {
  const queue = new EventQueue<number>();
  queue.push(1);
  const reading = collect(queue);
  queue.push(2);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  expect(await reading).toEqual([1, 2, 3]);
});

test("an error comes after the items before it, and nothing after it", async () => {
  const queue = new EventQueue<number>();
  const broken = new Error("broken");
  queue.push(1);
  queue.end(broken);
  queue.push(2);
  queue.end();
  const seen: number[] = [];
  await expect(
    (async () => {
      for await (const item of queue) seen.push(item);
    })(),
  ).rejects.toBe(broken);
  expect(seen).toEqual([1]);
});

test("ending wakes a reader that waits", async () => {
  const queue = new EventQueue<number>();
  const reading = collect(queue);
  await Promise.resolve();
  queue.end();
  expect(await reading).toEqual([]);
});
