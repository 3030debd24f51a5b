/** A process that measures itself when it is told to: CPU and tokens between `begin` and `end`. */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";

/** Where the CPU went between `begin` and `end`, for the DevTools of Chromium; it costs CPU itself. */
function profile(path) {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 200 });
  session.post("Profiler.start");
  return () => session.post("Profiler.stop", (_error, { profile: samples }) => writeFileSync(path, JSON.stringify(samples)));
}

export function meter(model, profilePath) {
  let start;
  let written;
  process.on("message", (message) => {
    if (message === "begin") {
      written = profilePath && profile(profilePath);
      start = { cpu: process.cpuUsage(), at: performance.now(), tokens: model.tokens };
      process.send({});
    } else if (message === "end") {
      const { user, system } = process.cpuUsage(start.cpu);
      const tokens = model.tokens - start.tokens;
      written?.();
      process.send({
        tokens,
        user: user / tokens,
        system: system / tokens,
        microsecondsPerToken: (user + system) / tokens,
        seconds: (performance.now() - start.at) / 1_000,
      });
    }
  });
  // Nothing is left behind when the bench is interrupted.
  process.on("disconnect", () => process.exit());
}
