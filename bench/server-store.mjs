/**
 * What keeping a run costs: 100 runs of 250 tokens per second appended to a store that nobody reads, in a process of its own.
 * With batches of 20 ms that is 5 tokens to a batch. Told to, it measures its CPU per token, in microseconds, between `begin` and `end`.
 */
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

import { meter } from "./server-meter.mjs";
import { Model } from "./server-model.mjs";

const RUNS = 100;
const TOKENS_PER_SECOND = 250;

const { serverBundle, redisUrl, profile } = JSON.parse(process.argv[2]);
const { MemoryRunStore, RedisRunStore, encodeFrame } = await import(pathToFileURL(serverBundle).href);
const store = redisUrl ? new RedisRunStore({ url: redisUrl, prefix: `bench-${randomBytes(6).toString("hex")}:` }) : new MemoryRunStore();
await store.ready?.();
store.serve({ deliver: () => undefined, lost: (_id, error) => console.error(error) });
const model = new Model(TOKENS_PER_SECOND);
for (let run = 0; run < RUNS; run++) {
  const id = randomBytes(16).toString("hex");
  await store.create({ id, messageId: "m", agentId: "a", model: "x", owner: "", onDisconnect: "continue", fingerprint: "" }, undefined);
  const writer = store.writer(id);
  let seq = 0;
  model.stream((content) => void writer.append(encodeFrame({ type: "token", content }, ++seq)));
}
meter(model, profile);
process.send({});
