/** Two gateways on one Redis, as they are deployed: what one begins, the other can read, stop and answer. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { createFetchSseTransport, type TransportChunk } from "../shared/index.ts";
import { openAiCall, openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { redisServer, startRedis, WITHOUT_REDIS, type RedisServer } from "../server/testing/redis-server.ts";
import { eventually, parseSse, postChat, readAll, readUntil, textOf, userSays } from "../server/testing/stream-client.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `wörd${index} `);

describe.skipIf(!redisServer)(`two instances${WITHOUT_REDIS}`, () => {
  let redis: RedisServer;
  let provider: ReplayProvider;
  let one: GatewayProcess;
  let other: GatewayProcess;

  const start = (env: Record<string, string> = {}): Promise<GatewayProcess> =>
    startGateway({
      REDIS_URL: redis.url,
      OPENAI_BASE_URL: `${provider.url}/v1`,
      OPENAI_API_KEY: "test",
      MODEL: "openai/replay",
      GRACE_MS: "600",
      MAX_ANSWER_CHARS: "100000000",
      ...env,
    });

  beforeAll(async () => {
    redis = await startRedis();
    provider = await startReplayProvider();
    [one, other] = await Promise.all([start(), start()]);
  });

  afterAll(async () => {
    await Promise.all([one?.stop(), other?.stop()]);
    await provider?.close();
    await redis?.stop();
  });

  async function begin(body: unknown, at = one): Promise<{ id: string; response: Response }> {
    const response = await postChat(at.origin, body);
    return { id: response.headers.get("x-stream-id") ?? "", response };
  }

  test("a stream is the same bytes at both, live and after the end, and a retried POST at the other instance is not paid twice", async () => {
    provider.reply(() => ({ slices: openAiText(words(300)), delayMs: 2 }));
    const calls = provider.calls.length;
    const body = userSays("hi", { requestId: "retried" });
    const { id, response } = await begin(body);
    const [here, there, again] = await Promise.all([
      response.text(),
      fetch(`${other.origin}/api/chat/stream/${id}`).then((each) => each.text()),
      begin(body, other).then((each) => each.response.text()),
    ]);
    expect(there).toBe(here);
    expect(again).toBe(here);
    expect(textOf(parseSse(here))).toBe(words(300).join(""));
    expect(await (await fetch(`${other.origin}/api/chat/stream/${id}`)).text()).toBe(here);
    expect(provider.calls.length - calls).toBe(1);
    expect((await begin({ ...body, onDisconnect: "cancel", messages: [{ role: "user", content: "else" }] }, other)).response.status).toBe(
      409,
    );
  });

  test("ten retries at once at both instances make one call", async () => {
    provider.reply(() => ({ slices: openAiText(words(50)), delayMs: 2 }));
    const calls = provider.calls.length;
    const body = userSays("hi", { requestId: "at once" });
    const texts = await Promise.all(
      Array.from({ length: 10 }, (_, index) => begin(body, index % 2 ? one : other).then(({ response }) => response.text())),
    );
    expect(new Set(texts).size).toBe(1);
    expect(provider.calls.length - calls).toBe(1);
  });

  test("a reader that changes the instance at every tenth event reads what it would have read uncut", async () => {
    provider.reply(() => ({ slices: openAiText(words(400)), delayMs: 2 }));
    const { id, response } = await begin(userSays("hi"));
    const seen = await readUntil(response, (events) => events.length >= 10);
    for (let turn = 0; seen.at(-1)?.type !== "done"; turn++) {
      const next = await fetch(`${[other, one][turn % 2]?.origin}/api/chat/stream/${id}?lastSeq=${seen.at(-1)?.seq}`);
      expect(next.status).toBe(200);
      seen.push(...(await readUntil(next, (events) => events.length >= 10 || events.at(-1)?.type === "done")));
    }
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
    expect(textOf(seen)).toBe(words(400).join(""));
  });

  test("Stop at the other instance reaches the provider within 500 ms, 100 times", async () => {
    provider.reply(() => ({ slices: openAiText(["a", "b"]).slice(0, 3), ending: "hang" }));
    const first = provider.calls.length;
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      const runs = await Promise.all(Array.from({ length: 10 }, () => begin(userSays("hi"))));
      await Promise.all(runs.map(({ response }) => readUntil(response, (events) => textOf(events) === "ab")));
      const calls = provider.calls.slice(first + round * 10);
      expect(calls).toHaveLength(10);
      const asked = performance.now();
      await Promise.all(
        runs.map(async ({ id }) => {
          expect((await fetch(`${other.origin}/api/chat/stream/${id}/cancel`, { method: "POST" })).status).toBe(202);
        }),
      );
      await eventually(() => calls.every(({ aborted }) => aborted), "the aborts");
      times.push(...calls.map(({ abortedAt = Infinity }) => abortedAt - asked));
      for (const { id } of runs) {
        const events = await readAll(await fetch(`${other.origin}/api/chat/stream/${id}`));
        expect(events.at(-1)).toMatchObject({ type: "cancelled", reason: "user", metrics: { tokenCount: 2 } });
      }
    }
    times.sort((a, b) => a - b);
    console.log(`Stop at the other instance: p50 ${times[49]?.toFixed(0)} ms, p99 ${times[98]?.toFixed(0)} ms`);
    expect(times[98]).toBeLessThan(500);
  });

  test("a reader at the other instance counts: the run lives while it reads, and ends after the grace when it leaves", async () => {
    provider.reply(() => ({ slices: openAiText(words(5000)), delayMs: 2 }));
    const calls = provider.calls.length;
    const { id, response } = await begin(userSays("hi"));
    const leave = new AbortController();
    const there = await fetch(`${other.origin}/api/chat/stream/${id}`, { signal: leave.signal });
    const reading = readUntil(there, () => false).catch(() => undefined);
    await readUntil(response, (events) => events.length > 5);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const call = provider.calls[calls];
    expect(call?.aborted).toBe(false);
    leave.abort();
    await reading;
    await eventually(() => call?.aborted === true, "the abort", 3000);
    expect((await readAll(await fetch(`${other.origin}/api/chat/stream/${id}`))).at(-1)).toMatchObject({
      type: "cancelled",
      reason: "disconnect",
    });
  });

  test("a result for a tool of the page may come in at the other instance, once", async () => {
    provider.reply({ slices: openAiCall("pick", ['{"a":1}'], "call_9") }, { slices: openAiText(["Thanks."]) });
    const tool = { name: "pick", description: "Picks", parameters: { type: "object" } };
    const { id } = await begin(userSays("hi", { tools: [tool] }));
    const there = await fetch(`${other.origin}/api/chat/stream/${id}`);
    const reading = readAll(there);
    const post = (result: unknown): Promise<Response> =>
      fetch(`${other.origin}/api/chat/stream/${id}/tool-results`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(result),
      });
    await eventually(async () => (await post({ toolCallId: "call_9", result: "picked" })).status === 202, "the result to be taken");
    expect((await post({ toolCallId: "call_9", result: "picked" })).status).toBe(409);
    const events = await reading;
    expect(events.find((event) => event.type === "tool_result")).toMatchObject({ id: "call_9", result: "picked" });
    expect(textOf(events)).toBe("Thanks.");
  });

  test("a slow reader at the other instance slows the provider down", { timeout: 30_000 }, async () => {
    const piece = openAiText(["x".repeat(4000)])[1] ?? "";
    provider.reply(() => ({ slices: Array.from({ length: 10_000 }, () => piece) }));
    const calls = provider.calls.length;
    const answered = await postChat(one.origin, userSays("hi"), { headers: { Accept: "application/json" } });
    const { streamId } = (await answered.json()) as { streamId: string };
    const leave = new AbortController();
    // Nobody reads its body.
    await fetch(`${other.origin}/api/chat/stream/${streamId}`, { signal: leave.signal });
    let before = -1;
    while (before !== (provider.calls[calls]?.sent ?? 0)) {
      before = provider.calls[calls]?.sent ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    // Of 40 MB: what sockets hold, and no more than the pace ahead.
    expect(before).toBeGreaterThan(500_000);
    expect(before).toBeLessThan(20_000_000);
    expect(provider.calls[calls]?.aborted).toBe(false);
    leave.abort();
  });

  test("SIGTERM sends readers to the other instance, where they read the answer to its end", { timeout: 30_000 }, async () => {
    const leaving = await start({ SHUTDOWN_MS: "10000" });
    onTestFinished(() => leaving.stop());
    provider.reply(() => ({ slices: openAiText(words(400)), delayMs: 4 }));
    const calls = provider.calls.length;
    const { id, response } = await begin(userSays("hi", { onDisconnect: "cancel" }), leaving);
    const reading = response.text();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const stopped = leaving.stop();
    const text = await reading;
    expect(text).toMatch(/retry: \d+\n\n$/);
    const seen = parseSse(text);
    expect(seen.at(-1)?.type).toBe("token");
    const rest = await readAll(await fetch(`${other.origin}/api/chat/stream/${id}?lastSeq=${seen.at(-1)?.seq}`));
    expect(rest.at(-1)).toMatchObject({ type: "done", reason: "stop" });
    expect(textOf([...seen, ...rest])).toBe(words(400).join(""));
    expect(provider.calls.length - calls).toBe(1);
    await stopped;
  });

  test(
    "kill -9 of the producer: every reader gets producer_lost within 15 s, never done, and nothing is asked again",
    { timeout: 60_000 },
    async () => {
      const dying = await start();
      onTestFinished(() => dying.kill());
      provider.reply(() => ({ slices: openAiText(words(50)).slice(0, -3), delayMs: 2, ending: "hang" }));
      const calls = provider.calls.length;
      const endpoint = (gateway: GatewayProcess): string => `${gateway.origin}/api/chat`;
      /** Asks at the one that dies, and goes on at the other, as behind a load balancer. */
      let origin = endpoint(dying);
      const balanced: typeof fetch = (input, init) => fetch((input as string).replace("http://balanced", origin), init);
      const retry = { maxAttempts: 100, baseMs: 20, maxMs: 100 };
      let arrived = 0;
      let killed = 0;
      const ends = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const transport = createFetchSseTransport({ endpoint: "http://balanced", retry, fetch: balanced });
          let text = "";
          let last: TransportChunk | undefined;
          const request = { agentId: "docs", messages: [{ role: "user" as const, content: `q${index}` }], requestId: crypto.randomUUID() };
          for await (const chunk of transport.send(request)) {
            last = chunk;
            if (chunk.type !== "token") continue;
            text += chunk.content;
            if (text.length < words(50).join("").length) continue;
            // The last of them kills it.
            if (++arrived < 20) continue;
            killed = performance.now();
            origin = endpoint(other);
            void dying.kill();
          }
          return { text, last, ms: performance.now() - killed };
        }),
      );
      for (const { text, last, ms } of ends) {
        expect(last).toMatchObject({ type: "error", code: "producer_lost", retryable: true });
        expect(text).toBe(words(50).join(""));
        expect(ms).toBeLessThan(15_000);
      }
      console.log(`producer_lost after at most ${(Math.max(...ends.map(({ ms }) => ms)) / 1000).toFixed(1)} s`);
      expect(provider.calls.length - calls).toBe(20);
    },
  );
});
