/**
 * What keeping a run costs: 100 runs of 250 tokens per second appended to a store that nobody reads, in this process alone.
 * With batches of 20 ms that is 5 tokens to a batch. Prints the CPU per token in microseconds.
 */
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

import { Model } from "./server-model.mjs";

const { serverBundle, redisUrl } = JSON.parse(process.argv[2]);
const { MemoryRunStore, RedisRunStore, encodeFrame } = await import(pathToFileURL(serverBundle).href);
const store = redisUrl ? new RedisRunStore({ url: redisUrl, prefix: `bench-${randomBytes(6).toString("hex")}:` }) : new MemoryRunStore();
await store.ready?.();
store.serve({ deliver: () => undefined, lost: (_id, error) => console.error(error) });
const model = new Model(250);
for (let run = 0; run < 100; run++) {
  const id = randomBytes(16).toString("hex");
  await store.create({ id, messageId: "m", agentId: "a", model: "x", owner: "", onDisconnect: "continue", fingerprint: "" }, undefined);
  const writer = store.writer(id);
  let seq = 0;
  model.stream((content) => void writer.append(encodeFrame({ type: "token", content }, ++seq)));
}
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
await wait(4_000);
const start = process.cpuUsage();
const before = model.tokens;
await wait(4_000);
const { user, system } = process.cpuUsage(start);
process.stdout.write(String((user + system) / (model.tokens - before)));
process.exit();
