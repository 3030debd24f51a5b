import { expect, onTestFinished, test } from "vitest";

import type { StreamEvent } from "../../shared/protocol/chunk.ts";
import { connect, loadRedis } from "../stream/redis/client.ts";
import { redisServer, startRedis, WITHOUT_REDIS } from "../testing/redis-server.ts";
import { openAiText } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, userSays } from "../testing/stream-client.ts";
import { startWithProvider, type TestGateway } from "../testing/test-gateway.ts";
import { loadConfig } from "../config.ts";
import { clientAddress } from "./client-address.ts";
import type { Caller } from "./caller.ts";
import { Limits, type LimitSettings } from "./limits.ts";

const NONE: LimitSettings = { requestsPerMinute: 0, streamsPerUser: 0, streamsPerAddress: 0, tokensPerDay: 0 };
const caller = (owner: string, ip = "1.1.1.1", more: Partial<Caller> = {}): Caller => ({ owner, ip, ...more });
const done = (totalTokens: number): StreamEvent => ({ type: "done", reason: "stop", usage: { totalTokens }, seq: 9 });
const end = (totalTokens: number): never => done(totalTokens) as never;

const from = (gateway: TestGateway, ip: string): Promise<Response> =>
  postChat(gateway.url, userSays("hi"), { headers: { "X-Forwarded-For": ip } });

test("too many requests of one address are 429 with the wait, and another address is not touched", async () => {
  const { gateway, provider } = await startWithProvider({ requestsPerMinute: 3, trustedProxies: 1 });
  provider.reply({ slices: openAiText(["ok"]) });
  for (let at = 0; at < 3; at++) expect((await readAll(await from(gateway, "9.9.9.9"))).at(-1)?.type).toBe("done");
  const refused = await from(gateway, "9.9.9.9");
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ error: { code: "rate_limited", retryable: true } });
  expect((await readAll(await from(gateway, "8.8.8.8"))).at(-1)?.type).toBe("done");
  expect(provider.calls).toHaveLength(4);
});

test("too many answers at once are 503 with a wait, until one has ended; the same requestId is the same answer", async () => {
  const { gateway, provider } = await startWithProvider({ streamsPerAddress: 2, trustedProxies: 1 });
  provider.reply({ slices: openAiText(["a"]).slice(0, 2), ending: "hang" });
  const first = await postChat(gateway.url, userSays("hi", { requestId: "r1" }), { headers: { "X-Forwarded-For": "9.9.9.9" } });
  const second = await from(gateway, "9.9.9.9");
  const refused = await from(gateway, "9.9.9.9");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(await refused.text()).toContain("2 answers at once is the most");
  const again = await postChat(gateway.url, userSays("hi", { requestId: "r1" }), { headers: { "X-Forwarded-For": "9.9.9.9" } });
  expect(again.headers.get("x-stream-id")).toBe(first.headers.get("x-stream-id"));
  await fetch(`${gateway.url}/api/chat/stream/${second.headers.get("x-stream-id")}/cancel`, { method: "POST" });
  const third = await from(gateway, "9.9.9.9");
  expect(third.status).toBe(200);
  await readUntil(third, (events) => events.length === 2);
  for (const response of [first, second, again]) await response.body?.cancel();
});

test("users are told apart, and one address with many users has its own limit", () => {
  const limits = new Limits({ ...NONE, streamsPerUser: 2, streamsPerAddress: 3 });
  const leave = limits.admit(caller("a"));
  limits.admit(caller("a"));
  expect(() => limits.admit(caller("a"))).toThrow("2 answers at once");
  limits.admit(caller("b"));
  expect(() => limits.admit(caller("c"))).toThrow("3 answers at once");
  leave();
  leave();
  limits.admit(caller("c"));
  expect(() => limits.admit(caller("d"))).toThrow("3 answers at once");
});

test("a day's tokens are counted from what answers cost, and refused when they are spent", async () => {
  const limits = new Limits({ ...NONE, tokensPerDay: 100 });
  limits.admit(caller("a"))(end(60));
  await limits.request(caller("a"));
  limits.admit(caller("a"))(end(60));
  await expect(limits.request(caller("a"))).rejects.toMatchObject({ code: "rate_limited", message: "Today's budget is used up." });
  await limits.request(caller("b"));
});

test("a session's budget is its own", async () => {
  const limits = new Limits(NONE);
  const session = caller("a", "1.1.1.1", { budget: { id: "s1", tokens: 50 } });
  await limits.request(session);
  limits.admit(session)(end(50));
  await expect(limits.request(session)).rejects.toThrow("This session's budget is used up.");
  await limits.request(caller("a", "1.1.1.1", { budget: { id: "s2", tokens: 50 } }));
});

test("an answer that was stopped counts what came of it", async () => {
  const { gateway, provider } = await startWithProvider({ tokensPerDay: 2 });
  provider.reply({ slices: openAiText(["a", "b", "c", "d"]).slice(0, 4), ending: "hang" });
  const response = await postChat(gateway.url, userSays("hi"));
  await readUntil(response, (events) => events.length >= 4);
  await fetch(`${gateway.url}/api/chat/stream/${response.headers.get("x-stream-id")}/cancel`, { method: "POST" });
  await eventually(() => gateway.log().includes("run ended"), "the end");
  expect((await postChat(gateway.url, userSays("hi"))).status).toBe(429);
});

test("addresses: only what trusted proxies added to X-Forwarded-For counts", () => {
  const request = (header: string | undefined): never =>
    ({ headers: { "x-forwarded-for": header }, socket: { remoteAddress: "10.0.0.1" } }) as never;
  expect(clientAddress(request("6.6.6.6"), 0)).toBe("10.0.0.1");
  expect(clientAddress(request("6.6.6.6, 1.2.3.4"), 1)).toBe("1.2.3.4");
  expect(clientAddress(request("6.6.6.6, 1.2.3.4, 10.0.0.2"), 2)).toBe("1.2.3.4");
  expect(clientAddress(request(undefined), 1)).toBe("10.0.0.1");
});

test("limits are on where other machines can come, off on this machine, and what is set goes before", () => {
  expect(loadConfig({})).toMatchObject({ requestsPerMinute: 0, streamsPerUser: 0, streamsPerAddress: 0 });
  expect(loadConfig({ HOST: "0.0.0.0" })).toMatchObject({ requestsPerMinute: 60, streamsPerUser: 4, streamsPerAddress: 20 });
  expect(loadConfig({ HOST: "0.0.0.0", STREAMS_PER_ADDRESS: "0" })).toMatchObject({ streamsPerAddress: 0 });
  expect(loadConfig({ STREAMS_PER_USER: "9" })).toMatchObject({ streamsPerUser: 9 });
});

test.skipIf(!redisServer)(
  `with Redis two instances count together, and each for itself while Redis is away${WITHOUT_REDIS}`,
  async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const make = async (): Promise<Limits> => {
      const client = connect(await loadRedis(), { url: redis.url, name: "limits-test", onError: () => undefined });
      onTestFinished(() => client.disconnect());
      await client.connect();
      return new Limits({ ...NONE, requestsPerMinute: 3, tokensPerDay: 100 }, client);
    };
    const [one, two] = [await make(), await make()];
    await one.request(caller("a"));
    await two.request(caller("a"));
    await one.request(caller("a"));
    await expect(two.request(caller("a"))).rejects.toMatchObject({ code: "rate_limited" });
    one.admit(caller("b", "2.2.2.2"))(end(200));
    await expect.poll(() => two.request(caller("b", "2.2.2.2")).then(() => "", String)).toContain("Today's budget is used up.");
    await redis.kill();
    await one.request(caller("c", "3.3.3.3"));
  },
  20_000,
);
