/**
 * npm run chaos: two gateways on one Redis behind a network that cuts at random bytes, while processes are killed (SIGKILL) and Redis is
 * restarted. Not a part of `npm test`: it takes some minutes. SEED=… replays the faults; CHAOS_CUTS=… makes it shorter or longer.
 */
import { expect, onTestFinished, test } from "vitest";

import { freePort } from "../server/testing/free-port.ts";
import { startReplayProvider } from "../server/testing/replay-provider.ts";
import { startRedis } from "../server/testing/redis-server.ts";
import { seededRandom, startFaultProxy, type FaultProxy } from "./testing/fault-proxy.ts";
import { startGateway } from "./testing/gateway-process.ts";
import { GATEWAY_ENV, randomFault, readAnswer, replyWithText, transports } from "./testing/read-through-faults.ts";

const CUTS = Number(process.env["CHAOS_CUTS"] ?? 0);
/** Cuts between two accidents of the servers. */
const PER_ACCIDENT = Math.min(2_500, CUTS / 4);
/** The longest it may take, in ms. */
const LIMIT_MS = 1_800_000;

test.skipIf(CUTS === 0)("chaos", { timeout: LIMIT_MS }, async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${CUTS} cuts, SEED=${seed}`);
  const random = seededRandom(seed);
  const provider = await startReplayProvider();
  onTestFinished(() => provider.close());
  provider.reply(replyWithText());
  const redis = await startRedis({ persistent: true });
  onTestFinished(() => redis.stop());
  const ports = [await freePort(), await freePort()];
  const start = (index: number) =>
    startGateway({
      ...GATEWAY_ENV,
      OPENAI_BASE_URL: `${provider.url}/v1`,
      REDIS_URL: redis.url,
      PORT: String(ports[index]),
    });
  const gateways = await Promise.all([start(0), start(1)]);
  onTestFinished(async () => void (await Promise.all(gateways.map((gateway) => gateway.kill()))));

  const origins = gateways.map(({ origin }) => origin);
  const failures: string[] = [];
  const proxies: FaultProxy[] = [];
  const cuts = (): number => proxies.reduce((sum, proxy) => sum + proxy.cuts(), 0);
  let answers = 0;
  let lost = 0;
  const read = async ([name, make]: (typeof transports)[number]): Promise<void> => {
    const proxy = await startFaultProxy(origins, () => (cuts() < CUTS ? randomFault(random, name) : null));
    proxies.push(proxy);
    const transport = make(`${proxy.origin}/api/chat`);
    while (cuts() < CUTS && failures.length === 0) {
      answers++;
      const reading = await readAnswer(transport);
      failures.push(...reading.failures.map((failure) => `${name}: ${failure}`));
      if (reading.isLost) lost++;
    }
    transport.close();
    await proxy.close();
  };

  const accidents: string[] = [];
  const over = new AbortController();
  const disturb = async (): Promise<void> => {
    for (let due = PER_ACCIDENT, turn = 0; !over.signal.aborted; turn++, due += PER_ACCIDENT) {
      while (cuts() < due && !over.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 100));
      if (over.signal.aborted) return;
      if (turn % 2 === 0) {
        const index = (turn / 2) % 2;
        await gateways[index]?.kill();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        gateways[index] = await start(index);
        accidents.push("killed a gateway");
      } else {
        await redis.kill();
        await new Promise((resolve) => setTimeout(resolve, 500));
        await redis.start();
        accidents.push("restarted Redis");
      }
      console.log(`${cuts()} cuts: ${accidents.at(-1)}`);
    }
  };
  const disturbing = disturb();
  await Promise.all([...transports, ...transports, ...transports].map(read));
  over.abort();
  await disturbing;

  console.log(
    `${cuts()} cuts in ${answers} answers, ${accidents.length} accidents: ${failures.length} answers with lost, doubled or reordered characters; ` +
      `${lost} told that their process was lost; ${provider.calls.length} calls of the model. SEED=${seed}`,
  );
  expect(failures, `SEED=${seed}`).toEqual([]);
  expect(lost).toBeGreaterThan(0);
  // Only answers of a killed process are lost, and none was asked for twice.
  expect(lost).toBeLessThanOrEqual(9 * accidents.filter((accident) => accident.includes("gateway")).length);
  expect(provider.calls.length).toBeLessThanOrEqual(answers);
  expect(provider.calls.length).toBeGreaterThanOrEqual(answers - lost);
});
