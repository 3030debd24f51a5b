/** Bad networks against the built gateway: what was cut is resumed, and the text is the uncut one. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { createFetchSseTransport } from "../shared/index.ts";
import { startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { seededRandom, startFaultProxy } from "./testing/fault-proxy.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { GATEWAY_ENV, randomFault, readAnswer, replyWithText, transports, type MakeTransport } from "./testing/read-through-faults.ts";

let provider: ReplayProvider;
let gateway: GatewayProcess;

beforeAll(async () => {
  provider = await startReplayProvider();
  provider.reply(replyWithText());
  gateway = await startGateway({ ...GATEWAY_ENV, OPENAI_BASE_URL: `${provider.url}/v1` });
});

afterAll(async () => {
  await gateway?.stop();
  await provider?.close();
});

/** Reads answers, three at a time, through a proxy that cuts at random bytes, until it has cut `cuts` times. */
async function readThroughCuts(name: string, make: MakeTransport, cuts: number, random: () => number): Promise<string[]> {
  const proxy = await startFaultProxy(gateway.origin, () => (proxy.cuts() < cuts ? randomFault(random, name) : null));
  const failures: string[] = [];
  const callsBefore = provider.calls.length;
  let answers = 0;
  const read = async (): Promise<void> => {
    // Its own, so that each WebSocket carries one stream: of 3 KB until the next cut, three would take from each other.
    const transport = make(`${proxy.origin}/api/chat`);
    while (proxy.cuts() < cuts && failures.length === 0) {
      answers++;
      failures.push(...(await readAnswer(transport)).failures);
    }
    transport.close();
  };
  await Promise.all([read(), read(), read()]);
  const calls = provider.calls.length - callsBefore;
  if (calls !== answers) failures.push(`${calls} calls of the model for ${answers} answers`);
  await proxy.close();
  return failures;
}

describe.each(transports)("over %s", (name, make) => {
  test("1,000 cuts at random bytes lose nothing, repeat nothing, and call the model once per answer", { timeout: 240_000 }, async () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    expect(await readThroughCuts(name, make, 1_000, seededRandom(seed)), `SEED=${seed}`).toEqual([]);
  });
});

test("a cut at any place in the head of the POST's answer leads to exactly one call of the model", { timeout: 60_000 }, async () => {
  const places = Array.from({ length: 40 }, (_, index) => 1 + index * 10);
  let place = 0;
  const proxy = await startFaultProxy(gateway.origin, () => {
    const afterBytes = places[place++];
    return afterBytes === undefined ? null : { afterBytes, kind: place % 2 === 0 ? "fin" : "rst" };
  });
  onTestFinished(() => proxy.close());
  const callsBefore = provider.calls.length;
  const [, make] = transports[0] ?? [];
  const transport = make?.(`${proxy.origin}/api/chat`);
  if (!transport) throw new Error("no transport");
  // One answer after all these cuts, each of which makes the client send its POST again.
  expect(await readAnswer(transport)).toEqual({ failures: [], isLost: false });
  expect(proxy.cuts()).toBe(places.length);
  expect(provider.calls.length - callsBefore).toBe(1);
});

test("a resume that asks for one event too many is caught by the same reading", async () => {
  const offByOne: typeof fetch = (input, init) =>
    fetch(
      (input as string).replace(/lastSeq=(\d+)/, (_, seq: string) => `lastSeq=${Number(seq) + 1}`),
      init,
    );
  const make: MakeTransport = (endpoint) =>
    createFetchSseTransport({ endpoint, retry: { maxAttempts: 3, baseMs: 1, maxMs: 5 }, fetch: offByOne });
  const failures = await readThroughCuts("fetch", make, 5, seededRandom(7));
  expect(failures.some((failure) => failure.startsWith("ended with truncated"))).toBe(true);
});
