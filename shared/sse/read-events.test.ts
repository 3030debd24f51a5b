import { describe, expect, test } from "vitest";

import { collect } from "../testing/answer.ts";
import { bodyOf, byteByByte, bytesOf, iterate } from "../testing/chunked.ts";
import { readSseEvents } from "./read-events.ts";

const BODY = bytesOf("id: 1\ndata: a\n\nid: 2\ndata: b\n\n");

test("the events of a ReadableStream come one by one", async () => {
  const events = await collect(readSseEvents(bodyOf(byteByByte(BODY))));
  expect(events.map(({ data, lastEventId }) => [data, lastEventId])).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
});

test("an async iterable of bytes is a body too", async () => {
  expect((await collect(readSseEvents(iterate([BODY])))).map(({ data }) => data)).toEqual(["a", "b"]);
});

test("an unterminated last block counts only with flushAtEof", async () => {
  const cut = BODY.subarray(0, -1);
  expect(await collect(readSseEvents(iterate([cut])))).toHaveLength(1);
  expect(await collect(readSseEvents(iterate([cut]), { flushAtEof: true }))).toHaveLength(2);
});

/** A body that counts what is pulled from it and knows whether it was cancelled. */
function watchedBody(pieces: number): { body: ReadableStream<Uint8Array>; pulled: () => number; cancelled: () => boolean } {
  let pulled = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (++pulled > pieces) controller.close();
        else controller.enqueue(bytesOf(`data: ${pulled}\n\n`));
      },
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => pulled, cancelled: () => cancelled };
}

describe("reading is pulled by the consumer", () => {
  test("it reads ahead by at most one chunk", async () => {
    const { body, pulled } = watchedBody(100);
    const events = readSseEvents(body);
    for (let count = 1; count <= 3; count++) {
      await events.next();
      expect(pulled()).toBeLessThanOrEqual(count + 1);
    }
    await events.return();
  });

  test("leaving the loop early cancels the body", async () => {
    const { body, cancelled } = watchedBody(100);
    for await (const event of readSseEvents(body)) if (event.data === "2") break;
    expect(cancelled()).toBe(true);
    expect(body.locked).toBe(false);
  });

  test("a body read to its end is released, not cancelled", async () => {
    const { body, cancelled } = watchedBody(3);
    await collect(readSseEvents(body));
    expect(cancelled()).toBe(false);
    expect(body.locked).toBe(false);
  });
});

describe("what goes wrong comes after what came before", () => {
  test("an event above the limit, after the events before it in the same chunk", async () => {
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { data } of readSseEvents(iterate([bytesOf(`data: a\n\ndata: ${"x".repeat(99)}\n\n`)]), { maxEventBytes: 50 }))
        seen.push(data);
    })();
    await expect(reading).rejects.toMatchObject({ code: "event_too_large" });
    expect(seen).toEqual(["a"]);
  });

  test("a body that breaks", async () => {
    const seen: string[] = [];
    const broken = new Error("broken");
    async function* body(): AsyncGenerator<Uint8Array> {
      yield BODY;
      await Promise.reject(broken);
    }
    const reading = (async () => {
      for await (const { data } of readSseEvents(body())) seen.push(data);
    })();
    await expect(reading).rejects.toBe(broken);
    expect(seen).toEqual(["a", "b"]);
  });
});
