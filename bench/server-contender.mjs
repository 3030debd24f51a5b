/** One server in its own process. Told to, it measures itself: CPU and tokens between `begin` and `end`, and memory. */
import { meter } from "./server-meter.mjs";
import { Model } from "./server-model.mjs";
import { contenders } from "./server-peers.mjs";

const options = JSON.parse(process.argv[2]);
const model = new Model(options.tokensPerSecond);
const { log = () => 0, ...target } = await contenders[options.name](model, options);

function memory() {
  globalThis.gc?.();
  return { rss: process.memoryUsage.rss(), log: log() };
}

/** What the tokens themselves cost, with nobody to send them to: waking for them and writing their time is no server's work. */
async function source() {
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const stops = Array.from({ length: options.streams }, () => model.stream(() => undefined));
  await wait(1_000);
  const before = { cpu: process.cpuUsage(), tokens: model.tokens };
  await wait(2_000);
  const { user, system } = process.cpuUsage(before.cpu);
  const tokens = model.tokens - before.tokens;
  for (const stop of stops) stop();
  process.send({ microsecondsPerToken: (user + system) / tokens });
}

process.on("message", (message) => {
  if (message === "memory") process.send(memory());
  else if (message === "source") void source();
});
meter(model, options.profile);
process.send(target);
