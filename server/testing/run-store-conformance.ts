/** What every `RunStore` has to keep. Call it from the test of an implementation. */
import { expect, test } from "vitest";

import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { encodeFrame, frameJson, type Frame } from "../stream/frame.ts";
import type { RunStore } from "../stream/run-store.ts";

/** @param make A store whose logs hold about 16 KB. */
export function describeRunStore(name: string, make: () => RunStore | Promise<RunStore>): void {
  const token = (seq: number): Frame =>
    encodeFrame(
      seq === 1 ? { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 } : { type: "token", content: `t${seq} ` },
      seq,
    );
  const end = (seq: number): Frame => encodeFrame({ type: "done", reason: "stop" }, seq);
  const forever = new AbortController().signal;

  async function drain(frames: AsyncIterable<readonly Frame[]>): Promise<number[]> {
    const seqs: number[] = [];
    for await (const batch of frames) for (const frame of batch) seqs.push(frame.seq);
    return seqs;
  }

  test(`${name}: a follower gets what was, then what comes, each once, and is let go after the terminal frame`, async () => {
    const store = await make();
    await store.create("r", "m");
    for (let seq = 1; seq <= 3; seq++) await store.append("r", token(seq));
    const readers = [0, 1, 2, 3].map((after) => drain(store.follow("r", after, forever)));
    for (let seq = 4; seq <= 50; seq++) {
      await store.append("r", token(seq));
      if (seq % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await store.append("r", end(51));
    for (const [after, reader] of readers.entries())
      expect(await reader).toEqual(Array.from({ length: 51 - after }, (_, index) => after + 1 + index));
    expect(await store.head("r")).toEqual({ seq: 51, ended: true });
    expect(await drain(store.follow("r", 51, forever))).toEqual([]);
  });

  test(`${name}: nothing follows a terminal frame`, async () => {
    const store = await make();
    await store.create("r", "m");
    await store.append("r", token(1));
    await store.append("r", end(2));
    await store.append("r", token(3));
    expect(await store.head("r")).toEqual({ seq: 2, ended: true });
  });

  test(`${name}: a log that was never created, or is deleted, has no head and nothing to follow`, async () => {
    const store = await make();
    expect(await store.head("r")).toBeUndefined();
    expect(await drain(store.follow("r", 0, forever))).toEqual([]);
    await store.create("r", "m");
    await store.append("r", token(1));
    const waiting = drain(store.follow("r", 0, forever));
    await new Promise((resolve) => setImmediate(resolve));
    await store.delete("r");
    expect(await waiting).toEqual([1]);
    expect(await store.head("r")).toBeUndefined();
  });

  test(`${name}: aborting ends a follower that waits`, async () => {
    const store = await make();
    await store.create("r", "m");
    const stop = new AbortController();
    const waiting = drain(store.follow("r", 0, stop.signal));
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await waiting).toEqual([]);
  });

  test(`${name}: an outgrown log gives a snapshot to old cursors, wherever they stand, and the same message`, async () => {
    const store = await make();
    await store.create("r", "m");
    const count = 2000;
    for (let seq = 1; seq <= count; seq++) await store.append("r", token(seq));
    await store.append("r", end(count + 1));
    const whole = Array.from({ length: count - 1 }, (_, index) => `t${index + 2} `).join("");
    for (const after of [0, 1, 2, 500, 1000, count - 1, count]) {
      let text = after <= 1 ? "" : whole.slice(0, whole.indexOf(`t${after} `) + `t${after} `.length);
      let seq = after;
      for await (const batch of store.follow("r", after, forever)) {
        for (const frame of batch) {
          const event = JSON.parse(frameJson(frame)) as StreamChunk & { seq: number };
          if (event.type === "snapshot") {
            expect(event.seq).toBeGreaterThan(seq);
            text = event.message.chunks.map((chunk) => (chunk.type === "token" ? chunk.content : "")).join("");
          } else {
            expect(event.seq).toBe(seq + 1);
            if (event.type === "token") text += event.content;
          }
          seq = event.seq;
        }
      }
      expect(seq).toBe(count + 1);
      expect(text, `from ${after}`).toBe(whole);
    }
  });
}
