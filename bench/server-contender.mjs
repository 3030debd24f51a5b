/** One server in its own process. Told to, it measures itself: CPU and tokens between `begin` and `end`, and memory. */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";

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

/** Where the CPU went between `begin` and `end`, for the DevTools of Chromium; it costs CPU itself. */
let profiler;
function profile(path) {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 200 });
  session.post("Profiler.start");
  return () => session.post("Profiler.stop", (_error, { profile: samples }) => writeFileSync(path, JSON.stringify(samples)));
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
  else if (message === "begin") {
    if (options.profile) profiler = profile(options.profile);
    start = { cpu: process.cpuUsage(), at: performance.now(), tokens: model.tokens };
    process.send({});
  } else if (message === "end") {
    const { user, system } = process.cpuUsage(start.cpu);
    const tokens = model.tokens - start.tokens;
    profiler?.();
    process.send({
      tokens,
      user: user / tokens,
      system: system / tokens,
      microsecondsPerToken: (user + system) / tokens,
      seconds: (performance.now() - start.at) / 1_000,
    });
  }
});
process.send(target);
// Nothing is left behind when the bench is interrupted.
process.on("disconnect", () => process.exit());
