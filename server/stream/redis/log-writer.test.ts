/** What the writer of logs leaves alone, at a real Redis: a run may be forgotten at any moment, also between two of its commands. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { redisServer, startRedis, WITHOUT_REDIS, type RedisServer } from "../../testing/redis-server.ts";
import { tokenFrame } from "../../testing/run-store-conformance.ts";
import { eventually } from "../../testing/stream-client.ts";
import { FrameLog } from "../frame-log.ts";
import { encodeFrame } from "../frame.ts";
import { connect } from "./client.ts";
import { redisKeys } from "./keys.ts";
import { LogWriter } from "./log-writer.ts";

describe.skipIf(!redisServer)(`LogWriter${WITHOUT_REDIS}`, () => {
  let server: RedisServer;
  let prefixes = 0;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  /** A writer of one run, "r", whose log keeps `maxEvents`. */
  async function write({
    maxEvents = 1_000,
    restore = () => Promise.resolve(),
  }: { maxEvents?: number; restore?: () => Promise<void> } = {}) {
    const errors: Error[] = [];
    const note = (error: Error): void => void errors.push(error);
    const prefix = `writer${prefixes++}:`;
    const redis = connect(Redis, { url: server.url, name: "test", onError: note });
    await redis.connect();
    const writer = new LogWriter({
      redis,
      keys: redisKeys(prefix),
      flushMs: 1,
      ttlMs: 900_000,
      restore,
      onFenced: () => undefined,
      onError: note,
    });
    onTestFinished(async () => {
      await writer.close();
      redis.disconnect();
      expect(errors).toEqual([]);
    });
    const log = new FrameLog("m", { maxBytes: 1_000_000, maxEvents });
    const run = writer.add("r", log);
    let seq = 0;
    const append = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left--) void writer.append(run, tokenFrame(++seq));
      await eventually(() => log.head === seq, "the frames");
    };
    const stored = (): Promise<string[]> => redis.keys(`${prefix}*`);
    /** The run goes at the moment Redis answers where its log ends. */
    const forgottenOnceLookedAt = (): (() => boolean) => {
      const look = redis.xrevrange.bind(redis) as (...args: unknown[]) => Promise<unknown>;
      const spy = vi.spyOn(redis, "xrevrange").mockImplementationOnce((async (...args: unknown[]) => {
        const entries = await look(...args);
        writer.remove("r");
        return entries;
      }) as never);
      return () => spy.mock.calls.length > 0;
    };
    return { redis, prefix, writer, log, append, stored, forgottenOnceLookedAt };
  }

  const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

  test("each of many logs in one batch gets its own text, whatever a character takes in bytes", async () => {
    const { redis, prefix, writer, append } = await write();
    await append(1);
    const words = ["plain", "wörd", "漢字", "🙂 and so on", ""];
    const runs = words.map((_, index) => {
      const log = new FrameLog("m", { maxBytes: 1_000_000, maxEvents: 1_000 });
      return { log, run: writer.add(`many${index}`, log), texts: [] as string[] };
    });
    for (let seq = 1; seq <= 8; seq++) {
      for (const [index, { run, texts }] of runs.entries()) {
        const frame = encodeFrame({ type: "token", content: `${words[index]} ${seq}` }, seq);
        texts.push(frame.sse);
        void writer.append(run, frame);
      }
      // The first makes each log, by a command of its own; two and two of the others are a batch.
      if (seq % 2 === 1) await eventually(() => runs.every(({ log }) => log.head === seq), "the batch");
    }
    await eventually(() => runs.every(({ log }) => log.head === 8), "the last");
    for (const [index, { texts }] of runs.entries()) {
      const entries = await redis.xrange(`${prefix}log:many${index}`, "-", "+");
      expect(entries.map(([, [, text]]) => text).join("")).toBe(texts.join(""));
      expect(entries.map(([id, [, , , last]]) => [id, last])).toEqual([
        ["0-1", "1"],
        ["0-2", "3"],
        ["0-4", "5"],
        ["0-6", "7"],
        ["0-8", "8"],
      ]);
    }
  });

  test("what Redis has lost is written again", async () => {
    const { redis, prefix, writer, append, stored } = await write();
    await append(3);
    await redis.unlink(`${prefix}log:r`);
    writer.doubt();
    await eventually(async () => (await stored()).length === 1, "the log");
    expect(await redis.xlen(`${prefix}log:r`)).toBe(1);
  });

  test("but not that of a run that is forgotten while it is found out", async () => {
    let restored = 0;
    const { redis, prefix, writer, append, stored } = await write({
      restore: async () => {
        restored++;
        writer.remove("r");
      },
    });
    await append(3);
    await redis.unlink(`${prefix}log:r`);
    writer.doubt();
    await eventually(() => restored === 1, "the writer to ask for the record");
    await aWhile();
    expect(await stored()).toEqual([]);
  });

  test("nor that of one that is forgotten while its end is read", async () => {
    const restore = vi.fn(() => Promise.resolve());
    const { redis, prefix, writer, append, stored, forgottenOnceLookedAt } = await write({ restore });
    await append(3);
    await redis.unlink(`${prefix}log:r`);
    const looked = forgottenOnceLookedAt();
    writer.doubt();
    await eventually(looked, "the look");
    await aWhile();
    expect(await stored()).toEqual([]);
    expect(restore).not.toHaveBeenCalled();
  });

  test("a log that is too long gets a snapshot, and none when its run is forgotten meanwhile", async () => {
    const { redis, prefix, log, append, stored, forgottenOnceLookedAt } = await write({ maxEvents: 200 });
    await append(100);
    // Slabs of 4 KB are dropped whole.
    for (let round = 0; round < 5 && log.droppedSeq === 0; round++) await append(100);
    await eventually(async () => (await stored()).length === 2, "the snapshot");
    expect((await stored()).toSorted()).toEqual([`${prefix}log:r`, `${prefix}snapshot:r`]);

    await redis.unlink(`${prefix}snapshot:r`);
    const dropped = log.droppedSeq;
    const looked = forgottenOnceLookedAt();
    for (let round = 0; round < 20 && log.droppedSeq === dropped; round++) await append(20);
    await eventually(looked, "the look");
    await aWhile();
    expect(await stored()).toEqual([`${prefix}log:r`]);
  });
});
