/** One server in its own process. Told to, it measures itself: CPU and tokens between `begin` and `end`, and memory. */
import { Model } from "./server-model.mjs";
import { contenders } from "./server-peers.mjs";

const options = JSON.parse(process.argv[2]);
const model = new Model(options.tokensPerSecond);
const { log = () => 0, ...target } = await contenders[options.name](model, options);
let start;

function memory() {
  globalThis.gc?.();
  return { rss: process.memoryUsage.rss(), log: log() };
}

process.on("message", (message) => {
  if (message === "memory") process.send(memory());
  else if (message === "begin") {
    start = { cpu: process.cpuUsage(), at: performance.now(), tokens: model.tokens };
    process.send({});
  } else if (message === "end") {
    const { user, system } = process.cpuUsage(start.cpu);
    const tokens = model.tokens - start.tokens;
    process.send({ tokens, microsecondsPerToken: (user + system) / tokens, seconds: (performance.now() - start.at) / 1_000 });
  }
});
process.send(target);
// Nothing is left behind when the bench is interrupted.
process.on("disconnect", () => process.exit());
