/** Against a real Redis, started here. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { redisServer, startRedis, WITHOUT_REDIS, type RedisServer } from "../testing/redis-server.ts";
import { Collector, describeRunStore, endFrame, follow, runRecord, tokenFrame } from "../testing/run-store-conformance.ts";
import { eventually, postChat, userSays } from "../testing/stream-client.ts";
import { startTestGateway } from "../testing/test-gateway.ts";
import { encodeFrame, frameChunk } from "./frame.ts";
import { RedisRunStore, type RedisRunStoreOptions } from "./redis-run-store.ts";
import { loadRedis } from "./redis/client.ts";

test("without the package the message names it", async () => {
  const missing = Object.assign(new Error("Cannot find package 'ioredis'"), { code: "ERR_MODULE_NOT_FOUND" });
  await expect(loadRedis(() => Promise.reject(missing))).rejects.toThrow(/needs the package ioredis.*npm install ioredis/);
  // Another failure of the package is its own.
  await expect(loadRedis(() => Promise.reject(new SyntaxError("broken")))).rejects.toThrow("broken");
});

test("an address where no Redis is says so at the start", async () => {
  const store = new RedisRunStore({ url: "redis://127.0.0.1:1" });
  await expect(store.ready()).rejects.toThrow(/Redis cannot be used: .*ECONNREFUSED/);
  expect(store.healthy()).toBe(false);
  await store.close();
});

test("a request that cannot be kept is refused as overloaded, and the failure is nobody's unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  onTestFinished(() => void process.off("unhandledRejection", note));
  const gateway = await startTestGateway({ redisUrl: "redis://127.0.0.1:1" });
  const response = await postChat(gateway.url, userSays("hi"));
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { code: "overloaded", retryable: true } });
  await eventually(() => gateway.log().includes("run not deleted"), "the failure in the log");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(unhandled).toEqual([]);
});

describe.skipIf(!redisServer)(`RedisRunStore${WITHOUT_REDIS}`, () => {
  let redis: RedisServer;
  let prefixes = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  async function open(server: RedisServer, prefix: string, options: Partial<RedisRunStoreOptions> = {}): Promise<RedisRunStore> {
    const store = new RedisRunStore({ url: server.url, prefix, ...options });
    await store.ready();
    return store;
  }

  async function pair(
    server: RedisServer,
    options: Partial<RedisRunStoreOptions> = {},
  ): Promise<{ one: RedisRunStore; other: RedisRunStore }> {
    const prefix = `test${prefixes++}:`;
    return { one: await open(server, prefix, options), other: await open(server, prefix, options) };
  }

  async function pairToClose(server: RedisServer): Promise<{ one: RedisRunStore; other: RedisRunStore }> {
    const stores = await pair(server);
    onTestFinished(async () => {
      await stores.one.close();
      await stores.other.close();
    });
    return stores;
  }

  describeRunStore("Redis, two instances", () => pair(redis, { maxBytes: 16_384 }));

  test("what a provider sends at once is one entry, and the first event does not wait for the window", async () => {
    const { one, other } = await pairToClose(redis);
    const record = runRecord();
    await one.create(record, undefined);
    const reader = follow(other, record.id, 0);
    const began = performance.now();
    void one.writer(record.id).append(tokenFrame(1));
    await eventually(() => reader.frames.length === 1, "the first event");
    expect(performance.now() - began).toBeLessThan(1000);
    for (let seq = 2; seq <= 40; seq++) void one.writer(record.id).append(tokenFrame(seq));
    void one.writer(record.id).append(endFrame(41));
    await reader.ended;
    const client = await rawClient(redis);
    const [key] = await client.keys(`*log:${record.id}`);
    expect(await client.xlen(key ?? "")).toBe(3);
    expect(await client.pttl(key ?? "")).toBeLessThanOrEqual(900_000);
    client.disconnect();
  });

  test(
    "a producer that dies ends its log with producer_lost within 15 s, and what it writes afterwards is refused",
    { timeout: 40_000 },
    async () => {
      const prefix = `test${prefixes++}:`;
      const client = await rawClient(redis);
      await client.acl("SETUSER", "dying", "on", ">dies", "~*", "&*", "+@all");
      const one = await open({ ...redis, url: redis.url.replace("//", "//dying:dies@") }, prefix);
      const other = await open(redis, prefix);
      onTestFinished(async () => {
        await one.close();
        await other.close();
      });
      const lost: string[] = [];
      one.serve({ deliver: () => "accepted", lost: (id) => lost.push(id) });
      const record = runRecord();
      await one.create(record, undefined);
      for (let seq = 1; seq <= 5; seq++) void one.writer(record.id).append(tokenFrame(seq));
      const reader = follow(other, record.id, 0);
      await eventually(() => reader.frames.length === 5, "the events");
      // Dead as others see it: its lease is gone and it may not renew it. Its connection lives, as that of a stopped process would.
      await client.acl("SETUSER", "dying", "resetkeys", `~${prefix}run:*`, `~${prefix}log:*`, `~${prefix}snapshot:*`);
      expect(await client.del(`${prefix}producer:${one.instance}`)).toBe(1);
      const died = performance.now();
      await reader.ended;
      expect(performance.now() - died).toBeLessThan(15_000);
      expect(reader.seqs).toEqual([1, 2, 3, 4, 5, 6]);
      const last = reader.frames.at(-1);
      expect(last && frameChunk(last)).toMatchObject({ type: "error", code: "producer_lost", retryable: true });
      // It comes back and goes on writing, several batches and an end of its own.
      const atHome = follow(one, record.id, 0);
      for (let seq = 6; seq <= 30; seq++) {
        void one.writer(record.id).append(tokenFrame(seq));
        if (seq % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
      }
      void one.writer(record.id).append(endFrame(31));
      await atHome.ended;
      expect(lost).toEqual([record.id]);
      expect(atHome.frames.map(({ sse }) => sse)).toEqual(reader.frames.map(({ sse }) => sse));
      const again = follow(await reopened(other), record.id, 0);
      await again.ended;
      expect(again.seqs).toEqual([1, 2, 3, 4, 5, 6]);
      client.disconnect();
    },
  );

  test.each([
    ["with everything", true],
    ["empty", false],
  ])("a Redis that dies and comes back %s costs no event and repeats none", { timeout: 40_000 }, async (_how, persistent) => {
    const server = await startRedis({ persistent });
    onTestFinished(() => server.stop());
    const { one, other } = await pairToClose(server);
    const record = runRecord();
    await one.create(record, "key");
    const readers = [follow(one, record.id, 0), follow(other, record.id, 0)];
    let seq = 0;
    const produce = async (count: number): Promise<void> => {
      for (let written = 0; written < count; written++) {
        void one.writer(record.id).append(tokenFrame(++seq));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    await produce(100);
    const killed = server.kill();
    await produce(100);
    await killed;
    expect(one.healthy()).toBe(false);
    await server.start();
    await produce(100);
    await eventually(() => one.healthy(), "the store to be healthy again", 5000);
    void one.writer(record.id).append(endFrame(++seq));
    for (const reader of readers) {
      await reader.ended;
      expect(reader.seqs).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
    }
    // The record and the claim are there again too.
    expect(await other.find(record.id)).toEqual(record);
    expect(await other.create(runRecord(), "key")).toEqual(record);
  });

  test(
    "a Redis that stays away is gone without: readers here go on after 5 s, and Redis gets the rest when it is back",
    { timeout: 40_000 },
    async () => {
      const server = await startRedis();
      onTestFinished(() => server.stop());
      const { one, other } = await pairToClose(server);
      const record = runRecord();
      await one.create(record, undefined);
      void one.writer(record.id).append(tokenFrame(1));
      const reader = follow(one, record.id, 0);
      await eventually(() => reader.frames.length === 1, "the first event");
      await server.kill();
      for (let seq = 2; seq <= 10; seq++) void one.writer(record.id).append(tokenFrame(seq));
      void one.writer(record.id).append(endFrame(11));
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(reader.seqs).toEqual([1]);
      await reader.ended;
      expect(reader.seqs).toEqual(Array.from({ length: 11 }, (_, index) => index + 1));
      await server.start();
      await eventually(async () => (await other.head(record.id))?.ended === true, "the log to be written again", 8000);
      const late = follow(other, record.id, 0);
      await late.ended;
      expect(late.frames.map(({ sse }) => sse)).toEqual(reader.frames.map(({ sse }) => sse));
    },
  );

  test("a producer that is far ahead of Redis waits for it", async () => {
    const { one } = await pairToClose(redis);
    const record = runRecord();
    await one.create(record, undefined);
    const reader = new Collector();
    one.follow(record.id, 0, reader);
    const big = (seq: number) => encodeFrame({ type: "token", content: "x".repeat(20_000) }, seq);
    const waits = Array.from({ length: 60 }, (_, index) => one.writer(record.id).append(big(index + 1)));
    expect(waits[10]).toBeUndefined();
    expect(waits[59]).toBeInstanceOf(Promise);
    await waits[59];
    await eventually(() => reader.seqs.at(-1) === 60, "all of it");
  });

  test("a run that is deleted while Redis is being given a part of it stays deleted, whatever was still to be written", async () => {
    const { one } = await pairToClose(redis);
    const record = runRecord();
    await one.create(record, undefined);
    const reader = new Collector();
    one.follow(record.id, 0, reader);
    const writer = one.writer(record.id);
    void writer.append(tokenFrame(1));
    await new Promise((resolve) => setImmediate(resolve));
    // The first is on its way, the second waits for it.
    void writer.append(tokenFrame(2));
    await one.delete(record.id);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const client = await rawClient(redis);
    expect(await client.keys(`*${record.id}`)).toEqual([]);
    expect(reader.seqs).not.toContain(2);
    client.disconnect();
  });

  async function rawClient(server: RedisServer) {
    const Redis = await loadRedis();
    return new Redis(server.url);
  }

  /** The same store, seen by a process that begins now. */
  async function reopened(store: RedisRunStore): Promise<RedisRunStore> {
    const again = await open(redis, store.prefix);
    onTestFinished(() => again.close());
    return again;
  }
});
